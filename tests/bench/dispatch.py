"""`python -m tests.bench.dispatch`: the pipeline's overhead per variant, with an instant renderer."""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from brandpress.pipeline.render.driver.cluster import ray_resources
from tests.bench.bench import Bench
from tests.bench.child import log, print_figures, run_child, worker_environment
from tests.bench.row import PIPELINE, Goal, Row
from tests.bench.watched import RunTimes, time_run
from tests.campaigns import plan_of, write_campaign

VARIANTS, QUICK_VARIANTS = 10_000, 200
RENDERER = "tests.bench.instant:load"


@dataclass(frozen=True)
class Overhead:
    """The overhead of one run, in milliseconds per variant, except for `starting`.

    starting: seconds from the start of the run until the worker has loaded the model. total: from then to the end of
    the run, of which stream: until the last record, and publish: the rest. encode, model: the worker's stages of these
    names, as timed in the records.
    """

    starting: float
    total: float
    stream: float
    publish: float
    encode: float
    model: float


def overhead(times: RunTimes) -> Overhead:
    """Returns the overhead of a run with the given times."""
    loaded, last, count = max(times.loaded), times.recorded[-1], len(times.recorded)

    def per_variant(seconds: float) -> float:
        return 1000 * seconds / count

    return Overhead(
        starting=loaded - times.began,
        total=per_variant(times.ended - loaded),
        stream=per_variant(last - loaded),
        publish=per_variant(times.ended - last),
        encode=per_variant(times.stages.get("encode", 0.0)),
        model=per_variant(times.stages.get("model", 0.0)),
    )


def dispatch(bench: Bench) -> Iterator[Row]:
    """Yields the overhead per variant, measured in a child process."""
    count = QUICK_VARIANTS if bench.quick else VARIANTS
    figures = run_child("tests.bench.dispatch", "--variants", count, "--rounds", bench.rounds, env=worker_environment())
    runs = [Overhead(**run) for run in figures]
    yield Row(
        "dispatch",
        f"dispatch overhead per variant, {count:,} variants, instant renderer",
        "A run on Ray with one worker, delivered to a local folder: 64x64 PNG, one reference; timed from the loaded "
        f"model to the end of the run. {breakdown(runs)}",
        tuple(run.total for run in runs),
        unit="ms",
        figure="ours",
        goal=Goal(5, at_least=False),
        table=PIPELINE,
    )


def breakdown(runs: list[Overhead]) -> str:
    """Returns the medians of the parts of a run, as text."""
    medians = {name: statistics.median(getattr(run, name) for run in runs) for name in Overhead.__dataclass_fields__}
    return (
        f"Of {medians['total']:.2f} ms, {medians['stream']:.2f} pass until the last record, and the manifest takes "
        f"{medians['publish']:.2f}. On the worker, encoding ({medians['encode']:.2f}) and the renderer "
        f"({medians['model']:.2f}) overlap; the rest is delivery (asset and record, each flushed to disk before it is "
        f"renamed), messages and dispatch. Starting the worker takes another {medians['starting']:.1f} s per run."
    )


def run_once(variants: int) -> Overhead:
    """Renders a campaign of `variants` pictures on the running Ray and returns its overhead."""
    with TemporaryDirectory() as folder:
        plan = plan_of(write_campaign(Path(folder), variants, products=("mug",)))
        return overhead(time_run(plan, 1, RENDERER))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.dispatch", description=__doc__)
    parser.add_argument("--variants", type=int, default=VARIANTS)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    runs = []
    with ray_resources(1):
        for number in range(options.rounds):
            runs.append(run_once(options.variants))
            log(f"dispatch: round {number + 1} of {options.rounds}: {runs[-1].total:.2f} ms per variant")
    return print_figures([asdict(run) for run in runs])


if __name__ == "__main__":
    sys.exit(main())
