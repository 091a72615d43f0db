"""`python -m tests.bench.dispatch`: what the pipeline adds to each variant, with a renderer that takes no time."""

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
from tests.bench.child import log, print_figures, run_child, with_workers
from tests.bench.row import PIPELINE, Goal, Row
from tests.bench.watched import Watched, watch
from tests.campaigns import plan_of, write_campaign

VARIANTS, QUICK_VARIANTS = 10_000, 200
RENDERER = "tests.bench.instant:load"


@dataclass(frozen=True)
class Overhead:
    """Of one run, in milliseconds per variant but for `starting`, which is in seconds: from the run's begin to the
    worker's model. total: from then to the end. stream: until the last record. publish: the rest. encode and model: the
    parts of `stream` that the records contain, on the worker."""

    starting: float
    total: float
    stream: float
    publish: float
    encode: float
    model: float


def overhead(watched: Watched) -> Overhead:
    loaded, last, count = max(watched.loaded), watched.recorded[-1], len(watched.recorded)

    def each(seconds: float) -> float:
        return 1000 * seconds / count

    return Overhead(
        starting=loaded - watched.began,
        total=each(watched.ended - loaded),
        stream=each(last - loaded),
        publish=each(watched.ended - last),
        encode=each(watched.stages.get("encode", 0.0)),
        model=each(watched.stages.get("model", 0.0)),
    )


def dispatch(bench: Bench) -> Iterator[Row]:
    count = QUICK_VARIANTS if bench.quick else VARIANTS
    figures = run_child("tests.bench.dispatch", "--variants", count, "--rounds", bench.rounds, env=with_workers())
    runs = [Overhead(**run) for run in figures]
    yield Row(
        "dispatch",
        f"dispatch overhead per variant, {count:,} variants, an instant renderer",
        "A run on Ray with one worker, to a local folder, PNG of 64x64, one reference; from the worker's loaded model "
        f"to the end of the run. {parts(runs)}",
        tuple(run.total for run in runs),
        unit="ms",
        figure="ours",
        goal=Goal(5, at_least=False),
        table=PIPELINE,
    )


def parts(runs: list[Overhead]) -> str:
    """The medians of a run's parts, in words."""
    of = {name: statistics.median(getattr(run, name) for run in runs) for name in Overhead.__dataclass_fields__}
    return (
        f"Of {of['total']:.2f} ms: {of['stream']:.2f} until the last record, {of['publish']:.2f} for the manifest. "
        f"On the worker, beside each other, {of['encode']:.2f} for encoding and {of['model']:.2f} for the renderer; "
        "the rest is delivering (asset and record, each on the disk before it has a name), messages and dispatch. "
        f"Starting the worker, {of['starting']:.1f} s a run, isn't in it."
    )


def run_once(variants: int) -> Overhead:
    with TemporaryDirectory() as folder:
        plan = plan_of(write_campaign(Path(folder), variants, products=("mug",)))
        return overhead(watch(plan, 1, RENDERER))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.dispatch", description=__doc__)
    parser.add_argument("--variants", type=int, default=VARIANTS)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    runs = []
    with ray_resources(1):
        for number in range(options.rounds):
            runs.append(run_once(options.variants))
            log(f"dispatch: round {number + 1} of {options.rounds}: {runs[-1].total:.2f} ms a variant")
    return print_figures([asdict(run) for run in runs])


if __name__ == "__main__":
    sys.exit(main())
