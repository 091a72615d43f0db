"""Subjects of captions without sides."""

from __future__ import annotations

import random

import pytest

from brandpress.model.nano.world.captions import Caption
from brandpress.model.nano.world.facts import Facts, random_facts
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.natural import natural_prompt, natural_subject, needs_no_sides, with_scene_between
from tests.model.nano.world.reading import citations, is_natural, mentions
from tests.model.nano.world.test_describe import item


def facts_of(*slots: str, arrangement: str = "row") -> Facts:
    items = [item(slot=slot, noun=noun) for slot, noun in zip(slots, ("mug", "fox", "cap", "box"), strict=False)]
    return Facts(
        width=256, height=256, items=items, arrangement=arrangement, banner=None, scene="beach", scene_colour=None,
        grade="none",
    )  # fmt: skip


def subjects(facts: Facts, *names: str, commas: bool = True) -> set[str]:
    return {natural_subject(random.Random(seed), facts, list(names), commas=commas) for seed in range(400)}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (facts_of("centre"), True),
        (facts_of("left"), False),
        (facts_of("left", "right"), True),
        (facts_of("left", "centre"), False),
        (facts_of("left", "centre", "right"), True),
        (facts_of("left", "centre left", "centre right", "right"), True),
        (facts_of("centre", "centre", arrangement="stack"), True),
    ],
)
def test_words_without_sides_mean_the_usual_slots(facts: Facts, expected: bool) -> None:
    assert needs_no_sides(facts) == expected


def test_two_items_in_a_row() -> None:
    texts = subjects(facts_of("left", "right"), "the mug", "Kiki")
    assert {"the mug next to Kiki", "the mug with Kiki", "the mug and Kiki", "the mug, Kiki"} < texts
    assert all(text.index("mug") < text.index("Kiki") for text in texts)


def test_a_name_with_a_comma_or_a_link_is_not_followed_by_an_ambiguous_one() -> None:
    texts = subjects(facts_of("left", "right"), "Hazel, our hedgehog mascot,", "the mug")
    assert "Hazel, our hedgehog mascot, next to the mug" in texts
    assert not any(" and " in text for text in texts)
    assert subjects(facts_of("left", "right"), "the mug", "Hazel, our mascot,") >= {"the mug beside Hazel, our mascot"}
    assert not any(
        " and the fox" in text for text in subjects(facts_of("left", "right"), "a mug with a star", "the fox")
    )


def test_no_comma_follows_a_name_that_the_next_one_may_explain() -> None:
    for names in (("Kiki", "a mug"), ("Kiki", "a mug", "the cap"), ("Kiki", "a mug", "the cap", "the box")):
        slots = ("left", "centre left", "centre right", "right")
        facts = facts_of(
            *(("left", "centre", "right") if len(names) == 3 else (slots[0], *slots[4 - len(names) + 1 :]))
        )
        texts = subjects(facts, *names, commas=False)
        assert len(texts) > 3
        assert not any("Kiki," in text for text in texts)


@pytest.mark.parametrize(
    ("arrangement", "expected"),
    [
        ("front", {"the mug in front of the fox", "the fox behind the mug"}),
        ("stack", {"the mug on top of the fox", "the fox with the mug on top", "the fox under the mug"}),
    ],
)
def test_the_first_item_is_in_front_or_on_top(arrangement: str, expected: set[str]) -> None:
    texts = subjects(facts_of("left", "right", arrangement=arrangement), "the mug", "the fox")
    assert expected < texts
    assert not {"the fox in front of the mug", "the mug behind the fox", "the fox on top of the mug"} & texts


def test_the_scene_may_stand_between_the_items() -> None:
    texts = {with_scene_between(random.Random(seed), ["our umbrella", "Kiki"], "on a beach") for seed in range(50)}
    assert "our umbrella on a beach next to Kiki" in texts


def test_a_natural_prompt_cites_numbers_or_has_its_references_in_order(library: Library) -> None:
    rng = random.Random(5)
    numbered = 0
    for index in range(120):
        facts = random_facts(rng, library)
        if len(facts["items"]) != 2 or any(item["category"] == "thing" for item in facts["items"]):
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
    assert numbered > 8
