"""Parses captions back: their statements must be true, and whatever they omit must have a reference."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from brandpress.model.nano.world.captions import MAX_WORDS, Caption, caption, caption_corpus, explicit_caption
from brandpress.model.nano.world.facts import Facts, random_facts
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.natural import natural_prompt
from brandpress.model.nano.world.phrases import ACTIONS, FRAMES, LINKS
from tests.model.nano.world.reading import (
    citations,
    is_natural,
    is_relative,
    mentions,
    missing_words,
    names_look,
    names_scene,
    nouns_at,
    slots_agree,
    slots_read,
)

DRAWN = 3000
Captioned = list[tuple[Caption, Facts]]


@pytest.fixture(scope="module")
def captioned(library: Library) -> Captioned:
    rng = random.Random(8)
    drawn = []
    for _ in range(DRAWN):
        facts = random_facts(rng, library)
        drawn.append((caption(rng, facts), facts))
    return drawn


def test_captions_depend_on_the_seed_only(library: Library) -> None:
    assert caption_corpus(random.Random(3), library, 50) == caption_corpus(random.Random(3), library, 50)
    assert len(set(caption_corpus(random.Random(3), library, 50))) > 45


def test_references_belong_to_the_composition_and_are_unique(captioned: Captioned) -> None:
    for drawn, facts in captioned:
        available = {f"item{index}" for index in range(len(facts["items"]))} | {"scene"}
        available |= {"style"} if facts["grade"] != "none" else set()
        assert set(drawn.references) <= available
        assert len(set(drawn.references)) == len(drawn.references)


def test_captions_have_zero_to_four_references(captioned: Captioned) -> None:
    shares = Counter(len(drawn.references) for drawn, _ in captioned)
    assert set(shares) == {0, 1, 2, 3, 4}
    assert min(shares[count] for count in (0, 1, 2, 3)) > 0.08 * DRAWN


def test_a_caption_with_numbers_cites_each_reference_once(captioned: Captioned) -> None:
    numbered = [(drawn, [name for _, name in citations(drawn)]) for drawn, _ in captioned]
    cited = [(drawn, names) for drawn, names in numbered if names]
    assert len(cited) > 0.35 * DRAWN
    for drawn, names in cited:
        assert sorted(names) == sorted(drawn.references), drawn


def test_a_number_cites_the_noun_of_its_reference(captioned: Captioned) -> None:
    for drawn, facts in captioned:
        cited = [int(name[4:]) for _, name in citations(drawn) if name.startswith("item")]
        at = nouns_at(drawn, facts)
        named = [index for index in sorted(at, key=lambda index: at[index]) if index in cited]
        assert [index for index in cited if index in at] == named, drawn


def test_sides_are_correct(captioned: Captioned) -> None:
    read = [(drawn, facts, slots_read(drawn, facts)) for drawn, facts in captioned]
    whole = [(drawn, facts, slots) for drawn, facts, slots in read if slots is not None]
    assert len(whole) > 0.6 * DRAWN  # the rest mention an item by neither noun nor number, or mention no side
    for drawn, facts, slots in whole:
        assert slots_agree(slots, facts, is_relative(drawn)), (drawn, slots)


def test_items_without_sides_are_mentioned_from_left_to_right(captioned: Captioned) -> None:
    several = [(drawn, facts) for drawn, facts in captioned if len(facts["items"]) > 1]
    natural = [(drawn, facts) for drawn, facts in several if is_natural(drawn, facts)]
    assert 0.32 < len(natural) / len(several) < 0.40
    orders = [(mentions(drawn, facts), len(facts["items"])) for drawn, facts in natural]
    readable = [(order, count) for order, count in orders if order is not None]
    assert len(readable) > 0.6 * len(natural)
    assert all(order == list(range(count)) for order, count in readable)
    assert {count for _, count in readable} == {2, 3}
    for link in (*LINKS, *ACTIONS):
        assert any(link in drawn.text for drawn, _ in natural), link
    framed = sum(any(frame in drawn.text.lower() for frame in FRAMES) for drawn, _ in natural)
    assert 0.4 < framed / len(natural) < 0.6


def test_a_natural_prompt_cites_numbers_or_has_its_references_in_order(library: Library) -> None:
    rng = random.Random(5)
    numbered = 0
    for index in range(80):
        facts = random_facts(rng, library)
        if len(facts["items"]) != 2:
            continue
        order = ["item0", "item1", "scene"]
        rng.shuffle(order)
        prompt = Caption(natural_prompt(facts, tuple(order), index), tuple(order))
        assert is_natural(prompt, facts)
        assert mentions(prompt, facts) == [0, 1]
        cited = [name for _, name in citations(prompt)]
        numbered += len(cited) == 3
        assert cited in (["item0", "item1", "scene"], ["scene"])
        assert len(cited) == 3 or order[:2] == ["item0", "item1"]
    assert numbered > 10


def test_the_scene_is_described_or_has_a_reference(captioned: Captioned) -> None:
    without_scene = [drawn for drawn, facts in captioned if not names_scene(drawn, facts)]
    assert len(without_scene) > 0.1 * DRAWN
    assert all("scene" in drawn.references for drawn in without_scene)


def test_a_style_reference_requires_a_described_scene_without_a_reference(captioned: Captioned) -> None:
    styled = [(drawn, facts) for drawn, facts in captioned if "style" in drawn.references]
    assert len(styled) > 0.03 * DRAWN
    for drawn, facts in styled:
        assert names_scene(drawn, facts), drawn
        assert "scene" not in drawn.references


def test_a_look_is_described_or_has_a_reference(captioned: Captioned) -> None:
    for drawn, facts in captioned:
        if facts["grade"] != "none" and not {"scene", "style"} & set(drawn.references):
            assert names_look(drawn, facts), drawn


def test_an_item_without_a_reference_is_described(captioned: Captioned) -> None:
    described_items = 0
    for drawn, facts in captioned:
        for index, item in enumerate(facts["items"]):
            if f"item{index}" not in drawn.references:
                described_items += 1
                assert missing_words(drawn, item) == [], drawn
    assert described_items > 0.3 * DRAWN


def test_captions_are_short_and_well_formed(captioned: Captioned) -> None:
    for drawn, _ in captioned:
        assert 2 <= len(drawn.text.split()) <= MAX_WORDS
        assert not any(
            defect in drawn.text for defect in ("None", "{", "}", "  ", " ,", ",,", "a a ", "the the ", "the a ")
        )


def test_an_explicit_caption_is_parsed_back(library: Library) -> None:
    rng = random.Random(4)
    for _ in range(200):
        facts = random_facts(rng, library)
        order = [f"item{index}" for index in range(len(facts["items"]))] + ["scene"]
        rng.shuffle(order)
        drawn = explicit_caption(facts, tuple(order))
        assert mentions(drawn, facts) == list(range(len(facts["items"])))
        assert [name for _, name in citations(drawn)] == [f"item{i}" for i in range(len(facts["items"]))] + ["scene"]
        assert slots_read(drawn, facts) == {index: item["slot"] for index, item in enumerate(facts["items"])}


def test_an_explicit_caption_requires_all_references(library: Library) -> None:
    facts = random_facts(random.Random(4), library)
    with pytest.raises(ValueError, match="not in tuple"):
        explicit_caption(facts, ("scene",))
