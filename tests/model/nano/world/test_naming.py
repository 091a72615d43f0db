"""Names of items that have a reference."""

from __future__ import annotations

import random

from brandpress.model.nano.world.facts import ItemFacts
from brandpress.model.nano.world.naming import Way, choose_way, disguised, name_item
from tests.model.nano.world.test_describe import item

SEEDS = range(400)
KOALA = item(noun="koala", category="character", colour="grey")
THING = item(noun="product", category="thing", colour=None)


def named(facts: ItemFacts, kind: str, *, numbered: bool = False) -> set[str]:
    return {name_item(random.Random(seed), facts, Way(kind, numbered, True), 2) for seed in SEEDS}


def test_a_name_tells_the_item_only_with_a_noun_of_its_own() -> None:
    for seed in SEEDS:
        rng = random.Random(seed)
        way = choose_way(rng, KOALA, [item()], numbered=False)
        assert way.telling == (way.kind not in ("name", "vague"))
        assert way.nameless == (way.kind in ("name", "vague"))
        assert not choose_way(rng, KOALA, [item(noun="koala")], numbered=False).telling
        assert not choose_way(rng, THING, [item()], numbered=False).telling
        assert choose_way(rng, THING, [item()], numbered=True).telling


def test_people_name_items_in_these_ways() -> None:
    assert {"the koala", "our koala", "a koala", "koala"} < named(KOALA, "noun")
    assert {"the grey koala", "our grey koala"} < named(KOALA, "described")
    assert {"our mascot", "the character"} < named(KOALA, "vague")
    assert "Kiki" in named(KOALA, "name")
    titled = named(KOALA, "titled")
    assert any(text.endswith(" the koala") for text in titled)
    assert any(text.startswith("our koala ") for text in titled)
    assert any(text.startswith("the Acme ") for text in named(item(), "model"))
    brand = named(item(), "brand")
    assert all("mug" in text for text in brand)
    assert any("'s " in text for text in brand)
    assert {"mug", "the green-mug", "green_mug"} < named(item(), "key")
    asides = named(KOALA, "aside")
    assert any(", our koala mascot," in text for text in asides)
    assert all("," in text for text in asides)


def test_numbered_names_cite_the_number() -> None:
    for kind in ("noun", "described", "full", "generic", "named", "bare"):
        assert all("2" in text or "second" in text for text in named(KOALA, kind, numbered=True))
    bare = named(KOALA, "bare", numbered=True)
    assert {"[image 2]", "@image2", "character 2", "the character from image 2"} < bare


def test_sizes_are_said_in_all_ways() -> None:
    for kind in ("noun", "described", "full", "vague", "name", "titled", "model", "brand", "key", "aside"):
        facts = ItemFacts(**{**KOALA, "scale": "huge"})
        sizes = ("huge", "giant", "gigantic", "enormous", "very large", "oversized")
        assert all(any(size in text for size in sizes) for text in named(facts, kind)), kind


def test_few_descriptions_have_wrong_colours() -> None:
    texts = [name_item(random.Random(seed), item(), Way("full", False, True), 1) for seed in SEEDS]
    assert 0.01 < sum("green" not in text for text in texts) / len(texts) < 0.1


def test_things_get_any_noun_but_not_one_of_the_other_items() -> None:
    nouns = set()
    for seed in SEEDS:
        koala, thing = disguised(random.Random(seed), [KOALA, THING])
        assert koala == KOALA
        assert thing["category"] == "thing"
        nouns.add(thing["noun"])
    assert len(nouns) > 100
    assert not {"koala", "product"} & nouns - {"product"}
