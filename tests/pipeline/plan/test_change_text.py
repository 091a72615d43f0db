"""States and changes as people read them."""

from __future__ import annotations

import pytest

from brandpress.pipeline.plan.change import FIELDS, Change
from brandpress.pipeline.plan.change_text import change_text, shortened_diff, state_line
from brandpress.pipeline.plan.state import STATES, VariantState
from brandpress.pipeline.plan.word_diff import word_diff


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (Change("prompt", "a mug on a beach", "a mug at sea"), "prompt: a mug [-on a beach-] {+at sea+}"),
        (Change("negative_prompt", "", "blur"), "negative prompt: {+blur+}"),
        (Change("reference", "a" * 64, "b" * 64, "product mug.png"), "reference product mug.png: aaaaaaaa → bbbbbbbb"),
        (Change("reference", None, "b" * 64, "style dawn.png"), "reference style dawn.png: added, bbbbbbbb"),
        (Change("reference", "a" * 64, None, "style dawn.png"), "reference style dawn.png: removed, aaaaaaaa"),
        (Change("weights", "a" * 64, "b" * 64), "weights: aaaaaaaa → bbbbbbbb"),
        (Change("background", None, "#ffffff", "product mug.png"), "background product mug.png: none → #ffffff"),
        (Change("size", "64x64", "128x64"), "size: 64x64 → 128x64"),
        (Change("guidance", 4.0, None), "guidance: 4.0 → default"),
        (Change("seed", 0, 1, cause="the picture was rejected"), "seed: 0 → 1, because the picture was rejected"),
        (Change("upsample", False, True), "upsample: off → on"),
        (Change("picture", "assets/mug.png", None), "the picture is missing in the store"),
        (Change("prompt", None, None), "prompt"),
    ],
)
def test_a_change_in_one_line(change: Change, text: str) -> None:
    assert change_text(change) == text


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_has_a_text(field: str) -> None:
    assert change_text(Change(field, "one", "two"))
    assert change_text(Change(field, None, None))


def test_only_the_words_around_a_change_are_shown() -> None:
    before = " ".join(["far"] * 50 + ["one"] + ["near"] * 50)
    text = shortened_diff(word_diff(before, before.replace("one", "two")))
    assert text.startswith("…")
    assert " far [-one-] {+two+} near " in text
    assert len(text) < 100
    assert len(shortened_diff(word_diff("", "x " * 10_000))) < 1000


def test_a_line_for_each_state() -> None:
    lines = {state: state_line(VariantState("mug", state, {}, 0, None)) for state in STATES}
    assert lines == {
        "new": "+ mug  new",
        "stale": "~ mug  stale",
        "unchanged": "= mug  unchanged: to be published",
        "held_back": "! mug  held back",
        "orphaned": "- mug  orphaned: no longer planned",
    }
    stale = VariantState("mug", "stale", {}, 0, None, (Change("seed", 1, 2), Change("steps", 2, 4)), "no memory")
    assert state_line(stale) == "~ mug  stale: seed: 1 → 2; steps: 2 → 4; failed before: no memory"
    moved = VariantState("mug", "orphaned", {}, 0, None, delivered_as="cup")
    assert state_line(moved) == "- mug  orphaned: now delivered as cup"
