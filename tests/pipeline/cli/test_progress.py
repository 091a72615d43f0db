"""Progress: a bar with failures above it on a terminal, plain lines elsewhere."""

from __future__ import annotations

import io
import re
import sys

import pytest

from brandpress.pipeline.cli.progress import progress
from brandpress.pipeline.render.events import (
    Event,
    Planned,
    Stopping,
    VariantRecorded,
    VariantStarted,
    Warned,
    WorkerLoaded,
    WorkerLost,
    WorkersPending,
    WorkersStarting,
)
from tests.pipeline.deliver.records import failed, record

EVENTS: list[Event] = [
    Planned(5, 3, 2),
    Planned(5, 2, 2, 1),
    Warned("no conditional writes"),
    WorkersStarting(1, False, 2),
    WorkersStarting(8, True, 1, "http://127.0.0.1:8265"),
    WorkersPending(1, "GPU", 1, 0, 1),
    WorkersPending(3, "GPU", 1.5, 0.5, 2),
    WorkersPending(1, "CPU", 4, 0, 0),
    WorkerLoaded("worker-0", {"device": "cpu"}, 2.345),
    VariantStarted("0" * 64, "mug/scene000"),
    VariantRecorded(record(0, timings={"model": 1.5})),
    WorkerLost("worker-0", "its process died"),
    VariantRecorded(failed(1, "no memory")),
    Stopping(),
    Stopping("the disk is full"),
    Stopping(budget="30 GPU minutes"),
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as show:
        for event in EVENTS:
            show(event)
    output = capsys.readouterr()
    assert output.out == ""
    stamps = [line[:21] for line in output.err.splitlines()]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ", stamp) for stamp in stamps)
    assert [line[21:] for line in output.err.splitlines()] == [
        "5 pictures: 3 done before, 2 to render now",
        "5 pictures: 2 done before, 2 to render now, 1 held back (use --retry-failed to retry them)",
        "warning: no conditional writes",
        "1 worker starting, 2 CPU threads each",
        "8 workers starting, one GPU each; Ray's dashboard: http://127.0.0.1:8265",
        "waiting for resources: 1 GPU requested, 0 of 1 free",
        "waiting for resources: 1.5 GPUs requested, 0.5 of 2 free; the processes are about to start, or no single node "
        "has room for one",
        "waiting for resources: 4 CPUs requested, 0 of 0 free; the cluster has none now, unless its autoscaler adds "
        "nodes",
        "worker-0 loaded the model in 2.3 s on cpu",
        "[1/2] mug/scene000 (1.5 s)",
        "worker-0 was lost: its process died",
        "[2/2] failed: mug/scene001: no memory",
        "stopping after the current pictures are delivered; press Ctrl-C again to stop immediately",
        "stopping, because no more pictures can be made or stored: the disk is full",
        "stopping at the budget: 30 GPU minutes",
    ]


def test_a_terminal_gets_a_bar_and_the_failures_above_it(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with progress() as show:
        for event in EVENTS:
            show(event)
    output = terminal.getvalue()
    assert "failed: mug/scene001: no memory" in output
    assert "2/2" in output
    assert "[1/2]" not in output
