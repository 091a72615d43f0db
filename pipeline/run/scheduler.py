"""Runs scheduled jobs when they're due. All state is in the stores, so that any number of schedulers can be at work."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from brandpress.pipeline.plan.parts import unknown_name
from brandpress.pipeline.run.schedule_state import (
    NOTHING,
    Decision,
    State,
    claim_run,
    decide,
    end_run,
    keep_alive,
    read_state,
)
from brandpress.pipeline.run.scheduled_jobs import ScheduledJob, ScheduledJobs, load_scheduled
from brandpress.pipeline.run.scheduled_run import run_scheduled
from brandpress.pipeline.spec.campaign_file import examine_campaign
from brandpress.pipeline.spec.problem import Problem
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, StoreError
from brandpress.pipeline.store.retry import RetryingStore, RetryPolicy

POLL_TIME = timedelta(seconds=30)
"""How often the files and the states are read again."""
STORE_SECONDS = 60.0
FAILED, ANOTHER_RUN, INTERRUPTED = 4, 5, 130
"""Exit codes of runs: an error; another run of the campaign is at work; a signal ended it early."""

Clock = Callable[[], datetime]
Runner = Callable[[ScheduledJob, str | None, Callable[[], None], Callable[[], bool]], int]


@dataclass(frozen=True, slots=True)
class Started:
    """A run was started. missed: it's late, because no scheduler was there when it was due."""

    job: ScheduledJob
    due: datetime
    missed: bool
    attempt: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A run has ended with the exit code of `brandpress render`."""

    job: ScheduledJob
    due: datetime
    exit_code: int
    took: timedelta


@dataclass(frozen=True, slots=True)
class NotStarted:
    """The process of a run couldn't be started, as without memory. The run ends with 4, and is repeated."""

    job: ScheduledJob
    cause: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The state of a job couldn't be read or written; the scheduler tries again."""

    job: ScheduledJob
    cause: str


@dataclass(frozen=True, slots=True)
class Idle:
    """There was nothing to start. next: when the next run is due."""

    next: datetime


@dataclass(frozen=True, slots=True)
class NothingScheduled:
    """No job in `paths` has a schedule. files: how many files were looked at."""

    paths: tuple[Path, ...]
    files: int


ScheduleEvent = Started | NotStarted | Ended | Unavailable | Idle | NothingScheduled | Problem


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A scheduled job: its next due time, and its state. decision: what `schedule --once` would do about it now.
    unknown: why the store couldn't be read. problem: the first one of its file or its brand spec, because of which its
    runs would fail."""

    job: ScheduledJob
    next: datetime
    state: State | None
    decision: Decision = NOTHING
    unknown: str | None = None
    problem: Problem | None = None

    @property
    def due_now(self) -> datetime | None:
        """The due time of the run that `schedule --once` would start now."""
        return self.decision.due if self.decision.action == "run" else None

    @property
    def to_leave_out(self) -> datetime | None:
        """The due time of the missed run that `schedule --once` would leave out now."""
        return self.decision.due if self.decision.action == "leave_out" else None


def utc_now() -> datetime:
    """Returns the time of this machine's clock."""
    return datetime.now(UTC)


class Scheduler:
    """Looks for due runs in `paths`, and does them one after the other.

    deliver: an address that overrides that of all jobs. wait: called with seconds to sleep. stopping: whether to end;
    a run that is at work is then interrupted. clock, poll, runner: for tests.
    """

    def __init__(
        self,
        paths: Iterable[Path],
        deliver: str | None = None,
        *,
        on_event: Callable[[ScheduleEvent], None] = lambda event: None,
        stopping: Callable[[], bool] = lambda: False,
        wait: Callable[[float], None],
        clock: Clock = utc_now,
        poll: timedelta = POLL_TIME,
        runner: Runner = run_scheduled,
    ) -> None:
        self._paths, self._deliver, self._on_event = tuple(paths), deliver, on_event
        self._stopping, self._wait, self._clock, self._poll, self._runner = stopping, wait, clock, poll, runner
        self._reported: tuple[Problem, ...] = ()
        self._said_nothing_scheduled = False

    def run(self) -> None:
        """Looks for due runs until `stopping()`. Files may change meanwhile; a broken one is reported once."""
        while not self._stopping():
            jobs = self._load()
            self._look(jobs)
            if not self._stopping():
                self._wait(self._pause(jobs.jobs))

    def run_once(self) -> tuple[int, ...]:
        """Does what is due now. Returns the exit codes of the runs; 1 for each mistake in a file, and 4 for each
        job whose store can't be used."""
        jobs = self._load()
        codes = (*(1 for _ in jobs.problems), *self._look(jobs))
        if not codes and jobs.jobs and not self._stopping():
            now = self._clock()
            self._on_event(Idle(min(job.schedule.after(now) for job in jobs.jobs)))
        return codes

    def _load(self) -> ScheduledJobs:
        jobs = load_scheduled(self._paths, self._deliver)
        for problem in jobs.problems:
            if problem not in self._reported:
                self._on_event(problem)
        self._reported = jobs.problems
        nothing = not jobs.jobs and not jobs.problems
        if nothing and not self._said_nothing_scheduled:
            self._on_event(NothingScheduled(self._paths, jobs.others))
        self._said_nothing_scheduled = nothing
        return jobs

    def _look(self, jobs: ScheduledJobs) -> list[int]:
        codes = []
        for job in jobs.jobs:
            if self._stopping():
                break
            try:
                code = self._do(job)
            except StoreError as error:
                self._on_event(Unavailable(job, str(error)))
                code = FAILED
            if code is not None:
                codes.append(code)
        return codes

    def _do(self, job: ScheduledJob) -> int | None:
        """Does the due run of a job, and returns its exit code; None if there is none."""
        folder = RetryingStore(_folder(job), RetryPolicy(STORE_SECONDS))
        claim = claim_run(folder, job.schedule, self._clock())
        if claim is None:
            return None
        self._on_event(Started(job, claim.state.due, claim.missed, claim.state.attempts))
        began, latest = time.monotonic(), claim

        def heartbeat() -> None:
            nonlocal latest
            with suppress(StoreError):
                latest = keep_alive(folder, latest, self._clock())

        try:
            code = self._runner(job, self._deliver, heartbeat, self._stopping)
            repeat = code == ANOTHER_RUN or (code == INTERRUPTED and self._stopping())
        except OSError as error:
            self._on_event(NotStarted(job, error.strerror or type(error).__name__))
            code, repeat = FAILED, True
        self._on_event(Ended(job, claim.state.due, code, timedelta(seconds=time.monotonic() - began)))
        end_run(folder, latest, self._clock(), code, repeat=repeat)
        return code

    def _pause(self, jobs: Iterable[ScheduledJob]) -> float:
        now = self._clock()
        next_times = [job.schedule.after(now) - now for job in jobs]
        return min([*next_times, self._poll]).total_seconds()


def upcoming(jobs: Iterable[ScheduledJob], now: datetime) -> tuple[Upcoming, ...]:
    """Returns the next due time and the state of each job: first those that are due now, then the earliest ones."""
    entries = []
    for job in jobs:
        state, unknown, decision = None, None, NOTHING
        try:
            state = read_state(_folder(job)).state
            decision = decide(state, job.schedule, now)
        except StoreError as error:
            unknown = str(error)
        problem = first_problem(job.path)
        entries.append(Upcoming(job, job.schedule.after(now), state, decision, unknown, problem))
    return tuple(sorted(entries, key=lambda entry: (entry.due_now or entry.next, entry.job.path)))


def first_problem(path: Path) -> Problem | None:
    """Returns the first problem of a job's file or its brand spec, or that nobody knows the name of its model."""
    examined = examine_campaign(path)
    if examined.problems or examined.document is None or examined.choice is None:
        return next(iter(examined.problems), None)
    return unknown_name(examined.choice, path.parent, examined.document.problem)


def _folder(job: ScheduledJob) -> Store:
    return open_campaign(job.target.address, job.target.campaign)
