"""Parses captions back: their statements must be true, and whatever they omit must have a reference."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from brandpress.model.nano.world.captions import (
    MAX_LETTERS,
    MAX_WORDS,
    Caption,
    caption,
    caption_corpus,
    explicit_caption,
)
from brandpress.model.nano.world.facts import FOUR_SLOTS, SCALES, SLOTS, Facts, random_facts
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.phrases import FRAMES, LINKS
from tests.model.nano.world.reading import (
    arranged,
    citations,
    is_natural,
    is_relative,
    mentions,
    mentions_depth,
    missing_words,
    names_look,
    names_scene,
    nouns_at,
    size_words,
    slots_agree,
    slots_read,
)

DRAWN = 4000
Captioned = list[tuple[Caption, Facts]]


def varied_facts(rng: random.Random, library: Library) -> Facts:
    """Returns random facts of 1 to 4 items in all arrangements, with scales, things, signs and hex colours."""
    facts = random_facts(rng, library)
    while len(facts["items"]) < 4 and rng.random() < 0.25:
        extra = random_facts(rng, library)["items"][0]
        if extra["noun"] not in [item["noun"] for item in facts["items"]]:
            facts["items"].append(extra)
    items = facts["items"]
    slots = {1: ("centre",), 2: ("left", "right"), 3: SLOTS, 4: FOUR_SLOTS}[len(items)]
    if len(items) == 2 and rng.random() < 0.1:
        slots = ("left", "centre")
    for item, slot in zip(items, slots, strict=True):
        item["slot"] = slot
        item["scale"] = rng.choices(SCALES, (5, 5, 80, 5, 5))[0]
        if rng.random() < 0.12:
            item["category"] = "thing"
            item["colour"] = item["pattern"] = item["second"] = item["logo"] = item["logo_colour"] = None
    arrangement = rng.choices(("row", "front", "stack"), (80, 10, 10))[0]
    facts["arrangement"] = arrangement if slots == ("left", "right") else "row"
    facts["banner"] = rng.choice(("SALE", "SUMMER SALE", "-20%")) if rng.random() < 0.15 else None
    if facts["scene_colour"] and rng.random() < 0.5:
        facts["scene_colour"] = "#f4e9d8"
    return facts


@pytest.fixture(scope="module")
def captioned(library: Library) -> Captioned:
    rng = random.Random(8)
    drawn = []
    for _ in range(DRAWN):
        facts = varied_facts(rng, library)
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
        assert len(set(drawn.references)) == len(drawn.references) <= 4


def test_a_thing_is_always_among_the_references(captioned: Captioned) -> None:
    things = 0
    for drawn, facts in captioned:
        for index, item in enumerate(facts["items"]):
            if item["category"] == "thing":
                things += 1
                assert f"item{index}" in drawn.references
    assert things > 0.1 * DRAWN


def test_most_pairs_have_both_items_as_references_and_no_other(captioned: Captioned) -> None:
    pairs = [set(drawn.references) for drawn, facts in captioned if len(facts["items"]) == 2]
    assert 0.6 < sum(references == {"item0", "item1"} for references in pairs) / len(pairs) < 0.75
    shares = Counter(len(drawn.references) for drawn, _ in captioned)
    assert set(shares) == {0, 1, 2, 3, 4}


def test_numbers_cite_references_of_the_caption_once(captioned: Captioned) -> None:
    numbered = [[name for _, name in citations(drawn)] for drawn, _ in captioned]
    cited = [names for names in numbered if names]
    assert 0.22 * DRAWN < len(cited) < 0.4 * DRAWN
    for names in cited:
        assert len(set(names)) == len(names), names


def test_a_number_cites_the_noun_of_its_reference(captioned: Captioned) -> None:
    for drawn, facts in captioned:
        cited = [int(name[4:]) for _, name in citations(drawn) if name.startswith("item")]
        at = nouns_at(drawn, facts)
        named = [index for index in sorted(at, key=lambda index: at[index]) if index in cited]
        assert [index for index in cited if index in at] == named, drawn


def test_items_that_words_do_not_tell_apart_are_referenced_in_the_order_of_mention(captioned: Captioned) -> None:
    several = 0
    for drawn, facts in captioned:
        if not is_natural(drawn, facts) or facts["arrangement"] != "row":
            continue
        known = {f"item{index}" for index in nouns_at(drawn, facts)} | {name for _, name in citations(drawn)}
        items = [name for name in drawn.references if name.startswith("item")]
        categories = [facts["items"][int(name[4:])]["category"] for name in items if name not in known]
        sorts = ["product" if category == "object" else category for category in categories]
        if len(sorts) > 1 and ("thing" in sorts or len(set(sorts)) < len(sorts)):
            several += 1
            assert items == sorted(items), drawn
    assert several > 40


def test_references_whose_order_matters_are_marked(captioned: Captioned) -> None:
    """Numbers cite them, or their kinds in the prompt don't tell them apart."""
    free = [(drawn, facts) for drawn, facts in captioned if drawn.any_order]
    assert 0.4 * DRAWN < len(free) < 0.75 * DRAWN
    for drawn, facts in free:
        assert not citations(drawn)
        unnamed = [
            facts["items"][int(name[4:])]["category"]
            for name in drawn.references
            if name.startswith("item") and int(name[4:]) not in nouns_at(drawn, facts)
        ]
        assert len(unnamed) < 2 or "thing" not in unnamed, drawn


def test_sides_are_correct(captioned: Captioned) -> None:
    rows = [(drawn, facts) for drawn, facts in captioned if facts["arrangement"] == "row"]
    read = [(drawn, facts, slots_read(drawn, facts)) for drawn, facts in rows]
    whole = [(drawn, facts, slots) for drawn, facts, slots in read if slots is not None]
    assert len(whole) > 0.2 * DRAWN  # the rest mention an item by neither noun nor number, or mention no side
    for drawn, facts, slots in whole:
        assert slots_agree(slots, facts, is_relative(drawn)), (drawn, slots)


def test_items_without_sides_are_mentioned_from_left_to_right(captioned: Captioned) -> None:
    several = [(drawn, facts) for drawn, facts in captioned if len(facts["items"]) > 1]
    natural = [(drawn, facts) for drawn, facts in several if is_natural(drawn, facts)]
    assert 0.53 < len(natural) / len(several) < 0.67
    rows = [(drawn, facts) for drawn, facts in natural if facts["arrangement"] == "row"]
    orders = [(mentions(drawn, facts), len(facts["items"])) for drawn, facts in rows]
    readable = [(order, count) for order, count in orders if order is not None]
    assert len(readable) > 0.2 * len(natural)
    assert all(order == list(range(count)) for order, count in readable)
    assert {count for _, count in readable} == {2, 3, 4}
    texts = [drawn.text.lower() for drawn, _ in rows]
    for link in LINKS:
        assert any(link in text for text in texts), link
    framed = sum(any(frame in text for frame in FRAMES) for text in texts)
    assert 0.35 < framed / len(texts) < 0.65


def test_the_caption_says_which_item_is_in_front_or_on_top(captioned: Captioned) -> None:
    read = 0
    for drawn, facts in captioned:
        if facts["arrangement"] == "row":
            assert not mentions_depth(drawn, facts), drawn
            continue
        words = arranged(drawn, facts)
        assert words is not None, drawn
        at = {index for index in nouns_at(drawn, facts) if len(facts["items"][index]["noun"]) > 3}
        for index in at:
            noun = facts["items"][index]["noun"].split()[0]
            if noun in " ".join(words) and noun not in words[1 - index]:
                read += 1
                assert noun in words[index], (drawn, words)
            elif noun in " ".join(words):
                assert noun in words[index], (drawn, words)
    assert read > 100


def test_tiny_and_huge_items_are_said_to_be_and_normal_ones_never(captioned: Captioned) -> None:
    for drawn, facts in captioned:
        scales = {item["scale"] for item in facts["items"]} - {"normal"}
        assert scales & {"tiny", "huge"} <= size_words(drawn, facts) <= scales, drawn


def test_the_words_of_a_sign_stand_verbatim(captioned: Captioned) -> None:
    for drawn, facts in captioned:
        if facts["banner"]:
            assert facts["banner"] in drawn.text, drawn
        else:
            words = drawn.text.lower().replace("-", " ").split()
            assert not {"sign", "headline", "reads", "reading", "says"} & set(words), drawn


def test_the_scene_is_described_or_has_a_reference(captioned: Captioned) -> None:
    without_scene = [drawn for drawn, facts in captioned if not names_scene(drawn, facts)]
    assert len(without_scene) > 0.05 * DRAWN
    assert [drawn for drawn in without_scene if "scene" not in drawn.references] == []


def test_a_style_reference_requires_a_described_scene_without_a_reference(captioned: Captioned) -> None:
    styled = [(drawn, facts) for drawn, facts in captioned if "style" in drawn.references]
    assert len(styled) > 0.02 * DRAWN
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
    assert described_items > 0.2 * DRAWN


def test_captions_are_short_and_well_formed(captioned: Captioned) -> None:
    defects = (
        "None",
        "{",
        "}",
        "  ",
        " ,",
        ",,",
        ",;",
        ",.",
        "..",
        "a a ",
        "the the ",
        "the a ",
        " a orange",
        "our our ",
    )
    for drawn, _ in captioned:
        assert 1 <= len(drawn.text.split()) <= MAX_WORDS
        assert [defect for defect in defects if defect in drawn.text] == [], drawn
    assert sum(len(drawn.text) > MAX_LETTERS for drawn, _ in captioned) < 0.005 * DRAWN


def test_an_explicit_caption_is_parsed_back(library: Library) -> None:
    rng = random.Random(4)
    for _ in range(200):
        facts = random_facts(rng, library)
        if any(item["category"] == "thing" for item in facts["items"]):
            continue
        order = [f"item{index}" for index in range(len(facts["items"]))] + ["scene"]
        rng.shuffle(order)
        drawn = explicit_caption(facts, tuple(order))
        assert mentions(drawn, facts) == list(range(len(facts["items"])))
        assert [name for _, name in citations(drawn)] == [f"item{i}" for i in range(len(facts["items"]))] + ["scene"]


def test_an_explicit_caption_requires_all_references(library: Library) -> None:
    facts = random_facts(random.Random(4), library)
    with pytest.raises(ValueError, match="not in tuple"):
        explicit_caption(facts, ("scene",))
