"""The lease of a run: it keeps a second run from paying for the same pictures. Correctness never depends on it.

The lease is an object in the campaign's folder with an expiry that a thread extends. A lease that has expired, or whose
process on this machine has ended, is taken over.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from types import MappingProxyType

from pydantic import AwareDatetime, ValidationError

from brandpress.model.errors import BrandpressError
from brandpress.pipeline.deliver.record import JSON, StoredModel
from brandpress.pipeline.deliver.resume import record_entries
from brandpress.pipeline.store.protocol import Entry, Store, StoreError

LEASE = "lease.json"
LEASE_SECONDS = 90.0
HEARTBEAT_SECONDS = 5.0
CLOCK_SECONDS = 60.0
"""By how much clocks may differ. The expiry of a lease that ends later than that says nothing."""
SILENT_HEARTBEATS = 4
"""Heartbeats without a change after which such a lease is over."""
MAX_ATTEMPTS = 10


class AnotherRunError(BrandpressError):
    """Another run of the campaign is at work."""


class Lease(StoredModel):
    """The content of the lease. process: identifies the holder's process on its machine, where that is known. joined:
    ids of other runs that share the work. released: the holder has ended, and leaves the lease to whoever joined."""

    omit_default = ("released",)

    run: str
    host: str
    pid: int
    process: str = ""
    started: AwareDatetime
    expires: AwareDatetime
    joined: tuple[str, ...] = ()
    released: bool = False


class RunLease:
    """A run's part in a lease, as its holder or, with `join`, as a run that joined the holder's.

    Use it as a context manager. `shared` is whether other runs work on the campaign, too, and `recorded` then holds the
    render keys with a new or changed record, listed at each heartbeat. `took_over` is whether the run before ended
    without releasing its lease, so that its workers may have delivered pictures after their driver's end.
    """

    def __init__(
        self,
        folder: Store,
        *,
        join: bool = False,
        known: Mapping[str, Entry] = MappingProxyType({}),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        """known: records that don't count as new, keyed by render key, as they were listed when this run read them."""
        self.run = secrets.token_hex(8)
        self.shared = False
        self.took_over = False
        self.recorded: frozenset[str] = frozenset()
        self._folder, self._join, self._known, self._clock, self._wait = folder, join, known, clock, wait
        self._ended = Event()
        self._thread = Thread(target=self._keep, name="lease", daemon=True)

    def __enter__(self) -> RunLease:
        """Raises AnotherRunError if another run holds the lease and this one doesn't join it, and StoreError."""
        self._acquire()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()
        with suppress(StoreError):
            self._release()

    def _acquire(self) -> None:
        for _ in range(MAX_ATTEMPTS):
            now = self._clock()
            stat, lease = self._read()
            if lease is None or is_over(lease, now) or (is_far_ahead(lease, now) and self._is_silent(stat)):
                new = self._new(now)
                self.took_over = lease is not None and not lease.released
            elif self._join:
                new = lease.model_copy(update={"joined": (*lease.joined, self.run)})
                self.shared = True
            else:
                raise AnotherRunError(self._held_message(lease))
            if self._write(new, stat):
                return
        raise AnotherRunError(f"{self._folder.uri}: other runs keep changing the lease; run again")

    def _is_silent(self, etag: str | None) -> bool:
        """Returns whether nobody changes the lease for SILENT_HEARTBEATS."""
        self._wait(SILENT_HEARTBEATS * HEARTBEAT_SECONDS)
        return self._read()[0] == etag

    def _new(self, now: datetime) -> Lease:
        return Lease(
            run=self.run,
            host=socket.gethostname(),
            pid=os.getpid(),
            process=process_identity(os.getpid()) or "",
            started=now,
            expires=now + timedelta(seconds=LEASE_SECONDS),
        )

    def _held_message(self, lease: Lease) -> str:
        since = lease.started.isoformat(timespec="seconds")
        return (
            f"{self._folder.uri}: another run of this campaign is at work, on {lease.host} (process {lease.pid}) since "
            f"{since}; --join shares its work. If that run was killed, its lease ends at "
            f"{lease.expires.isoformat(timespec='seconds')}"
        )

    def _keep(self) -> None:
        while not self._ended.wait(HEARTBEAT_SECONDS):
            with suppress(StoreError):
                self._beat()

    def _beat(self) -> None:
        stat, lease = self._read()
        now = self._clock()
        if lease is None or (lease.run != self.run and is_over(lease, now)):
            others = tuple(run for run in (lease.joined if lease else ()) if run != self.run)
            # The holder has ended: a run that joined continues as the holder.
            self._write(self._new(now).model_copy(update={"joined": others}), stat)
        elif lease.run == self.run:
            self.shared = bool(lease.joined)
            self._write(lease.model_copy(update={"expires": now + timedelta(seconds=LEASE_SECONDS)}), stat)
        elif self.run not in lease.joined:  # another run has taken the lease over; this one was suspended or offline
            joined = lease.model_copy(update={"joined": (*lease.joined, self.run)})
            self.shared = self._write(joined, stat)
        if self.shared:
            self._list_records()

    def _list_records(self) -> None:
        """Replaces `recorded` if it has changed."""
        entries = record_entries(self._folder)
        recorded = frozenset(key for key, entry in entries if self._known.get(key) != entry)
        if recorded != self.recorded:
            self.recorded = recorded

    def _release(self) -> None:
        for _ in range(MAX_ATTEMPTS):
            stat, lease = self._read()
            if lease is None or (lease.run != self.run and self.run not in lease.joined):
                return
            ended: dict[str, object] = {"expires": self._clock(), "process": "", "released": True}
            if lease.run != self.run:
                changes: dict[str, object] = {"joined": tuple(run for run in lease.joined if run != self.run)}
            elif lease.joined:
                changes = ended  # another run takes the lease over at its next heartbeat
            else:
                try:
                    self._folder.delete(LEASE)
                except StoreError:
                    changes = ended  # without the right to delete
                else:
                    return
            if self._write(lease.model_copy(update=changes), stat):
                return

    def _read(self) -> tuple[str | None, Lease | None]:
        """Returns the etag and the content of the lease; an unreadable lease counts as none."""
        stat = self._folder.stat(LEASE)
        data = self._folder.read(LEASE) if stat else None
        try:
            lease = None if data is None else Lease.model_validate_json(data)
        except ValidationError:
            lease = None
        return (stat.etag if stat else None), lease

    def _write(self, lease: Lease, etag: str | None) -> bool:
        return self._folder.replace(LEASE, lease.model_dump_json().encode(), JSON, etag)


def is_over(lease: Lease, now: datetime) -> bool:
    """Whether a lease has expired, or its process ran on this machine and has ended."""
    if lease.expires <= now:
        return True
    if lease.host != socket.gethostname() or not lease.process:
        return False
    boot = lease.process.rpartition(" ")[0]
    own = process_identity(os.getpid())
    same_machine = own is not None and own.rpartition(" ")[0] == boot
    return same_machine and process_identity(lease.pid) != lease.process


def is_far_ahead(lease: Lease, now: datetime) -> bool:
    """Whether a lease ends later than any that a right clock has written."""
    return lease.expires > now + timedelta(seconds=LEASE_SECONDS + CLOCK_SECONDS)


def process_identity(pid: int) -> str | None:
    """Returns the machine's boot, the process namespace and the start time of a process; None if it isn't running or
    this system doesn't tell (Linux does)."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = Path("/proc/self/ns/pid").stat().st_ino
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    state, start = fields[0], fields[19]
    return None if state == "Z" else f"{boot} {namespace} {start}"
