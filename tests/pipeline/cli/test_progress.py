"""Progress on stderr: a live display on a terminal, lines elsewhere, JSON on request, and little with --quiet."""

from __future__ import annotations

import io
import json
import re
import sys
from dataclasses import replace
from itertools import count

import pytest

from brandpress.pipeline.cli.event_text import line_of
from brandpress.pipeline.cli.log_json import SCHEMA
from brandpress.pipeline.cli.log_options import LogFormat, LogOptions, asks_for_json
from brandpress.pipeline.cli.progress import DEFAULTS, progress
from brandpress.pipeline.cli.progress_lines import ProgressLines
from brandpress.pipeline.render.events import (
    Event,
    GroupSubmitted,
    Judged,
    Planned,
    Stopping,
    VariantRecorded,
    VariantStarted,
    Warned,
    WorkerLoaded,
    WorkerLost,
    WorkerRunning,
    WorkersLoading,
    WorkersPending,
    WorkersStarting,
)
from tests.pipeline.deliver.records import failed, record
from tests.reference_pages import code_in, section

EVENTS: list[Event] = [
    Planned(5, 3, 2),
    Planned(5, 2, 2, 1),
    Warned("no conditional writes"),
    WorkersStarting(1, False, 2),
    WorkersStarting(8, True, 1, "http://127.0.0.1:8265"),
    WorkersPending(1, "GPU", 1, 0, 1),
    WorkersPending(3, "GPU", 1.5, 0.5, 2),
    WorkersPending(1, "CPU", 4, 0, 0),
    WorkersLoading(2, 0.0),
    WorkersLoading(1, 130.0),
    WorkerRunning("worker-0", "id", "node-3"),
    WorkerLoaded("worker-0", {"device": "cpu"}, 2.345, hostname="node-3"),
    GroupSubmitted("worker-0", 2),
    VariantStarted(record(0).render_key, "mug/scene000", worker="worker-0"),
    VariantRecorded(record(0, timings={"model": 1.5}), worker="worker-0"),
    WorkerLost("worker-0", "its process died"),
    VariantRecorded(failed(1, "no memory"), worker="worker-0"),
    Judged(1, 2),
    Judged(2, 2),
    Stopping(),
    Stopping("the disk is full"),
    Stopping(budget="30 GPU minutes"),
]
WARNINGS = [
    "warning: no conditional writes",
    "waiting for resources: 1 GPU requested, 0 of 1 free",
    "waiting for resources: 1.5 GPUs requested, 0.5 of 2 free",
    "waiting for resources: 4 CPUs requested, 0 of 0 free; the cluster has none now, unless its autoscaler adds nodes",
    "worker-0 was lost: its process died",
    "stopping after the current pictures are delivered",
    "stopping, because no more pictures can be made or stored: the disk is full",
    "stopping at the budget: 30 GPU minutes",
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(options: LogOptions = DEFAULTS, events: list[Event] = EVENTS) -> None:
    with progress(options) as show:
        for event in events:
            show(event)


def without_rates(text: str) -> list[str]:
    """Returns the lines without their times, and without rates, which depend on how busy the machine is."""
    lines = text.splitlines()
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", line[:21]) for line in lines)
    return [re.sub(r"; now [\d.,]+ a minute.*", "", line[21:]) for line in lines]


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    shown()
    output = capsys.readouterr()
    assert output.out == ""
    assert without_rates(output.err) == [
        "5 pictures: 3 done before, 2 to render now",
        "5 pictures: 2 done before, 2 to render now, 1 held back (use --retry-failed to retry them)",
        WARNINGS[0],
        "1 worker starting, 2 CPU threads each",
        "8 workers starting, one GPU each; Ray's dashboard: http://127.0.0.1:8265",
        *WARNINGS[1:4],
        "loading the model on 2 workers",
        "loading the model on 1 worker, for 2 min 10 s so far",
        "worker-0 loaded the model in 2.3 s on cpu",
        "[1/2] mug/scene000 (1.5 s in the model)",
        WARNINGS[4],
        "[2/2] failed: mug/scene001: no memory",
        "quality gate: 2 of 2 pictures judged",
        *WARNINGS[5:],
    ]


def test_ctrl_c_is_spoken_of_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert line_of(Stopping()) == "stopping after the current pictures are delivered"
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert (line_of(Stopping()) or "").endswith("; press Ctrl-C again to stop immediately")


def test_one_picture_is_no_plural() -> None:
    assert line_of(Planned(1, 0, 1)) == "1 picture: 0 done before, 1 to render now"


def test_a_large_run_has_a_line_for_each_twentieth_and_each_failure(capsys: pytest.CaptureFixture[str]) -> None:
    clock = count(0.0, 0.01)
    lines = ProgressLines(lambda: next(clock))
    lines.show(Planned(1000, 0, 1000))
    lines.show(WorkerLoaded("worker-0", {"device": "cpu"}, 1.0))
    for number in range(1000):
        lines.show(VariantRecorded(failed(number, "no memory") if number == 777 else record(number)))
    shown_lines = capsys.readouterr().err.splitlines()[2:]
    assert len(shown_lines) == 1 + 20 + 1
    assert "[1/1,000] mug/scene000" in shown_lines[0]
    assert (
        "[778/1,000] failed: mug/scene777: no memory; now 6,000 a minute, about 2 s left, 1 failed" in shown_lines[-6]
    )
    assert "[1,000/1,000] mug/scene999" in shown_lines[-1]


def test_a_slow_run_has_a_line_every_half_minute(capsys: pytest.CaptureFixture[str]) -> None:
    clock = count(0.0, 10.0)
    lines = ProgressLines(lambda: next(clock))
    lines.show(Planned(10_000, 0, 10_000))
    for number in range(10):
        lines.show(VariantRecorded(record(number)))
    assert len(capsys.readouterr().err.splitlines()) == 1 + 1 + 3


def test_judging_has_a_line_every_half_minute(capsys: pytest.CaptureFixture[str]) -> None:
    clock = count(0.0, 4.0)
    lines = ProgressLines(lambda: next(clock))
    for number in range(1, 21):
        lines.show(Judged(number, 20))
    assert [line[21:] for line in capsys.readouterr().err.splitlines()] == [
        "quality gate: 8 of 20 pictures judged",
        "quality gate: 16 of 20 pictures judged",
        "quality gate: 20 of 20 pictures judged",
    ]


def test_quiet_shows_warnings_only(capsys: pytest.CaptureFixture[str]) -> None:
    shown(LogOptions(quiet=True))
    assert without_rates(capsys.readouterr().err) == WARNINGS


def test_json_lines(capsys: pytest.CaptureFixture[str]) -> None:
    shown(LogOptions(format=LogFormat.JSON))
    output = capsys.readouterr()
    lines = [json.loads(line) for line in output.err.splitlines()]
    assert output.out == ""
    assert all([*line][:5] == ["schema", "time", "level", "event", "message"] for line in lines)
    assert {line["schema"] for line in lines} == {SCHEMA}
    assert [line["event"] for line in lines] == [
        "planned", "planned", "warning", "workers_starting", "workers_starting", *["workers_pending"] * 3,
        *["workers_loading"] * 2, "worker_loaded", "picture_done", "worker_lost", "picture_failed", "judged", "judged",
        *["stopping"] * 3,
    ]  # fmt: skip
    done, bad = (line for line in lines if line["event"].startswith("picture"))
    assert (done["level"], done["name"], done["worker"], done["timings"]) == (
        "info", "mug/scene000", "worker-0", {"model": 1.5},
    )  # fmt: skip
    assert (done["recorded"], done["to_render"], bad["recorded"], bad["failed"]) == (1, 2, 2, 1)
    assert (bad["level"], bad["cause"]) == ("error", "no memory")
    rows = section("json.md", "Log").rows("event")
    for line in lines:
        _, level, keys = rows[line["event"]]
        assert line["level"] in code_in(level), line
        same = rows["picture_done"][2] if keys == "the same" else keys
        assert set(line) - set(section("json.md", "Log").rows("key")) == set(code_in(same)), line
    shown(LogOptions(quiet=True, format=LogFormat.JSON))
    levels = {json.loads(line)["level"] for line in capsys.readouterr().err.splitlines()}
    assert levels == {"warning", "error"}


def test_secrets_are_in_no_log(capsys: pytest.CaptureFixture[str]) -> None:
    secret = "ghp_" + "a1B2" * 9
    events: list[Event] = [Warned(f"the token {secret} is wrong"), WorkerLost("worker-0", f"{secret}: no")]
    for options in (LogOptions(), LogOptions(quiet=True), LogOptions(format=LogFormat.JSON)):
        shown(options, events)
        err = capsys.readouterr().err
        assert "is wrong" in err
        assert secret not in err


def terminal(monkeypatch: pytest.MonkeyPatch, columns: int, **environment: str) -> str:
    """Returns what a terminal of this width gets."""
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    for name, value in {"TERM": "xterm", "COLUMNS": str(columns), "LINES": "24", **environment}.items():
        monkeypatch.setenv(name, value)
    shown()
    return screen.getvalue()


def test_a_terminal_gets_a_display_and_the_failures_above_it(monkeypatch: pytest.MonkeyPatch) -> None:
    output = terminal(monkeypatch, 100)
    assert "failed: mug/scene001: no memory" in output
    assert "2/2" in output
    assert "[1/2]" not in output
    assert "on 2 workers" not in output, "each worker's line says what it does"
    assert "mug/scene000 (1.5 s in the model)" not in output


def test_no_colour_is_used_where_it_isnt_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    colour = re.compile(r"\x1b\[[\d;]*3\d[\d;]*m")
    assert not colour.search(terminal(monkeypatch, 100, NO_COLOR="1"))


def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    output = terminal(monkeypatch, 100, TERM="dumb")
    assert "\x1b" not in output
    assert "[1/2] mug/scene000" in output


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["render", "--log-format", "json"], True),
        (["render", "--log-format=json"], True),
        (["render", "--log-format", "text"], False),
        (["render", "json", "--log-format"], False),
        ([], False),
    ],
)
def test_whether_a_command_line_asks_for_json(words: list[str], expected: bool) -> None:
    assert asks_for_json(words) is expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (LogOptions(), ()),
        (LogOptions(quiet=True), ("--quiet",)),
        (LogOptions(True, LogFormat.JSON), ("--quiet", "--log-format", "json")),
    ],
)
def test_options_can_be_passed_on(options: LogOptions, words: tuple[str, ...]) -> None:
    assert options.words == words


def test_records_of_unknown_workers_are_shown_too(capsys: pytest.CaptureFixture[str]) -> None:
    shown(events=[Planned(1, 0, 1), replace(EVENTS[14], worker="")])
    assert "[1/1] mug/scene000" in capsys.readouterr().err
