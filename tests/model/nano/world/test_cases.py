"""The fixed evaluation cases."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from brandpress.model.nano.world.cases import (
    CANDIDATES,
    Case,
    crop_box,
    crop_side,
    fixed_cases,
    mask_of,
    swap_positions,
)
from brandpress.model.nano.world.kinds import KINDS
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.products import is_held_out
from tests.model.nano.world.reading import citations, slots_read

COUNT = 12


@pytest.fixture(scope="module", params=[False, True], ids=["seen", "held out"])
def cases(request: pytest.FixtureRequest, library: Library) -> list[Case]:
    return fixed_cases(library, COUNT, 5, held_out=request.param)


def box_of(mask: np.ndarray) -> tuple[int, int, int, int]:
    ys, xs = np.nonzero(mask)
    return xs.min(), ys.min(), xs.max() + 1, ys.max() + 1


def test_cases_depend_on_the_seed_only(library: Library) -> None:
    one, other, third = (fixed_cases(library, 3, seed) for seed in (5, 5, 6))
    assert [case.caption for case in one] == [case.caption for case in other]
    assert [case.target.tobytes() for case in one] == [case.target.tobytes() for case in other]
    assert [case.target.tobytes() for case in one] != [case.target.tobytes() for case in third]


def test_references_are_in_the_order_of_the_caption(cases: list[Case]) -> None:
    orders = set()
    for case in cases:
        orders.add(case.caption.references)
        assert sorted(case.caption.references) == ["item0", "item1", "scene"]
        assert [name for _, name in citations(case.caption)] == ["item0", "item1", "scene"]
        assert slots_read(case.caption, case.composition.facts) == {0: "left", 1: "right"}
        shown = dict(zip(case.caption.references, case.references, strict=True))
        assert shown["item0"] is case.composition.item_references[0]
        assert shown["item1"] is case.composition.item_references[1]
        assert shown["scene"] is case.composition.scene_reference
    assert len(orders) > 2


def swapped_masks(case: Case) -> list[NDArray[np.bool_]]:
    """Returns the pixels of item 0 and item 1 in `case.swapped`."""
    first, second = case.composition.placed
    return [mask_of(part, 256, 256) for part in swap_positions(first, second, 256)]


def test_masks_fit_the_boxes_and_exchange_sides(cases: list[Case]) -> None:
    for case in cases:
        for mask, item in zip(case.masks, case.composition.facts["items"], strict=True):
            x0, y0, x1, y1 = box_of(mask)
            left, top, right, bottom = item["box"]
            assert left <= x0 < x1 <= right
            assert top <= y0 < y1 <= bottom
            assert mask.sum() > 0.3 * (right - left) * (bottom - top)
        centres = [np.nonzero(mask)[1].mean() for mask in (*case.masks, *swapped_masks(case))]
        assert centres[0] < 128 < centres[1]
        assert centres[3] < 128 < centres[2]


def test_target_and_swapped_differ_mainly_at_the_items(cases: list[Case]) -> None:
    for case in cases:
        difference = np.abs(np.asarray(case.target).astype(int) - np.asarray(case.swapped).astype(int)).max(-1)
        items = np.any((*case.masks, *swapped_masks(case)), axis=0)
        assert difference[items].mean() > 20
        assert (difference[: 256 // 5] == 0).all()


def test_the_answers_are_the_cases_own_items(cases: list[Case]) -> None:
    for case in cases:
        assert len(case.candidates) == CANDIDATES
        assert {candidate.size for candidate in case.candidates} == {(128, 128)}
        first = case.composition.placed[0]
        x, ground = first.x + first.drawing.width // 2, first.y + first.drawing.height
        crop = np.asarray(case.target.crop((x - 64, ground - 120, x + 64, ground + 8))).astype(int)
        own = case.masks[0][ground - 120 : ground + 8, max(0, x - 64) : x + 64]
        errors = []
        for candidate in case.candidates:
            difference = np.abs(np.asarray(candidate).astype(int) - crop)[: own.shape[0], -own.shape[1] :]
            errors.append(difference[own].mean())
        assert int(np.argmin(errors)) == case.answers[0]
        assert len(set(case.answers)) == 2


def test_smaller_pictures_have_smaller_crops(library: Library) -> None:
    for case in fixed_cases(library, 2, 5, width=160, height=96, reference=(80, 48)):
        assert case.target.size == (160, 96)
        assert {reference.size for reference in case.references} == {(80, 48)}
        assert {candidate.size for candidate in case.candidates} == {(48, 48)}
        left, top, right, bottom = crop_box(case.composition.placed[0], crop_side(160, 96))
        assert (right - left, bottom - top) == (48, 48)


@pytest.mark.parametrize("held_out", [False, True])
def test_cases_of_products_only_need_no_artwork(held_out: bool) -> None:
    for case in fixed_cases(Library.of([]), COUNT, 5, held_out=held_out, products_only=True):
        for item in case.composition.facts["items"]:
            assert item["category"] == "product"
            (kind,) = (kind for kind in KINDS if item["noun"] in kind.nouns)
            assert is_held_out(kind.nouns[0], item["pattern"] or "plain") == held_out
