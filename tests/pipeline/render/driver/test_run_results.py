"""The records that the driver writes for variants whose worker was lost."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from brandpress.pipeline.deliver.delivery import deliver, read_record
from brandpress.pipeline.deliver.record import Record, record_key
from brandpress.pipeline.render.cause import Cause
from brandpress.pipeline.render.driver.dispatcher import FailedAttempt
from brandpress.pipeline.render.driver.run_results import RunResults
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.local import LocalStore
from brandpress.pipeline.store.protocol import Store, StoreError
from tests.pipeline.deliver.records import MODEL, data_of, failed, record, variant

CAUSE = Cause("its process died", "a:1 b")


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    return open_campaign(str(tmp_path), "spring")


def recorded(results: RunResults, failures: int, *, given_up: bool) -> Record:
    """Returns the record of a failed attempt at the first variant, once it is written."""
    results.start_recording([FailedAttempt(variant(0), failures, given_up)], CAUSE)
    ((_, record),) = results.recorded(None)
    return record


def test_a_first_failed_attempt_is_stored_but_is_no_result(folder: Store) -> None:
    results = RunResults(folder, MODEL)
    stored = recorded(results, 1, given_up=False)
    assert len(results) == 0
    assert read_record(folder, record_key(variant(0).render_key)) == stored
    assert (stored.status, stored.strikes, stored.attempts) == ("failed", 1, 1)
    assert stored.cause == "its process died (to be tried once more, alone)"


def test_the_last_failed_attempt_quarantines_and_attempts_add_up(folder: Store) -> None:
    results = RunResults(folder, MODEL)
    recorded(results, 1, given_up=False)
    given_up = recorded(results, 2, given_up=True)
    assert (given_up.status, given_up.strikes, given_up.attempts) == ("quarantined", 2, 2)
    assert (given_up.cause, given_up.traceback) == ("its process died (given up)", "a:1 b")
    assert results.others == {variant(0).render_key: given_up}
    assert read_record(folder, given_up.key) == given_up


def test_a_record_that_another_run_finished_meanwhile_stays(folder: Store) -> None:
    done = deliver(folder, record(0), variant(0).asset, data_of(0))
    results = RunResults(folder, MODEL)
    assert recorded(results, 2, given_up=True) == done


def test_a_failure_counts_even_if_it_cannot_be_stored(folder: Store) -> None:
    class Full:
        uri = folder.uri

        def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
            raise StoreError("the disk is full", "store")

    given_up = recorded(RunResults(Full(), MODEL), 2, given_up=True)  # type: ignore[arg-type]
    assert (given_up.status, given_up.cause) == ("quarantined", "its process died (given up); the disk is full")


def test_a_store_below_a_path_that_is_not_utf_8_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a\udcff").write_text("a file, where a folder is needed")
    results = RunResults(LocalStore(tmp_path / "a\udcff"), MODEL)
    given_up = recorded(results, 2, given_up=True)
    assert "a\\udcff" in (given_up.cause or "")
    assert given_up.model_dump_json()


def test_a_store_that_stalls_does_not_stop_the_caller(folder: Store) -> None:
    answers = threading.Event()

    class Stalled:
        uri = folder.uri

        def replace(self, key: str, data: bytes, content_type: str, expected: str | None) -> bool:
            answers.wait(60)
            return folder.replace(key, data, content_type, expected)

    results = RunResults(Stalled(), MODEL)  # type: ignore[arg-type]
    results.start_recording([FailedAttempt(variant(0), 2, given_up=True)], CAUSE)
    assert (results.recorded(), results.writing, results.others) == ([], True, {})
    answers.set()
    ((attempt, stored),) = results.recorded(None)
    assert (attempt.variant, results.writing) == (variant(0), False)
    assert results.others == {variant(0).render_key: stored}
    assert read_record(folder, stored.key) == stored


def test_results_are_kept_as_lines(folder: Store) -> None:
    """A record takes ten times the memory of its line."""
    results = RunResults(folder, MODEL)
    for one in (record(0, cost=2.5), failed(1), record(2, cost=2.5)):
        results.add(one)
    assert results.done == {one.render_key: one.to_json() for one in (record(0, cost=2.5), record(2, cost=2.5))}
    assert results.others == {failed(1).render_key: failed(1)}
    assert (len(results), results.totals.cost) == (3, 5.0)
    results.add(record(1))
    assert (len(results), results.others) == (3, {})
