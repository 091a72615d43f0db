"""The `schedule:` of a campaign: due times across changes of the clock, and what is refused."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.spec.problem import SpecError
from brandpress.pipeline.spec.schedule import Cron, parse_cron, parse_duration
from tests.campaigns import write_campaign

BERLIN = ZoneInfo("Europe/Berlin")


def due_times(cron: str, start: str, count: int) -> list[str]:
    """Returns the local times in Berlin at which an expression is due."""
    time, times = datetime.fromisoformat(start).astimezone(UTC), []
    for _ in range(count):
        time = parse_cron(cron).after(time, BERLIN)
        times.append(time.astimezone(BERLIN).isoformat(timespec="minutes"))
    return times


def test_a_time_that_summer_time_skips_is_due_right_after_the_gap() -> None:
    assert due_times("30 2 * * *", "2026-03-28T12:00+00:00", 2) == ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]


def test_a_time_that_is_repeated_is_due_once() -> None:
    assert due_times("30 2 * * *", "2026-10-24T12:00+00:00", 2) == ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]
    in_second_pass = "2026-10-25T01:10+00:00"
    assert due_times("30 2 * * *", in_second_pass, 1) == ["2026-10-26T02:30+01:00"]


def test_every_half_hour_goes_on_through_the_repeated_hour() -> None:
    times = due_times("*/30 * * * *", "2026-10-25T00:00+00:00", 4)
    assert times == [f"2026-10-25T{time}" for time in ("02:30+02:00", "02:00+01:00", "02:30+01:00", "03:00+01:00")]


def test_mondays_are_mondays() -> None:
    assert due_times("0 3 * * 1", "2026-10-25T00:00+00:00", 1) == due_times("0 3 * * MON", "2026-10-25T00:00+00:00", 1)
    assert datetime.fromisoformat(due_times("0 3 * * mon", "2026-10-21T00:00+00:00", 1)[0]).strftime("%a") == "Mon"


@pytest.mark.parametrize("cron", ["* * * * *", "30 2 * * *", "0 */6 * * *", "15 3 * * MON", "0 3 1 * *", "0 3 29 2 *"])
@given(moment=st.datetimes(datetime(2024, 3, 1), datetime(2029, 1, 1), timezones=st.just(UTC)))
def test_latest_is_the_due_time_before_the_next(cron: str, moment: datetime) -> None:
    expression = parse_cron(cron)
    latest = expression.latest(moment, BERLIN)
    assert latest is not None
    assert latest <= moment < expression.after(moment, BERLIN)
    if cron != "* * * * *":  # too many steps
        assert not latest < expression.after(latest, BERLIN) <= moment


def test_due_times_only_move_forward() -> None:
    times = [datetime.fromisoformat(time) for time in due_times("*/20 1-3 * * *", "2026-10-24T00:00+00:00", 40)]
    assert all(later > earlier for earlier, later in pairwise(times))


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("@daily", "'@daily' isn't supported; allowed: five fields .*; did you mean '0 0 \\* \\* \\*'\\?"),
        ("0 3 * *", "'0 3 \\* \\*' has 4 fields"),
        ("0 0 3 * * MON", "has 6 fields"),
        ("60 3 * * *", "'60' isn't a valid minute; allowed: 0 to 59$"),
        ("0 25 * * *", "'25' isn't a valid hour; allowed: 0 to 23$"),
        ("0 MON * * *", "'MON' isn't a valid hour; allowed: 0 to 23$"),
        ("0 3 32 * *", "'32' isn't a valid day of month; allowed: 1 to 31$"),
        ("0 3 * 13 *", "'13' isn't a valid month; allowed: 1 to 12, or JAN to DEC$"),
        ("0 3 * * 8", "'8' isn't a valid day of week; allowed: 0 to 6, or SUN to SAT$"),
        (
            "0 20-5 * * *",
            "'20-5' isn't a valid hour; allowed: 0 to 23; in a range, the first one isn't the greater one",
        ),
        ("0 0 31 2 *", "'0 0 31 2 \\*': there is no such day; allowed: a day that at least one of the months has$"),
        ("0 0 30,31 FEB *", "there is no such day"),
        ("0 3 * * MON#1", "'MON#1' isn't a valid day of week"),
        ("0 3 * * 1-7", "doesn't know the day of week 7; .* did you mean '0 3 \\* \\* 1-SAT,SUN'"),
        ("0 3 * * 1-7/2", "doesn't know the day of week 7; allowed: 0 or SUN for Sunday$"),
        ("*/0 * * * *", "'\\*/0' isn't a valid minute; allowed: 0 to 59; .*; a step is at least 1$"),
        ("0 3 L * *", "'L' isn't a valid day of month"),
        ("", "'' has 0 fields"),
        ("x", "'x' has 1 field; allowed"),
        (5, "must be text, not the number 5"),
    ],
)
def test_wrong_expressions_are_errors(tmp_path: Path, written: object, message: str) -> None:
    job = write_campaign(tmp_path, 1, schedule={"cron": written})
    with pytest.raises(SpecError, match=r"spring.yaml:1:\d+: schedule.cron:? " + f".*{message}"):
        load_campaign(job)


@pytest.mark.parametrize(
    ("written", "suggestion"),
    [
        ("CEST", ""),
        ("CET+1", ""),
        ("Europe/Berln", "; did you mean 'Europe/Berlin'?"),
        ("utc", "; did you mean 'UTC'?"),
    ],
)
def test_only_places_are_suggested_as_time_zones(tmp_path: Path, written: str, suggestion: str) -> None:
    """CEST resembles EST, which is another continent."""
    job = write_campaign(tmp_path, 1, schedule={"cron": "0 3 * * *", "timezone": written})
    with pytest.raises(SpecError) as raised:
        load_campaign(job)
    assert str(raised.value).endswith(f"such as Europe/Berlin or UTC{suggestion}")


@pytest.mark.parametrize(
    ("written", "length"),
    [
        ("90s", timedelta(seconds=90)),
        ("6h", timedelta(hours=6)),
        ("1.5 d", timedelta(hours=36)),
        ("45MIN", timedelta(minutes=45)),
    ],
)
def test_lengths_of_time(written: str, length: timedelta) -> None:
    assert parse_duration(written) == length


@pytest.mark.parametrize("wrong", ["30s", "31d", "6", "h", "-6h", "6 hours", 6, True])
def test_wrong_deadlines_are_errors(tmp_path: Path, wrong: object) -> None:
    job = write_campaign(tmp_path, 1, schedule={"cron": "0 3 * * *", "deadline": wrong})
    with pytest.raises(SpecError, match=r"schedule.deadline.*allowed: a number with its unit"):
        load_campaign(job)


@pytest.mark.parametrize("wrong", [2, -1, True, "1", 1.0, None])
def test_wrong_catch_ups_are_errors(tmp_path: Path, wrong: object) -> None:
    job = write_campaign(tmp_path, 1, schedule={"cron": "0 3 * * *", "catch_up": wrong})
    with pytest.raises(SpecError, match=r"schedule.catch_up must be 0 or 1"):
        load_campaign(job)


def test_the_defaults(tmp_path: Path) -> None:
    schedule = load_campaign(write_campaign(tmp_path, 1, schedule={"cron": "0  3 * * mon"})).job.schedule
    assert schedule is not None
    assert (schedule.cron, schedule.timezone.key) == (Cron("0 3 * * MON"), "UTC")
    assert (schedule.catch_up, schedule.deadline) == (1, None)
    assert load_campaign(write_campaign(tmp_path, 1)).job.schedule is None


def test_the_example_of_the_docs(tmp_path: Path) -> None:
    text = (Path(__file__).parents[3] / "docs" / "schedule.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    schedule = load_campaign(write_campaign(tmp_path, 1, **yaml.safe_load(example))).job.schedule
    assert schedule is not None
    assert (schedule.timezone, schedule.deadline) == (BERLIN, timedelta(hours=6))
