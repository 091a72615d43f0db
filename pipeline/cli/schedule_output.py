"""The output of `schedule --list`: when each job is due, and its last run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from brandpress.pipeline.cli.exit_codes import MEANINGS
from brandpress.pipeline.cli.text import printable
from brandpress.pipeline.run.schedule_state import State
from brandpress.pipeline.run.scheduler import Upcoming

SCHEMA = "brandpress.schedule/1"


def result(exit_code: int) -> str:
    """Returns what an exit code of `render` means."""
    return MEANINGS.get(exit_code, f"exit code {exit_code}")


def upcoming_lines(entries: Iterable[Upcoming], now: datetime) -> Iterator[str]:
    """`schedule --list`: a line for each job: what is due now, then the earliest ones."""
    for entry in entries:
        state = f"state unknown: {entry.unknown}" if entry.unknown else _last(entry.state, now)
        state = f"invalid: {entry.problem}" if entry.problem else state
        yield printable(f"{_when(entry)}  {entry.job.path}  {state}")


def _when(entry: Upcoming) -> str:
    """Returns when a job is due, in its own time zone and in UTC, and what becomes of a run that is due already."""
    schedule = entry.job.schedule
    following = f"{entry.next.astimezone(schedule.timezone):%Y-%m-%d %H:%M} {schedule.timezone.key}"
    following += "" if schedule.timezone.key == "UTC" else f" ({minute(entry.next)})"
    if entry.due_now is not None:
        return f"due now ({'missed' if entry.decision.missed else 'since'} {minute(entry.due_now)}), then {following}"
    if entry.to_leave_out is not None:
        return f"{following}, without the missed {minute(entry.to_leave_out)}"
    return following


def _last(state: State | None, now: datetime) -> str:
    if state is None:
        return "not seen by a scheduler yet"
    if state.left_out:
        return f"left out {minute(state.due)}, because it was missed"
    if not state.run or state.started is None:
        return "no run yet"
    if state.is_running(now):
        return f"running on {state.host} since {minute(state.started)}"
    if state.exit_code is None:
        return f"started {minute(state.started)} on {state.host}, which has been lost"
    return f"last run {minute(state.started)}: {result(state.exit_code)}"


def minute(time: datetime) -> str:
    """`2026-03-29 01:00 UTC`."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def upcoming_json(entries: Iterable[Upcoming], now: datetime) -> dict[str, Any]:
    """`schedule --list --json`. due_now, to_leave_out: due times of runs that `--once` would start or leave out.
    running: whether a scheduler is at work on it. state: as in `schedule.json`."""
    return {
        "schema": SCHEMA,
        "jobs": [
            {
                "file": str(entry.job.path),
                "campaign": entry.job.target.campaign,
                "deliver": str(entry.job.target.address),
                "cron": str(entry.job.schedule.cron),
                "timezone": entry.job.schedule.timezone.key,
                "next": entry.next.isoformat(),
                "due_now": None if entry.due_now is None else entry.due_now.isoformat(),
                "to_leave_out": None if entry.to_leave_out is None else entry.to_leave_out.isoformat(),
                "running": entry.state is not None and entry.state.is_running(now),
                "state": None if entry.state is None else entry.state.model_dump(mode="json"),
                "store_error": entry.unknown,
                "problem": None if entry.problem is None else str(entry.problem),
            }
            for entry in entries
        ],
    }
