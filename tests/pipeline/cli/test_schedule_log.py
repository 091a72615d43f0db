"""The events of `schedule` as text and as JSON."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from brandpress.pipeline.cli.log_options import LogFormat, LogOptions
from brandpress.pipeline.cli.schedule_log import shown_events
from brandpress.pipeline.run.scheduled_jobs import load_schedule
from brandpress.pipeline.run.scheduled_run import render_command
from brandpress.pipeline.run.scheduler import (
    Ended,
    Idle,
    NothingScheduled,
    NotStarted,
    ScheduleEvent,
    Started,
    Unavailable,
)
from brandpress.pipeline.spec.problem import Problem
from tests.campaigns import write_campaign
from tests.reference_pages import code_in, section

DUE = datetime(2026, 3, 2, 3, tzinfo=UTC)


@pytest.fixture
def events(tmp_path: Path) -> list[ScheduleEvent]:
    job = load_schedule(write_campaign(tmp_path, 1, schedule={"cron": "0 3 * * *"}))
    return [
        Problem("broken.yaml", 1, 12, "this isn't valid YAML"),
        Started(job, DUE, missed=True, attempt=2),
        Ended(job, DUE, 0, timedelta(minutes=2)),
        Ended(job, DUE, 3, timedelta(minutes=2)),
        Ended(job, DUE, 5, timedelta(seconds=2)),
        NotStarted(job, "no memory"),
        Unavailable(job, "no route"),
        Idle(DUE),
        NothingScheduled((Path("jobs"),), 2),
    ]


def test_lines(events: list[ScheduleEvent], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    show = shown_events(LogOptions(), on_terminal=True)
    for event in events:
        show(event)
    job = tmp_path / "spring.yaml"
    lines = capsys.readouterr().err.splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line) for line in lines)
    assert [line[21:] for line in lines] == [
        "broken.yaml:1:12: this isn't valid YAML",
        f"{job}: rendering spring, missed at 2026-03-02 03:00 UTC, attempt 2",
        f"{job}: done after 2 min 0 s",
        f"{job}: incomplete after 2 min 0 s",
        f"{job}: another run was at work after 2.0 s",
        f"{job}: rendering couldn't be started: no memory",
        f"{job}: no route",
        "nothing to start; the next run is due at 2026-03-02 03:00 UTC",
        'nothing is scheduled: none of the 2 YAML files in jobs has a schedule; write schedule: {cron: "0 3 * * MON", '
        "timezone: Europe/Berlin}",
    ]


def test_quiet_leaves_out_what_went_well(events: list[ScheduleEvent], capsys: pytest.CaptureFixture[str]) -> None:
    show = shown_events(LogOptions(quiet=True))
    for event in events:
        show(event)
    lines = capsys.readouterr().err.splitlines()
    assert [line.rpartition(": ")[2] for line in lines] == [
        "this isn't valid YAML", "incomplete after 2 min 0 s", "no memory", "no route", "Europe/Berlin}",
    ]  # fmt: skip


def test_json(events: list[ScheduleEvent], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    show = shown_events(LogOptions(format=LogFormat.JSON))
    for event in events:
        show(event)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [
        ("invalid_job", "error"), ("run_started", "info"), ("run_ended", "info"), ("run_ended", "error"),
        ("run_ended", "info"), ("run_not_started", "warning"), ("store_unavailable", "warning"),
        ("nothing_to_start", "info"), ("nothing_scheduled", "warning"),
    ]  # fmt: skip
    rows = section("json.md", "Log").rows("event")
    for line in lines:
        assert set(line) - set(section("json.md", "Log").rows("key")) == set(code_in(rows[line["event"]][2])), line
    assert (lines[0]["file"], lines[0]["line"]) == ("broken.yaml", 1)
    job = {"file": str(tmp_path / "spring.yaml"), "campaign": "spring", "due": "2026-03-02T03:00:00+00:00"}
    assert lines[1].items() >= (job | {"missed": True, "attempt": 2}).items()
    assert lines[3].items() >= (job | {"exit_code": 3, "seconds": 120.0}).items()


def test_the_run_is_told_how_to_report() -> None:
    options = LogOptions(quiet=True, format=LogFormat.JSON)
    command = render_command(Path("jobs/spring.yaml"), "out", options.words)
    assert command[-7:] == ["render", "jobs/spring.yaml", "--quiet", "--log-format", "json", "--deliver", "out"]
