"""The scheduler, with a clock that the tests move; runs are replaced by a function unless a test says otherwise."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.cli.schedule_output import upcoming_json, upcoming_lines
from brandpress.pipeline.run import scheduled_run
from brandpress.pipeline.run.schedule_state import CLAIM_TIME, STATE
from brandpress.pipeline.run.scheduled_jobs import ScheduledJob, load_scheduled
from brandpress.pipeline.run.scheduled_run import run_command, run_scheduled
from brandpress.pipeline.run.scheduler import (
    Ended,
    Idle,
    NothingScheduled,
    NotStarted,
    ScheduleEvent,
    Scheduler,
    Started,
    upcoming,
)
from brandpress.pipeline.spec.problem import Problem
from tests.campaigns import write_campaign

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class World:
    """A clock, and runs that take as long as `run_time` and end with `exit_code`."""

    def __init__(self) -> None:
        self.now = START
        self.run_time = timedelta(minutes=2)
        self.exit_code = 0
        self.poll = timedelta(hours=6)
        self.runs: list[tuple[str, datetime]] = []
        self.events: list[ScheduleEvent] = []
        self.end = START

    def clock(self) -> datetime:
        return self.now

    def run(
        self,
        job: ScheduledJob,
        deliver: str | None,
        heartbeat: Callable[[], None],
        stopping: Callable[[], bool],
    ) -> int:
        self.runs.append((job.target.campaign, self.now))
        end = self.now + self.run_time
        while self.now < end:
            self.now += timedelta(minutes=1)
            heartbeat()
        return self.exit_code

    def scheduler(self, *paths: Path, deliver: str | None = None) -> Scheduler:
        def wait(seconds: float) -> None:
            self.now += timedelta(seconds=seconds)

        return Scheduler(
            paths,
            deliver,
            on_event=self.events.append,
            stopping=lambda: self.now >= self.end,
            wait=wait,
            clock=self.clock,
            poll=self.poll,
            runner=self.run,
        )


@pytest.fixture
def world() -> World:
    return World()


def scheduled(folder: Path, cron: str = "0 3 * * *", **schedule: object) -> Path:
    return write_campaign(folder, 1, schedule={"cron": cron, **schedule})


def test_runs_start_when_they_are_due(tmp_path: Path, world: World) -> None:
    world.end = START + timedelta(days=3)
    world.scheduler(scheduled(tmp_path)).run()
    days = [datetime(2026, 3, day, 3, tzinfo=UTC) for day in (2, 3, 4)]
    assert [started for _, started in world.runs] == days
    assert [event.exit_code for event in world.events if isinstance(event, Ended)] == [0, 0, 0]


def test_two_schedulers_never_run_one_job_twice(tmp_path: Path, world: World) -> None:
    """The second one looks while the first one's run is at work, and right after it."""
    job = scheduled(tmp_path)
    first, second = world.scheduler(job), world.scheduler(job)
    world.end = START + timedelta(days=9)
    first.run_once()
    world.now = datetime(2026, 3, 2, 3, tzinfo=UTC)
    codes: list[int] = []

    def look_meanwhile(*args: object) -> int:
        codes.extend(second.run_once())
        return 0

    first._runner = look_meanwhile
    assert first.run_once() == (0,)
    assert codes == []
    assert second.run_once() == ()
    assert world.runs == []


def test_a_long_run_keeps_its_claim(tmp_path: Path, world: World) -> None:
    job = scheduled(tmp_path)
    world.end = START + timedelta(days=9)
    world.scheduler(job).run_once()
    world.now = datetime(2026, 3, 2, 3, tzinfo=UTC)
    world.run_time = 10 * CLAIM_TIME
    looks: list[tuple[int, ...]] = []
    other = world.scheduler(job)
    clock = world.clock

    def looking_clock() -> datetime:
        if len(looks) < 5 and world.runs:
            looks.append(())
            looks[-1] = other.run_once()
        return clock()

    first = world.scheduler(job)
    first._clock = looking_clock
    assert first.run_once() == (0,)
    assert looks == [()] * 5


def test_a_deadline_is_passed_on_and_missed_nights_are_one_run(tmp_path: Path, world: World) -> None:
    job = scheduled(tmp_path)
    world.end = START + timedelta(days=60)
    world.scheduler(job).run_once()
    world.now = START + timedelta(days=7)
    assert world.scheduler(job).run_once() == (0,)
    assert world.scheduler(job).run_once() == ()
    (event,) = (event for event in world.events if isinstance(event, Started))
    assert (event.missed, event.due) == (True, datetime(2026, 3, 8, 3, tzinfo=UTC))


def test_a_run_beside_another_one_is_tried_again(tmp_path: Path, world: World) -> None:
    world.exit_code, world.run_time, world.poll = 5, timedelta(0), timedelta(minutes=1)
    world.now = datetime(2026, 3, 2, 2, 55, tzinfo=UTC)
    world.end = datetime(2026, 3, 2, 3, 12, tzinfo=UTC)
    world.scheduler(scheduled(tmp_path)).run()
    assert [started.minute for _, started in world.runs] == [0, 5, 10]
    state = json.loads((tmp_path / "out" / "spring" / STATE).read_text())
    assert (state["schema"], state["exit_code"], state["repeat"], state["attempts"]) == (1, 5, True, 1)


def test_jobs_that_appear_or_break_while_it_runs(tmp_path: Path, world: World) -> None:
    jobs = tmp_path / "jobs"
    scheduled(jobs)
    world.end = START + timedelta(hours=1)
    scheduler = world.scheduler(jobs)
    scheduler.run()
    (jobs / "autumn.yaml").write_text((jobs / "spring.yaml").read_text().replace('"spring"', '"autumn"', 1))
    (jobs / "broken.yaml").write_text("campaign: [")
    world.end = datetime(2026, 3, 2, 4, tzinfo=UTC)
    scheduler.run()
    assert [name for name, _ in world.runs] == ["autumn", "spring"]
    assert len([event for event in world.events if isinstance(event, Problem)]) == 1
    assert scheduler.run_once() == (1,)


def test_a_store_that_cant_be_used_is_no_end(tmp_path: Path, world: World) -> None:
    job = scheduled(tmp_path)
    world.now = datetime(2026, 3, 2, 3, tzinfo=UTC)
    world.end = START + timedelta(days=9)
    (tmp_path / "file").write_text("")
    (tmp_path / "store" / "spring" / STATE).mkdir(parents=True)
    assert world.scheduler(job, deliver=str(tmp_path / "store")).run_once() == (4,)


def test_upcoming_jobs_are_in_order(tmp_path: Path, world: World) -> None:
    world.end = START + timedelta(days=1)
    late = scheduled(tmp_path / "late", "0 5 * * *")
    early = scheduled(tmp_path / "early", "0 5 * * *", timezone="Europe/Berlin")
    world.scheduler(late).run_once()
    entries = upcoming(load_scheduled([late, early]).jobs, START)
    assert [(entry.job.path, entry.next.hour) for entry in entries] == [(early, 4), (late, 5)]
    assert [entry.state is None for entry in entries] == [True, False]


def listed(job: Path, now: datetime) -> str:
    return next(upcoming_lines(upcoming(load_scheduled([job]).jobs, now), now))


@pytest.mark.parametrize("missed", [True, False])
def test_the_list_says_what_the_next_once_starts(tmp_path: Path, world: World, missed: bool) -> None:
    world.end = START + timedelta(days=9)
    late, early = scheduled(tmp_path / "late"), scheduled(tmp_path / "early", "0 4 * * *")
    world.now = START - timedelta(days=2)
    for job in (late, early):
        world.scheduler(job).run_once()
    world.now = datetime(2026, 3, 1, 3, 20 if missed else 5, tzinfo=UTC)
    entries = upcoming(load_scheduled([late]).jobs, world.now)
    due = datetime(2026, 3, 1, 3, tzinfo=UTC)
    assert upcoming_json(entries, world.now)["jobs"][0]["due_now"] == due.isoformat()
    since = "missed" if missed else "since"
    assert listed(late, world.now).startswith(
        f"due now ({since} 2026-03-01 03:00 UTC), then 2026-03-02 03:00 UTC  {late}  no run yet"
    )
    assert world.scheduler(late).run_once() == (0,)
    (started,) = (event for event in world.events if isinstance(event, Started))
    assert (started.due, started.missed) == (due, missed)
    assert listed(late, world.now).startswith(f"2026-03-02 03:00 UTC  {late}")


def test_what_is_due_now_comes_first(tmp_path: Path, world: World) -> None:
    world.end = START + timedelta(days=9)
    due, later = scheduled(tmp_path / "due"), scheduled(tmp_path / "later", "0 13 * * *")
    for job in (due, later):
        world.scheduler(job).run_once()
    world.now = datetime(2026, 3, 2, 12, tzinfo=UTC)
    world.scheduler(later).run_once()
    assert [entry.job.path for entry in upcoming(load_scheduled([later, due]).jobs, world.now)] == [due, later]


def test_the_list_says_what_is_left_out(tmp_path: Path, world: World) -> None:
    world.end = START + timedelta(days=9)
    job = scheduled(tmp_path, catch_up=0)
    world.scheduler(job).run_once()
    world.now = START + timedelta(days=2)
    entries = upcoming(load_scheduled([job]).jobs, world.now)
    (shown,) = upcoming_json(entries, world.now)["jobs"]
    assert (shown["due_now"], shown["to_leave_out"]) == (None, "2026-03-03T03:00:00+00:00")
    assert "2026-03-04 03:00 UTC, without the missed 2026-03-03 03:00 UTC  " in listed(job, world.now)
    assert world.scheduler(job).run_once() == ()
    assert "  left out 2026-03-03 03:00 UTC, because it was missed" in listed(job, world.now)
    assert "without" not in listed(job, world.now)


def test_once_says_that_there_is_nothing_to_start(tmp_path: Path, world: World) -> None:
    world.end = START + timedelta(days=9)
    job = scheduled(tmp_path)
    assert world.scheduler(job).run_once() == ()
    (tmp_path / "empty").mkdir()
    assert world.scheduler(tmp_path / "empty").run_once() == ()
    nothing = NothingScheduled((tmp_path / "empty",), 0)
    assert world.events == [Idle(datetime(2026, 3, 2, 3, tzinfo=UTC)), nothing]
    world.now = datetime(2026, 3, 2, 3, tzinfo=UTC)
    world.scheduler(job).run_once()
    assert sum(isinstance(event, Idle) for event in world.events) == 1


def tomorrow(folder: Path) -> Path:
    """Returns a job that isn't due now."""
    day = datetime.now(UTC) + timedelta(days=1)
    return scheduled(folder, f"0 0 {day.day} {day.month} *" if day.hour > 0 else f"0 12 {day.day} {day.month} *")


def test_a_folder_without_scheduled_jobs_is_warned_about(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It may be the wrong folder. A scheduler that goes on says so once."""
    write_campaign(tmp_path, 1)
    warning = f"nothing is scheduled: none of the 2 YAML files in {tmp_path} has a schedule; write schedule: {{cron: "
    for words in (["--once"], ["--once", "--quiet"], ["--list"]):
        assert cli.run(["schedule", str(tmp_path), *words]) == 0
        output = capsys.readouterr()
        assert warning in output.err
        assert output.out == ""
    assert cli.run(["schedule", str(tmp_path), "--list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["jobs"] == []
    events = list[ScheduleEvent]()
    rounds = iter([False, False, False, False, True])
    Scheduler([tmp_path], on_event=events.append, stopping=lambda: next(rounds, True), wait=lambda s: None).run()
    assert [type(event) for event in events] == [NothingScheduled]


def test_the_list_names_a_model_that_nobody_knows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, 1, model="nanno", schedule={"cron": "0 3 * * *"})
    assert cli.run(["schedule", str(job), "--list"]) == 1
    shown = capsys.readouterr().out
    assert f"  invalid: {job}:1:" in shown and "did you mean nano?" in shown


def test_an_invalid_job_doesnt_keep_a_valid_one_from_being_done(tmp_path: Path, world: World) -> None:
    """Its mistake names the file and its place, and counts for the exit code."""
    world.end = START + timedelta(days=9)
    job = scheduled(tmp_path / "jobs")
    (job.parent / "broken.yaml").write_text("campaign: broken\nschedule: {cron: 0 33 * * *}\n")
    world.scheduler(job.parent).run_once()  # notices the schedule
    world.now = datetime(2026, 3, 2, 3, tzinfo=UTC)
    world.events.clear()
    *invalid, done = world.scheduler(job.parent).run_once()
    assert (set(invalid), done) == ({1}, 0)
    *problems, started, ended = world.events
    assert all(str(problem).startswith(f"{job.parent}/broken.yaml:") for problem in problems)
    assert (type(started), type(ended)) == (Started, Ended)


def test_without_a_terminal_nothing_is_said_if_there_is_nothing_to_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cron sends a mail for every word. A log has the event, unless only warnings are wanted."""
    words = ["schedule", str(tomorrow(tmp_path)), "--once"]
    assert cli.run(words) == 0
    assert capsys.readouterr().err == ""
    assert cli.run([*words, "--log-format", "json"]) == 0
    assert '"nothing_to_start"' in capsys.readouterr().err
    assert cli.run([*words, "--log-format", "json", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


PATIENT = """
import signal, sys, time
signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
print("ready", flush=True)
time.sleep(1000)
"""


@pytest.mark.parametrize("ends", ["limit", "stopping"])
def test_a_run_is_interrupted_at_its_deadline_and_when_the_scheduler_ends(ends: str) -> None:
    beats: list[None] = []
    code = run_command(
        [sys.executable, "-c", PATIENT],
        limit=timedelta(hours=6) if ends == "limit" else None,
        clock=count(0, 3600).__next__ if ends == "limit" else lambda: 0,
        heartbeat=lambda: beats.append(None),
        stopping=lambda: ends == "stopping",
    )
    assert code in (130, 128 + signal.SIGINT), "the second if the program hadn't begun"
    assert len(beats) == (6 if ends == "limit" else 0) or code != 130


def test_a_run_that_doesnt_end_is_killed() -> None:
    deaf = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(1000)"
    code = run_command(
        [sys.executable, "-c", deaf],
        limit=None,
        clock=count(0, 3600).__next__,
        heartbeat=lambda: None,
        stopping=lambda: True,
    )
    assert code in (128 + signal.SIGKILL, 128 + signal.SIGINT)


def test_a_clock_that_is_set_forward_doesnt_end_a_run(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replaces the rendering by a command that takes a second, because only its time matters."""
    monkeypatch.setattr(
        scheduled_run, "render_command", lambda *_: [sys.executable, "-c", "import time; time.sleep(1)"]
    )
    job = scheduled(tmp_path, deadline="6h")
    world.end = START + timedelta(days=9)
    world.scheduler(job).run_once()
    clock = count(1).__next__
    scheduler = world.scheduler(job)
    scheduler._clock, scheduler._runner = lambda: START + clock() * timedelta(days=1), run_scheduled
    assert scheduler.run_once() == (0,)


def test_a_run_that_cant_be_started_is_repeated_and_other_jobs_run(tmp_path: Path, world: World) -> None:
    """As without memory or file descriptors, which a test can't use up."""
    world.end = START + timedelta(days=9)
    paths = scheduled(tmp_path / "a"), scheduled(tmp_path / "b")
    scheduler = world.scheduler(*paths)
    scheduler.run_once()
    world.now = datetime(2026, 3, 2, 3, tzinfo=UTC)

    def run(job: ScheduledJob, *_: object) -> int:
        if job.path == paths[0]:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return 0

    scheduler._runner = run
    assert scheduler.run_once() == (4, 0)
    (problem,) = (event for event in world.events if isinstance(event, NotStarted))
    assert (problem.job.path, problem.cause) == (paths[0], "Resource temporarily unavailable")
    state = json.loads((tmp_path / "a" / "out" / "spring" / STATE).read_text())
    assert (state["exit_code"], state["repeat"], state["ended"]) == (4, True, "2026-03-02T03:00:00Z")


@pytest.mark.slow
def test_the_command_renders_what_is_due(tmp_path: Path) -> None:
    """With nano, and a schedule that is always due."""
    job = write_campaign(tmp_path, 1, products=("mug",), model="nano", schedule={"cron": "* * * * *"})
    command = [sys.executable, "-m", "brandpress.pipeline.cli", "schedule", str(job)]
    once = subprocess.run([*command, "--once"], capture_output=True, text=True, check=False)
    assert once.returncode == 0, once.stderr
    assert "spring.yaml: rendering spring\n" in once.stderr
    state = json.loads((tmp_path / "out" / "spring" / STATE).read_text())
    assert (state["exit_code"], state["attempts"]) == (0, 1)
    assert (tmp_path / "out" / "spring" / "latest.json").exists()
    listed = subprocess.run([*command, "--list", "--json"], capture_output=True, text=True, check=True)
    (entry,) = json.loads(listed.stdout)["jobs"]
    assert (entry["campaign"], entry["state"]["exit_code"], entry["running"]) == ("spring", 0, False)


def test_the_list_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = scheduled(tmp_path / "jobs", "30 2 * * *", timezone="Europe/Berlin")
    assert cli.run(["schedule", str(job.parent), "--list"]) == 0
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\d 0[23]:[03]0 Europe/Berlin \(.* UTC\)  .*/spring.yaml  not seen by a scheduler yet\n",
        capsys.readouterr().out,
    )
    assert cli.run(["schedule", str(job), "--json"]) == 1
    assert "--json needs --list" in capsys.readouterr().err
    assert cli.run(["schedule", str(job.with_name("brand.yaml")), "--once"]) == 1
    assert "brand.yaml:1:1: this isn't a campaign's job, so it can't be scheduled" in capsys.readouterr().err


def test_the_list_names_what_validate_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A job that has a valid schedule and a mistake elsewhere, in its brand spec or in its own file."""
    good, bad = scheduled(tmp_path / "good"), scheduled(tmp_path / "bad")
    (bad.parent / "mug.png").unlink()
    assert cli.run(["schedule", str(good), str(bad), "--list", "--json"]) == 1
    jobs = {entry["file"]: entry["problem"] for entry in json.loads(capsys.readouterr().out)["jobs"]}
    assert jobs[str(good)] is None
    assert jobs[str(bad)].startswith(f"{bad.parent}/brand.yaml:1:")
    assert cli.run(["schedule", str(bad), "--list"]) == 1
    assert f"  invalid: {bad.parent}/brand.yaml:1:" in capsys.readouterr().out
    assert cli.run(["schedule", str(good), "--list"]) == 0
