"""What a run takes up: missing variants and failed ones, or just those that failed."""

from __future__ import annotations

import pytest

from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.deliver.status import Failure
from brandpress.pipeline.render.driver.work_selection import WorkSelection
from tests.pipeline.deliver.records import failed, record, variant

INDEX: dict[str, Record] = {
    made.render_key: made
    for made in (
        record(0),
        failed(1),
        record(2, status="failed", cause="its process died", strikes=1),
        record(3, status="quarantined", cause="twice", strikes=2),
    )
}


@pytest.mark.parametrize(
    ("retry_failed", "todo", "held_back"),
    [(False, [1, 2, 4, 5], (Failure("mug/scene003", "twice", quarantined=True),)), (True, [1, 2, 3], ())],
)
def test_what_is_asked_for(retry_failed: bool, todo: list[int], held_back: tuple[Failure, ...]) -> None:
    asked = WorkSelection.of([variant(number) for number in range(6)], INDEX, retry_failed=retry_failed)
    assert [made.seed for made in asked.todo] == todo
    assert (asked.done, asked.held_back) == (1, held_back)
    assert asked.suspects == {variant(2).render_key, variant(3).render_key}


def test_without_failures_there_is_nothing_to_retry() -> None:
    assert list(WorkSelection.of([variant(0), variant(1)], {}, retry_failed=True).todo) == []
