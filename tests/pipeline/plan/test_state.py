"""The states of variants, given what is done, what failed and what is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from brandpress.pipeline.plan.change import Change
from brandpress.pipeline.plan.state import VariantState, count_states, summarise_changes, variant_states
from brandpress.pipeline.plan.variant import Variant
from tests.pipeline.plan.keys import model

A, B, C = (
    Variant(name, {"product": name}, f"a {name}", (), 64, 64, 0, "png", digit * 64, steps=4, guidance=1.0)
    for name, digit in (("mug", "a"), ("bottle", "b"), ("lamp", "c"))
)


def published(variant: Variant, **changes: Any) -> dict[str, Any]:
    fields = {
        "name": variant.name,
        "render_key": variant.render_key,
        "status": "done",
        "asset": "x",
        "axes": variant.axes,
    }
    fields |= {"seed": 0, "prompt": variant.prompt, "width": 64, "height": 64, "format": "png", "steps": 4}
    return fields | {"guidance": 1.0, "model": {"weights_digest": "ab" * 32}} | changes


def states(
    variants: Sequence[Variant],
    records: Sequence[Mapping[str, Any]] = (),
    done: str = "",
    held_back: str = "",
    causes: Mapping[str, str] | None = None,
) -> tuple[VariantState, ...]:
    """done, held_back: the first digits of render keys."""
    keys, held = ({digit * 64 for digit in digits} for digits in (done, held_back))
    return variant_states(variants, model(), keys, held, causes or {}, records)


def test_new_unchanged_held_back_and_orphaned() -> None:
    result = states([A, B], [published(A), published(C)], done="a", held_back="b", causes={"b" * 64: "it died"})
    assert [(one.name, one.state, one.listed, one.cause) for one in result] == [
        ("mug", "unchanged", True, None),
        ("bottle", "held_back", False, "it died"),
        ("lamp", "orphaned", False, None),
    ]
    assert (result[2].variant, result[2].previous_key, result[2].axes) == (None, "c" * 64, {"product": "lamp"})
    assert count_states(result) == {"new": 0, "stale": 0, "unchanged": 1, "held_back": 1, "orphaned": 1}
    assert [one.state for one in states([A], causes={"a" * 64: "no memory"})] == ["new"]


def test_a_variant_with_another_picture_under_its_name_is_stale() -> None:
    earlier = published(replace(A, render_key="e" * 64, prompt="a cup"))
    [one] = states([A], [earlier], causes={"a" * 64: "no memory"})
    assert (one.state, one.previous_key, one.cause) == ("stale", "e" * 64, "no memory")
    assert one.changes == (Change("prompt", "a cup", "a mug"),)
    [one] = states([A], [published(A)])
    assert (one.state, one.changes) == ("stale", (Change("picture", "x", None),))


def test_a_seed_that_changes_alone_says_why() -> None:
    now, why = replace(A, seed=1), {"e" * 64: "the picture was rejected"}
    for earlier, causes in (({}, [why["e" * 64]]), ({"prompt": "a cup"}, ["", ""])):
        record = published(A, render_key="e" * 64, **earlier)
        [one] = variant_states([now], model(), frozenset(), frozenset(), {}, [record], replaced=why)
        assert [change.cause for change in one.changes] == causes


def test_done_pictures_that_are_not_listed_are_work() -> None:
    for records in ([], [published(A, render_key="e" * 64)], [published(A, stale=True)]):
        [one] = states([A], records, done="a")
        assert (one.state, one.listed, one.changes, one.is_work) == ("unchanged", False, (), True)
    [one] = states([A], [published(A)], done="a")
    assert not one.is_work


def test_an_orphan_says_under_which_name_its_picture_is_delivered() -> None:
    old = published(replace(A, name="old/mug"))
    assert [one.delivered_as for one in states([A], [old], done="a")] == [None, "mug"]


def test_reasons_are_grouped() -> None:
    def old(variant: Variant, **changes: Any) -> dict[str, Any]:
        return published(variant, render_key="e" * 64, **changes)

    result = states([A, B, C], [old(A, prompt="x", seed=1), old(B, prompt="y", steps=2), old(C, steps=2)])
    assert list(summarise_changes(result)) == [
        (Change("prompt", None, None), 2),
        (Change("steps", 2, 4), 2),
        (Change("seed", None, None), 1),
    ]
