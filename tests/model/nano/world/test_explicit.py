"""Subjects of captions that state the side of each item."""

from __future__ import annotations

import random

from brandpress.model.nano.world.explicit import explicit_subject
from tests.model.nano.world.test_natural import facts_of


def subjects(slots: tuple[str, ...], mention: list[int], *names: str, commas: bool = True) -> set[str]:
    facts = facts_of(*slots)
    return {explicit_subject(random.Random(seed), facts, mention, list(names), commas=commas)[0] for seed in range(600)}


def test_sides_follow_the_names() -> None:
    texts = subjects(("left", "right"), [0, 1], "the mug", "Kiki")
    assert {
        "the mug on the left and Kiki on the right",
        "left: the mug, right: Kiki",
        "on the left the mug and on the right Kiki",
        "the mug to the left of Kiki",
        "from left to right: the mug and Kiki",
    } < texts


def test_items_may_be_mentioned_from_right_to_left() -> None:
    texts = subjects(("left", "right"), [1, 0], "Kiki", "the mug")
    assert {"Kiki on the right and the mug on the left", "Kiki to the right of the mug"} < texts
    assert not any("to the left of" in text or "left to right" in text for text in texts)


def test_four_items_are_mostly_listed_in_a_row() -> None:
    slots = ("left", "centre left", "centre right", "right")
    texts = subjects(slots, [0, 1, 2, 3], "a", "b", "c", "d")
    assert "from left to right: a, b, c and d" in texts
    assert "right to left: d, c, b and a" in subjects(slots, [3, 2, 1, 0], "d", "c", "b", "a")


def test_names_with_commas_are_listed_with_semicolons() -> None:
    slots = ("left", "centre", "right")
    texts = subjects(slots, [0, 1, 2], "Hazel, our hedgehog,", "the mug", "the cap")
    assert "from left to right: Hazel, our hedgehog; the mug; the cap" in texts
    rows = [text for text in subjects(slots, [0, 1, 2], "Kiki", "a mug", "a cap", commas=False) if "to right" in text]
    assert set(rows) == {
        f"{prefix}Kiki; a mug; a cap"
        for prefix in (
            "from left to right: ",
            "left to right: ",
            "in a row from left to right: ",
            "from left to right, ",
        )
    }


def test_verbs_agree_with_plurals() -> None:
    facts = facts_of("left", "right")
    facts["items"][0]["noun"] = "shorts"
    texts = {explicit_subject(random.Random(seed), facts, [0, 1], ["our shorts", "the fox"])[0] for seed in range(600)}
    assert any("our shorts are " in text for text in texts)
    assert not any("our shorts is " in text or "our shorts stands " in text for text in texts)
