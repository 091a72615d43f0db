"""The state of a scheduled campaign, `schedule.json` in its folder: the last run, so that all schedulers agree on it.

It changes by compare-and-swap only. Of two schedulers that want to start the same run, one succeeds.
"""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime, ConfigDict, Field, ValidationError

from brandpress.pipeline.deliver.record import JSON, StoredModel
from brandpress.pipeline.deliver.verify import SCHEDULE_STATE as STATE
from brandpress.pipeline.spec.schedule import Schedule
from brandpress.pipeline.store.protocol import Store, StoreError

SCHEMA = 1
ON_TIME = timedelta(minutes=10)
"""A run that starts within this time after it was due isn't a missed one."""
CLAIM_TIME = timedelta(minutes=3)
"""How long a claim holds without a heartbeat. Longer than clocks differ."""
RETRY_TIME = timedelta(minutes=5)
"""When a run is started again that another run of the campaign, or the end of its scheduler, has kept from its work."""
MAX_ATTEMPTS = 3


class State(StoredModel):
    """The newest due time that was dealt with, and its run.

    run: id of the run; empty if there was none, because the schedule was new or the run was left out. attempts: how
    often the run was started, without times when it couldn't do its work. exit_code: None while it's at work, and after
    a scheduler was lost. alive: the scheduler's last sign of life. left_out: there was no run, because it was missed
    and `catch_up` is 0. repeat: the run couldn't do its work and is to be started again.
    """

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    schema_version: int = Field(default=SCHEMA, alias="schema")
    due: AwareDatetime
    run: str = ""
    host: str = ""
    pid: int = 0
    attempts: int = 0
    started: AwareDatetime | None = None
    alive: AwareDatetime | None = None
    ended: AwareDatetime | None = None
    exit_code: int | None = None
    left_out: bool = False
    repeat: bool = False

    def is_running(self, now: datetime) -> bool:
        """Whether a scheduler is at work on the run, as far as anyone can tell."""
        return self.ended is None and self.alive is not None and abs(now - self.alive) < CLAIM_TIME

    def is_lost(self, now: datetime) -> bool:
        """Whether the scheduler of the run ended before it."""
        return bool(self.run) and self.ended is None and not self.is_running(now)


@dataclass(frozen=True, slots=True)
class Stored:
    """The state in a store and its etag; both None if there is none."""

    state: State | None
    etag: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a scheduler does now: start the run of the time `due`, leave it out, or note that the schedule begins then.

    missed: whether the run is late.
    """

    action: Literal["nothing", "run", "leave_out", "begin"]
    due: datetime | None = None
    missed: bool = False


NOTHING = Decision("nothing")


@dataclass(frozen=True, slots=True)
class Claim:
    """A run that this scheduler has to start, and nobody else. missed: whether it's late."""

    state: State
    etag: str
    missed: bool


def read_state(folder: Store) -> Stored:
    """Returns the state of a campaign. Raises StoreError, also if `schedule.json` isn't valid."""
    stat = folder.stat(STATE)
    data = folder.read(STATE) if stat else None
    if stat is None or data is None:
        return Stored(None, None)
    try:
        return Stored(State.model_validate_json(data), stat.etag)
    except ValidationError:
        message = f"{folder.uri}/{STATE}: not a valid state of a schedule; move it away, and the schedule starts anew"
        raise StoreError(message, "key") from None


def write_state(folder: Store, state: State, etag: str | None) -> str | None:
    """Writes the state if it still has this etag. Returns the new etag, or None if it has changed meanwhile."""
    data = state.model_dump_json(indent=1).encode() + b"\n"
    # The second condition doesn't hold if the response to an earlier attempt was lost.
    if not folder.replace(STATE, data, JSON, etag) and folder.read(STATE) != data:
        return None
    stat = folder.stat(STATE)
    return stat.etag if stat is not None and folder.read(STATE) == data else None


def decide(state: State | None, schedule: Schedule, now: datetime) -> Decision:
    """Returns what a scheduler does now about a schedule.

    A schedule that is new counts from ten minutes ago. Of several missed runs only the last is made up for, and with
    `catch_up: 0` none.
    """
    due = schedule.latest(now)
    if state is None:
        if due is None or due < now - ON_TIME:
            return Decision("begin", now)
    elif state.is_running(now) or due is None:
        return NOTHING
    elif state.due > now + CLAIM_TIME:  # written by a wrong clock
        return Decision("begin", now)
    elif due <= state.due:
        if not _is_to_repeat(state, now, schedule):
            return NOTHING
        due = state.due
    missed = due < now - ON_TIME
    return Decision("leave_out" if missed and not schedule.catch_up else "run", due, missed)


def claim_run(folder: Store, schedule: Schedule, now: datetime) -> Claim | None:
    """Claims the run that is due, and returns it; None if none is due, or if another scheduler has it.

    Raises StoreError.
    """
    stored = read_state(folder)
    state = stored.state
    decision = decide(state, schedule, now)
    due = decision.due
    if due is None:
        return None
    if decision.action != "run":
        write_state(folder, State(due=due, left_out=decision.action == "leave_out"), stored.etag)
        return None
    attempts = state.attempts - state.repeat if state is not None and state.due == due else 0
    claimed = State(
        due=due,
        run=secrets.token_hex(8),
        host=socket.gethostname(),
        pid=os.getpid(),
        attempts=attempts + 1,
        started=now,
        alive=now,
    )
    etag = write_state(folder, claimed, stored.etag)
    return None if etag is None else Claim(claimed, etag, decision.missed)


def _is_to_repeat(state: State, now: datetime, schedule: Schedule) -> bool:
    """Whether the run of this state has to be started again: its scheduler was lost, or it couldn't start."""
    if state.is_lost(now):
        return bool(schedule.catch_up) and state.attempts < MAX_ATTEMPTS
    return state.repeat and state.ended is not None and now >= state.ended + RETRY_TIME


def keep_alive(folder: Store, claim: Claim, now: datetime) -> Claim:
    """Writes a sign of life. Returns the claim unchanged if someone else has changed the state meanwhile."""
    state = claim.state.model_copy(update={"alive": now})
    etag = write_state(folder, state, claim.etag)
    if etag is not None:
        return Claim(state, etag, claim.missed)
    stored = read_state(folder)
    if stored.state is None or stored.etag is None or stored.state.run != state.run:
        return claim
    return Claim(stored.state, stored.etag, claim.missed)


def end_run(folder: Store, claim: Claim, now: datetime, exit_code: int, *, repeat: bool = False) -> None:
    """Writes how a run ended, unless someone else has taken it over meanwhile. Raises StoreError."""
    stored = read_state(folder)
    if stored.state is None or stored.state.run != claim.state.run:
        return
    ended = claim.state.model_copy(update={"alive": now, "ended": now, "exit_code": exit_code, "repeat": repeat})
    write_state(folder, ended, stored.etag)
