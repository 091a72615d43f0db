"""The `schedule:` of a campaign: when it's rendered again, and for how long."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError
from pydantic import Field

from brandpress.pipeline.spec.fields import Fields, reader
from brandpress.pipeline.spec.messages import closest, kind, quote
from brandpress.pipeline.spec.problem import WrongValueError

CRON_RULE = (
    'allowed: five fields (minute, hour, day of month, month, day of week), such as "0 3 * * MON"; each is a number, a '
    "name (JAN, MON), '*', a range 1-5, a step */15, or a list of these"
)
_MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * SUN",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day of month": "1 to 31",
    "month": "1 to 12, or JAN to DEC",
    "day of week": "0 to 6, or SUN to SAT",
}
_ITEMS_RULE = "in a range, the first one isn't the greater one; a step is at least 1"
_ITEM = r"(?:\*|[0-9]{1,2}|[A-Z]{3})(?:-(?:[0-9]{1,2}|[A-Z]{3}))?(?:/[0-9]{1,2})?"
_PORTABLE = re.compile(rf"{_ITEM}(?:,{_ITEM})*")
MAX_CRON = 200  # characters
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)

_DURATION = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(s|min|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
_DURATION_RULE = "allowed: a number with its unit, from 1min to 30d, such as 45min, 6h or 1d"
MIN_DEADLINE, MAX_DEADLINE = timedelta(minutes=1), timedelta(days=30)

_CATCH_UP_RULE = "allowed: 1 (one run makes up for all that were missed) or 0 (missed runs are left out)"
_WINDOWS = tuple(timedelta(days=days) for days in (1 / 24, 1, 8, 40, 400, 9 * 366))
"""How far to look back for the last due time; the longest covers 29 February around a century."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression of five fields, as the file has it, in capitals."""

    text: str

    def __str__(self) -> str:
        return self.text

    def after(self, time: datetime, zone: ZoneInfo) -> datetime:
        """Returns the first due time after `time`, in UTC.

        A fixed time that a change to summer time skips is due right after the gap, and one that the change back repeats
        is due once, as in Debian's cron.
        """
        # In an hour that is repeated, CronSim begins with times of its first pass.
        return next(due for due in CronSim(self.text, time.astimezone(zone)) if due > time).astimezone(UTC)

    def latest(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """Returns the last due time that isn't after `now`, in UTC; None if there was none in nine years."""
        for window in _WINDOWS:
            latest = None
            for due in CronSim(self.text, (now - window).astimezone(zone)):
                if due > now:
                    break
                latest = due
            if latest is not None:
                return latest.astimezone(UTC)
        return None


def parse_cron(value: object) -> Cron:
    """Returns a cron expression. Only what cron, systemd and Kubernetes all understand. Raises WrongValueError."""
    if not isinstance(value, str):
        raise WrongValueError(f"must be text, not {kind(value)}", CRON_RULE)
    text = " ".join(value.upper().split())
    if text.lower() in _MACROS:
        raise WrongValueError(f"{quote(value)} isn't supported", CRON_RULE, quote(_MACROS[text.lower()]))
    fields = text.split()
    if len(fields) != len(_FIELDS) or len(text) > MAX_CRON:
        count = f"{len(fields):,} field{'' if len(fields) == 1 else 's'}"
        raise WrongValueError(f"{quote(value)} has {count}", CRON_RULE)
    for name, written in zip(_FIELDS, fields, strict=True):
        if not _PORTABLE.fullmatch(written):
            raise WrongValueError(f"{quote(written)} isn't a valid {name}", CRON_RULE, needle=re.escape(written))
        if not _is_in_range(name, written):
            rule = f"allowed: {_FIELDS[name]}" + (f"; {_ITEMS_RULE}" if re.search("[-/]", written) else "")
            raise WrongValueError(f"{quote(written)} isn't a valid {name}", rule, needle=re.escape(written))
    if re.search(r"(?<![0-9/])0?7(?![0-9])", fields[-1]):
        what = "Kubernetes doesn't know the day of week 7"
        days = re.sub(r"(?<=[0-6A-Z])-0?7(?![0-9/])", "-SAT,SUN", fields[-1])  # a range can't end with SUN
        days = re.sub(r"(?<![0-9/])0?7(?![0-9])", "SUN", days)
        suggestion = quote(" ".join([*fields[:-1], days])) if _is_in_range("day of week", days) else ""
        raise WrongValueError(what, "allowed: 0 or SUN for Sunday", suggestion)
    try:
        next(CronSim(text, _ANY_TIME))
    except CronSimError:  # each field by itself is valid
        rule = "allowed: a day that at least one of the months has"
        raise WrongValueError(f"{quote(value)}: there is no such day", rule) from None
    except StopIteration:
        raise WrongValueError(f"{quote(value)} is never due", CRON_RULE) from None
    return Cron(text)


def _is_in_range(name: str, written: str) -> bool:
    """Whether a field has only numbers and names that it can have."""
    try:
        CronSim(" ".join(written if field == name else "*" for field in _FIELDS), _ANY_TIME)
    except CronSimError:
        return False
    return True


def parse_timezone(value: object) -> ZoneInfo:
    """Returns the time zone of an IANA name. Raises WrongValueError."""
    rule = "allowed: a name of the IANA database, such as Europe/Berlin or UTC"
    if not isinstance(value, str):
        raise WrongValueError(f"must be text, not {kind(value)}", rule)
    if value not in _zones():
        raise WrongValueError(f"{quote(value)} isn't a time zone", rule, closest(value, _places()))
    return ZoneInfo(value)


@cache
def _zones() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))


@cache
def _places() -> tuple[str, ...]:
    """The zones to suggest: abbreviations such as CEST resemble those of other continents."""
    return tuple(zone for zone in _zones() if "/" in zone or zone == "UTC")


def parse_duration(value: object) -> timedelta:
    """Returns a length of time such as `6h`. Raises WrongValueError."""
    if not isinstance(value, str):
        raise WrongValueError(f"must be text, not {kind(value)}", _DURATION_RULE)
    match = _DURATION.fullmatch(value.strip().lower())
    if not match:
        raise WrongValueError(f"{quote(value)} isn't a length of time", _DURATION_RULE)
    length = timedelta(seconds=float(match[1]) * _SECONDS[match[2]])
    if not MIN_DEADLINE <= length <= MAX_DEADLINE:
        raise WrongValueError(f"{quote(value)} is out of range", _DURATION_RULE)
    return length


def parse_catch_up(value: object) -> int:
    """Returns 0 or 1. Raises WrongValueError."""
    if isinstance(value, bool) or value not in (0, 1) or not isinstance(value, int):
        raise WrongValueError(f"must be 0 or 1, not {kind(value)}", _CATCH_UP_RULE)
    return value


class Schedule(Fields):
    """When a campaign is due.

    catch_up: how many runs make up for missed ones, 0 or 1. deadline: how long a run may take before it's asked to end;
    what it has rendered is published, and the next run continues.
    """

    cron: Annotated[Cron, reader(parse_cron)] = Field(description='cron: "0 3 * * MON"')
    timezone: Annotated[ZoneInfo, reader(parse_timezone)] = ZoneInfo("UTC")
    catch_up: Annotated[int, reader(parse_catch_up)] = 1
    deadline: Annotated[timedelta, reader(parse_duration)] | None = None

    def after(self, time: datetime) -> datetime:
        """Returns the first due time after `time`, in UTC."""
        return self.cron.after(time, self.timezone)

    def latest(self, now: datetime) -> datetime | None:
        """Returns the last due time that isn't after `now`, in UTC."""
        return self.cron.latest(now, self.timezone)
