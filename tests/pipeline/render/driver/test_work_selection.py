"""Which variants a run renders: missing and failed ones, or only failed ones."""

from __future__ import annotations

import pytest

from brandpress.pipeline.deliver.resume import MAX_ATTEMPTS, RecordIndex
from brandpress.pipeline.deliver.status import Failure
from brandpress.pipeline.render.driver.work_selection import WorkSelection
from tests.pipeline.deliver.records import failed, record, variant

INDEX = RecordIndex().updated(
    [
        record(0),
        failed(1),
        record(2, status="failed", cause="its process died", strikes=1),
        record(3, status="quarantined", cause="twice", strikes=2),
        failed(4, "always").model_copy(update={"attempts": MAX_ATTEMPTS}),
    ]
)


@pytest.mark.parametrize(
    ("retry_failed", "todo", "held_back"),
    [
        (False, [1, 2, 5], (Failure("mug/scene003", "twice", quarantined=True), Failure("mug/scene004", "always"))),
        (True, [1, 2, 3, 4], ()),
    ],
)
def test_selected_variants(retry_failed: bool, todo: list[int], held_back: tuple[Failure, ...]) -> None:
    selection = WorkSelection.of([variant(number) for number in range(6)], INDEX, retry_failed=retry_failed)
    assert [selected.seed for selected in selection.todo] == todo
    assert (selection.done, selection.held_back) == (1, held_back)
    assert selection.suspects == {variant(2).render_key, variant(3).render_key}


def test_retry_failed_without_failures_selects_nothing() -> None:
    assert list(WorkSelection.of([variant(0), variant(1)], RecordIndex(), retry_failed=True).todo) == []


def test_only_selected_variants_are_rendered_and_held_back() -> None:
    variants = [variant(number) for number in range(7)]
    only = {variant(number).render_key for number in (0, 1, 4, 5)}
    selection = WorkSelection.of(variants, INDEX, retry_failed=False, only=only)
    assert [selected.seed for selected in selection.todo] == [1, 5]
    assert (selection.done, selection.held_back) == (1, (Failure("mug/scene004", "always"),))
    assert (selection.suspects, selection.not_selected) == (frozenset(), 3)
    retried = WorkSelection.of(variants, INDEX, retry_failed=True, only=only)
    assert [selected.seed for selected in retried.todo] == [1, 4]
