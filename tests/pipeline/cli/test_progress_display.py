"""What a terminal shows of a run, drawn at several sizes."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from brandpress.pipeline.cli.progress_display import MAX_WORKERS, drawing
from brandpress.pipeline.render.events import (
    Event,
    GroupSubmitted,
    Judged,
    Planned,
    VariantRecorded,
    VariantRendered,
    VariantStarted,
    WorkerLoaded,
    WorkerRunning,
    WorkersPending,
    WorkersStarting,
)
from brandpress.pipeline.render.run_progress import RunProgress
from tests.pipeline.deliver.records import failed, record


def run_of(workers: int) -> RunProgress:
    """A run of 200 pictures a minute after its workers loaded: 30 are done, one has failed."""
    events: list[Event] = [Planned(210, 10, 200), WorkersStarting(workers, True, 1)]
    for number in range(workers):
        name = f"worker-{number}"
        events += [
            WorkerRunning(name, "id", f"node-{number}"),
            WorkerLoaded(name, {"device": "NVIDIA H100"}, 9.0, gpus="0", hostname=f"node-{number}"),
            GroupSubmitted(name, 8),
            VariantStarted(record(100 + number).render_key, f"mug/scene{100 + number}", worker=name),
        ]
    events += [VariantStarted(record(99).render_key, "x", worker="worker-0")]
    events += [VariantRendered(record(99).render_key, worker="worker-0")]
    progress = RunProgress()
    for event in events:
        progress.apply(event, 0.0)
    for number in range(31):
        entry = failed(number, "no") if number == 7 else record(number, cache={"text": int(number > 3)})
        progress.apply(VariantRecorded(entry), 30.0)
    return progress


def drawn(progress: RunProgress, width: int, height: int = 24, now: float = 60.0) -> list[str]:
    screen = io.StringIO()
    console = Console(file=screen, width=width, height=height, force_terminal=False, markup=False, emoji=False)
    console.print(drawing(progress, now, width, height))
    return [line.rstrip() for line in screen.getvalue().splitlines()]


def test_a_bar_with_its_figures_and_a_line_for_each_worker() -> None:
    bar, *workers = drawn(run_of(2), 100)
    assert bar.endswith("31/200 now 31 a minute, about 5 min left, 1 failed, cache hits 87%")
    assert workers == [
        "worker-0  node-0, GPU 0  rendering mug/scene100, uploading 1",
        "worker-1  node-1, GPU 0  rendering mug/scene101",
    ]


@pytest.mark.parametrize("width", [20, 40, 59, 60, 80, 200])
def test_every_line_fits_the_terminal(width: int) -> None:
    lines = drawn(run_of(3), width)
    assert len(lines) == 4
    assert max(map(len, lines)) <= width
    assert "31/200" in lines[0]
    assert all(line.startswith("worker-") for line in lines[1:])


def test_many_workers_are_counted() -> None:
    lines = drawn(run_of(40), 100, 50)
    assert len(lines) == 1 + MAX_WORKERS
    assert lines[-1] == "and 29 more workers, 29 of them rendering"
    assert len(drawn(run_of(40), 100, 8)) == 1 + 4


def test_before_the_first_picture() -> None:
    progress = RunProgress()
    assert drawn(progress, 80) == ["planning"]
    progress.apply(Planned(4, 0, 4), 0.0)
    progress.apply(WorkersStarting(2, True, 1), 0.0)
    assert drawn(progress, 80)[0].endswith("0/4 2 workers starting")
    progress.apply(WorkersPending(2, "GPU", 2, 0, 1), 0.0)
    assert drawn(progress, 120)[0].endswith("0/4 waiting for resources: 2 GPUs requested, 0 of 1 free")
    progress.apply(WorkerRunning("worker-0", "id", "node-3"), 0.0)
    assert drawn(progress, 80)[1] == "worker-0  node-3  loading the model"


def test_what_the_quality_gate_does() -> None:
    progress = run_of(1)
    progress.apply(Judged(7, 30), 0.0)
    assert drawn(progress, 140)[0].endswith("cache hits 87%, quality gate: 7 of 30 pictures judged")
    progress.apply(Judged(30, 30), 0.0)
    assert drawn(progress, 140)[0].endswith("cache hits 87%")


def test_names_cant_control_the_terminal() -> None:
    progress = run_of(1)
    progress.apply(VariantStarted("a", "\x1b[2J[red]gone", worker="worker-1"), 0.0)
    assert drawn(progress, 100)[-1] == "worker-1  loading the model"
    progress.apply(WorkerLoaded("worker-1", {}, 1.0, hostname="\x1b[31mnode"), 0.0)
    assert drawn(progress, 100)[-1] == "worker-1  \\x1b[31mnode  rendering \\x1b[2J[red]gone"
