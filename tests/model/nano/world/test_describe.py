"""Descriptions of items in words."""

from __future__ import annotations

import random

import pytest

from brandpress.model.nano.world.describe import (
    american,
    brand_name,
    capitalise,
    character_name,
    description,
    everyday_noun,
    invented_name,
    model_name,
    short_description,
    size_word,
    with_article,
    wrongly_described,
)
from brandpress.model.nano.world.facts import SCALES, ItemFacts


def item(**changes: str | None) -> ItemFacts:
    facts = ItemFacts(
        slot="left", noun="mug", category="product", style="drawn", colour="green", pattern="plain", second=None,
        logo=None, logo_colour=None, scale="normal", box=[0, 0, 1, 1],
    )  # fmt: skip
    return ItemFacts(**{**facts, **changes})  # type: ignore[typeddict-item]


def all_of(facts: ItemFacts, article: bool = True) -> set[str]:
    return {description(random.Random(seed), facts, article=article) for seed in range(60)}


@pytest.mark.parametrize(
    ("facts", "texts"),
    [
        (item(), {"a green mug"}),
        (
            item(logo="star", logo_colour="white"),
            {"a green mug with a white star", "a green mug with a white star logo"},
        ),
        (item(noun="fox", category="character", colour="orange"), {"an orange fox"}),
        (item(noun="fox", category="character", colour=None), {"a fox"}),
        (item(noun="orange book", category="object", colour="orange"), {"an orange book"}),
    ],
)
def test_a_description_contains_colours_noun_and_logo(facts: ItemFacts, texts: set[str]) -> None:
    assert all_of(facts) == texts


@pytest.mark.parametrize("pattern", ["stripes", "band", "dots", "checks", "halves"])
def test_a_pattern_has_three_phrasings_with_both_colours(pattern: str) -> None:
    texts = all_of(item(pattern=pattern, second="white", logo="heart", logo_colour="red"), article=False)
    assert len(texts) == 6  # with and without "logo"
    for text in texts:
        assert all(word in text for word in ("green", "white", "mug", "red heart"))
        assert text.count(" with ") == 1


def test_a_short_description_contains_the_noun_and_a_true_property() -> None:
    facts = item(pattern="dots", second="white", logo="heart", logo_colour="red")
    texts = {short_description(random.Random(seed), facts) for seed in range(60)}
    assert texts == {"mug with the red heart", "mug with a heart", "dotted mug", "green mug"}


@pytest.mark.parametrize(
    ("noun", "text"),
    [
        ("owl", "an owl"),
        ("Ice", "an Ice"),
        ("unicorn", "a unicorn"),
        ("umbrella", "an umbrella"),
        ("hourglass", "an hourglass"),
        ("grapes", "grapes"),
        ("pink and white headphones", "pink and white headphones"),
        ("umbrella with dots", "an umbrella with dots"),
        ("octopus", "an octopus"),
        ("dress", "a dress"),
    ],
)
def test_articles(noun: str, text: str) -> None:
    assert with_article(noun) == text


def test_invented_names_are_varied_and_capitalised() -> None:
    names = {invented_name(random.Random(seed)) for seed in range(300)}
    assert len(names) > 200
    assert all(name == capitalise(name.lower()) for name in names)


def test_size_words_stand_before_the_colour_and_depend_on_the_scale() -> None:
    assert description(random.Random(1), item(), size="tiny") == "a tiny green mug"
    words = {scale: {size_word(random.Random(seed), item(scale=scale)) for seed in range(60)} for scale in SCALES}
    assert words["normal"] == {""}
    assert "" not in words["tiny"] | words["huge"]
    assert {"", "small"} < words["small"]
    assert len(set.union(*words.values())) == sum(map(len, words.values())) - 2  # only the empty word is shared


def test_a_wrong_description_has_other_colours_and_the_same_noun() -> None:
    for seed in range(40):
        wrong = wrongly_described(random.Random(seed), item(pattern="dots", second="white"))
        assert wrong["noun"] == "mug"
        assert wrong["colour"] not in ("green", None)
        assert wrong["second"] not in ("white", None)


def test_american_spelling_keeps_the_case() -> None:
    assert american("Grey colours in the CENTRE, cosy") == "Gray colors in the CENTER, cozy"


@pytest.mark.parametrize(("noun", "text"), [("fox face", "fox"), ("smiling face", "smiling face"), ("fox", "fox")])
def test_an_animals_face_is_called_by_the_animal(noun: str, text: str) -> None:
    assert everyday_noun(noun) == text


def test_names_of_characters_brands_and_models_are_varied() -> None:
    for draw, least in ((character_name, 150), (brand_name, 150), (model_name, 60)):
        names = {draw(random.Random(seed)) for seed in range(300)}
        assert len(names) > least
        assert all(name == name.strip() and name for name in names)
