"""The driver's own records: of variants over which workers were lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.pipeline.deliver.delivery import file_record, read_record
from brandpress.pipeline.deliver.record import record_key
from brandpress.pipeline.render.cause import Cause
from brandpress.pipeline.render.driver.dispatcher import Struck
from brandpress.pipeline.render.driver.run_results import RunResults
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError
from tests.pipeline.deliver.records import MODEL, record, variant

CAUSE = Cause("its process died", "a:1 b")


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    return open_campaign(str(tmp_path), "spring")


def test_a_strike_is_known_to_the_store_and_not_yet_an_end(folder: Store) -> None:
    results = RunResults(folder, MODEL)
    assert results.strike([Struck(variant(0), 1, given_up=False)], CAUSE) == []
    assert results.records == {}
    standing = read_record(folder, record_key(variant(0).render_key))
    assert standing is not None
    assert (standing.status, standing.strikes, standing.attempts) == ("failed", 1, 1)
    assert standing.cause == "its process died (to be tried once more, alone)"


def test_the_last_strike_is_quarantine_and_attempts_add_up(folder: Store) -> None:
    results = RunResults(folder, MODEL)
    results.strike([Struck(variant(0), 1, given_up=False)], CAUSE)
    (given_up,) = results.strike([Struck(variant(0), 2, given_up=True)], CAUSE)
    assert (given_up.status, given_up.strikes, given_up.attempts) == ("quarantined", 2, 2)
    assert (given_up.cause, given_up.traceback) == ("its process died (given up)", "a:1 b")
    assert results.records == {variant(0).render_key: given_up}
    assert read_record(folder, given_up.key) == given_up


def test_what_another_run_has_done_meanwhile_stays(folder: Store) -> None:
    done = file_record(folder, record(0, asset=variant(0).asset, sha256="0" * 64, bytes=1))
    results = RunResults(folder, MODEL)
    assert results.strike([Struck(variant(0), 2, given_up=True)], CAUSE) == [done]


def test_a_store_that_takes_nothing_loses_no_failure(folder: Store) -> None:
    class Full:
        uri = folder.uri

        def create(self, key: str, data: bytes, content_type: str) -> bool:
            raise StoreError("the disk is full", "store")

    (given_up,) = RunResults(Full(), MODEL).strike([Struck(variant(0), 2, given_up=True)], CAUSE)  # type: ignore[arg-type]
    assert (given_up.status, given_up.cause) == ("quarantined", "its process died (given up); the disk is full")
