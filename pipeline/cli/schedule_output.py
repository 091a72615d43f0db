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
    """`schedule --list`: a line for each job, the earliest first."""
    for entry in entries:
        local = entry.next.astimezone(entry.job.schedule.timezone)
        zone = entry.job.schedule.timezone.key
        state = f"state unknown: {entry.unknown}" if entry.unknown else _last(entry.state, now)
        state = f"invalid: {entry.problem}" if entry.problem else state
        yield printable(f"{local:%Y-%m-%d %H:%M} {zone} ({minute(entry.next)})  {entry.job.path}  {state}")


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
    """`schedule --list --json`. state: as in `schedule.json`; running: whether a scheduler is at work on it."""
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
                "running": entry.state is not None and entry.state.is_running(now),
                "state": None if entry.state is None else entry.state.model_dump(mode="json"),
                "store_error": entry.unknown,
                "problem": None if entry.problem is None else str(entry.problem),
            }
            for entry in entries
        ],
    }
