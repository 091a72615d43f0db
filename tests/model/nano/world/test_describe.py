"""Descriptions of items in words."""

from __future__ import annotations

import random

import pytest

from brandpress.model.nano.world.describe import capitalise, description, invented_name, short_description, with_article
from brandpress.model.nano.world.facts import ItemFacts


def item(**changes: str | None) -> ItemFacts:
    facts = ItemFacts(
        slot="left", noun="mug", category="product", style="drawn", colour="green", pattern="plain", second=None,
        logo=None, logo_colour=None, box=[0, 0, 1, 1],
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


@pytest.mark.parametrize(("noun", "text"), [("owl", "an owl"), ("Ice", "an Ice"), ("unicorn", "a unicorn")])
def test_articles(noun: str, text: str) -> None:
    assert with_article(noun) == text


def test_invented_names_are_varied_and_capitalised() -> None:
    names = {invented_name(random.Random(seed)) for seed in range(300)}
    assert len(names) > 200
    assert all(name == capitalise(name.lower()) for name in names)
