"""The lease of a run, on both stores: held, joined, handed over, expired, and free at once if its process has ended."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from brandpress.pipeline.deliver.delivery import deliver, file_record
from brandpress.pipeline.deliver.lease import (
    HEARTBEAT_SECONDS,
    LEASE,
    LEASE_SECONDS,
    SILENT_HEARTBEATS,
    AnotherRunError,
    RunLease,
)
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError
from brandpress.pipeline.store.wrapper import StoreWrapper
from tests.pipeline.deliver.records import data_of, failed, record, variant


@pytest.fixture
def folder(store_uri: str) -> Store:
    return open_campaign(store_uri, "spring")


def later(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_a_second_run_is_told_who_holds_the_lease(folder: Store) -> None:
    with RunLease(folder), pytest.raises(AnotherRunError, match=r"another run .* since 20\S+; --join shares its work"):
        RunLease(folder).__enter__()
    assert list(folder.list("")) == [], "the lease is gone with its run"
    with RunLease(folder):
        pass


def test_a_lease_ends_with_an_error_of_its_run(folder: Store) -> None:
    with pytest.raises(RuntimeError), RunLease(folder):
        raise RuntimeError
    assert folder.read(LEASE) is None


def test_an_expired_lease_is_taken_over(folder: Store) -> None:
    RunLease(folder)._acquire()  # and its machine loses power
    with RunLease(folder, clock=lambda: later(LEASE_SECONDS + 1)) as lease:
        assert json.loads(folder.read(LEASE) or b"")["run"] == lease.run


def test_a_lease_whose_process_was_killed_is_taken_over_at_once(folder: Store, store_uri: str) -> None:
    program = (
        "import os, sys; from brandpress.pipeline.deliver.lease import RunLease;"
        "from brandpress.pipeline.store.folder import open_campaign;"
        "RunLease(open_campaign(sys.argv[1], 'spring'))._acquire(); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", program, store_uri], check=False, timeout=120)
    assert folder.read(LEASE) is not None
    with RunLease(folder) as lease:
        assert lease.took_over
    with RunLease(folder) as lease:
        assert not lease.took_over, "the run before has released it"


def test_a_lease_of_a_clock_far_ahead_is_over_once_it_is_silent(folder: Store) -> None:
    RunLease(folder, clock=lambda: later(86_400))._acquire()  # and its machine loses power
    waits: list[float] = []
    with RunLease(folder, wait=waits.append) as lease:
        assert json.loads(folder.read(LEASE) or b"")["run"] == lease.run
    assert waits == [SILENT_HEARTBEATS * HEARTBEAT_SECONDS]


def test_a_run_whose_clock_is_far_ahead_keeps_its_lease(folder: Store) -> None:
    ahead = RunLease(folder, clock=lambda: later(86_400))
    ahead._acquire()
    with pytest.raises(AnotherRunError):
        RunLease(folder, wait=lambda seconds: ahead._beat())._acquire()


def test_a_damaged_lease_counts_as_none(folder: Store) -> None:
    assert folder.create(LEASE, b"{", "application/json")
    with RunLease(folder):
        pass


def test_the_heartbeat_extends_the_lease(folder: Store) -> None:
    with RunLease(folder) as lease:
        before = json.loads(folder.read(LEASE) or b"")["expires"]
        lease._clock = lambda: later(30)
        lease._beat()
        assert json.loads(folder.read(LEASE) or b"")["expires"] > before


def test_runs_that_share_the_work_see_what_the_others_record(folder: Store) -> None:
    with RunLease(folder) as holder, RunLease(folder, join=True) as joined:
        assert folder.create(record(0).key, record(0).to_json(), "application/json")
        assert (holder.shared, joined.shared) == (False, True)
        holder._beat()
        joined._beat()
        assert holder.shared
        assert holder.recorded == joined.recorded == {record(0).render_key}
    assert folder.read(LEASE) is None


def test_a_record_that_another_run_writes_anew_is_seen(folder: Store) -> None:
    """It was that of a failure, or its picture was lost."""
    for number in (0, 1):
        file_record(folder, failed(number))
    known = read_index(folder).unfinished
    with RunLease(folder, known=known) as holder, RunLease(folder, join=True, known=known) as joined:
        holder._beat()
        joined._beat()
        assert holder.recorded == joined.recorded == frozenset()
        deliver(folder, record(1), variant(1).asset, data_of(1))
        holder._beat()
        joined._beat()
        assert holder.recorded == joined.recorded == {record(1).render_key}
        before = holder.recorded
        holder._beat()
        assert holder.recorded is before, "nothing new"


def test_a_holder_whose_lease_was_taken_over_shares_the_work(folder: Store) -> None:
    """Its machine was suspended, or it couldn't reach the store for a while."""
    with RunLease(folder) as first, RunLease(folder, clock=lambda: later(LEASE_SECONDS + 1)) as second:
        assert folder.create(record(0).key, record(0).to_json(), "application/json")
        first._beat()
        second._beat()
        assert (first.shared, second.shared) == (True, True)
        assert first.recorded == second.recorded == {record(0).render_key}
        lease = json.loads(folder.read(LEASE) or b"")
        assert (lease["run"], lease["joined"]) == (second.run, [first.run])


def test_a_run_that_joined_continues_as_the_holder(folder: Store) -> None:
    holder = RunLease(folder)
    holder.__enter__()
    with RunLease(folder, join=True) as joined:
        holder.__exit__(None, None, None)
        joined._beat()
        assert json.loads(folder.read(LEASE) or b"")["run"] == joined.run
    assert folder.read(LEASE) is None


def test_joining_without_another_run_holds_the_lease(folder: Store) -> None:
    with RunLease(folder, join=True), pytest.raises(AnotherRunError):
        RunLease(folder).__enter__()


def test_without_the_right_to_delete_the_lease_ends_all_the_same(folder: Store) -> None:
    class Undeletable(StoreWrapper):
        def delete(self, key: str) -> None:
            raise StoreError("access denied", "store")

    with RunLease(Undeletable(folder)):
        pass
    assert folder.read(LEASE) is not None
    with RunLease(folder) as lease:
        assert not lease.took_over, "the run before has ended by itself"


def test_a_killed_run_is_recognised_where_the_system_does_not_identify_processes(
    folder: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on macOS: its lease is taken over when it has expired."""
    monkeypatch.setattr("brandpress.pipeline.deliver.lease.process_identity", lambda pid: None)
    RunLease(folder, clock=lambda: later(-3_600))._acquire()
    with RunLease(folder) as lease:
        assert lease.took_over


def test_the_next_holder_keeps_the_other_runs(folder: Store) -> None:
    holder = RunLease(folder)
    holder.__enter__()
    with RunLease(folder, join=True) as second, RunLease(folder, join=True) as third:
        holder.__exit__(None, None, None)
        second._beat()
        lease = json.loads(folder.read(LEASE) or b"")
        assert (lease["run"], lease["joined"]) == (second.run, [third.run])
