"""`python -m tests.bench.workers`: the speed-up of a second worker on two cores, with one thread each."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.render.driver.cluster import ray_resources
from tests.bench.bench import Bench
from tests.bench.child import ROOT, log, print_figures, run_child, with_workers
from tests.bench.row import PIPELINE, Goal, Row
from tests.bench.watched import watch
from tests.campaigns import plan_of

SCENES = ("on a beach", "by a lake", "in the snow")
QUICK_SCENES = SCENES[:1]
PRODUCTS, QUICK_PRODUCTS = ("mug", "bottle", "backpack", "sneaker"), ("mug",)
SEEDS, QUICK_SEEDS = 5, 1
CHARACTERS = ("fox", "panda", "robot", "frog")
WORKER_COUNTS = (1, 2)


def workers(bench: Bench) -> Iterator[Row]:
    quick = ("--quick",) if bench.quick else ()
    arguments = ("--rounds", bench.rounds, "--nano", bench.nano, *quick)
    figures = run_child("tests.bench.workers", *arguments, env=with_workers())
    yield Row(
        "workers",
        f"1 to 2 workers, nano, {figures['pictures']} pictures",
        "Pictures of 128x128 with two references, on two cores with one thread each, per second from the moment when "
        "all workers have loaded the model to the last record; what is under way at that moment, less than a picture "
        "a worker, is about what is idle at the end.",
        tuple(figures["rates"]["2"]),
        tuple(figures["rates"]["1"]),
        "1 worker",
        "pictures/s",
        "ours/theirs",
        Goal(1.8),
        table=PIPELINE,
    )


def plan(folder: Path, nano: str, quick: bool) -> Plan:
    """A campaign of the example brand, delivered to `folder`."""
    scenes = QUICK_SCENES if quick else SCENES
    job = {
        "campaign": "workers",
        "brand": str(ROOT / "specs" / "northwind" / "brand.yaml"),
        "model": nano,
        "matrix": {
            "product": list(QUICK_PRODUCTS if quick else PRODUCTS),
            "character": list(CHARACTERS),
            "scene": {f"scene{number}": scene for number, scene in enumerate(scenes)},
        },
        "prompt": "{{ product.description }} on the left, {{ character.description }} on the right, {{ scene }}",
        "references": ["product", "character"],
        "seeds": QUICK_SEEDS if quick else SEEDS,
        "size": "128x128",
        "deliver": str(folder / "out"),
    }
    file = folder / "workers.yaml"
    file.write_text(json.dumps(job))
    return plan_of(file)


def rate(workers: int, nano: str, quick: bool) -> tuple[float, int]:
    """Pictures per second, and the number of pictures."""
    with TemporaryDirectory() as folder:
        campaign_plan = plan(Path(folder), nano, quick)
        return watch(campaign_plan, workers).rate, len(campaign_plan.variants)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.workers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--nano", default="nano", metavar="FOLDER")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    rates: dict[int, list[float]] = {workers: [] for workers in WORKER_COUNTS}
    pictures = 0
    with ray_resources(max(WORKER_COUNTS)):
        for number in range(options.rounds):
            for workers in WORKER_COUNTS[:: -1 if number % 2 else 1]:
                speed, pictures = rate(workers, options.nano, options.quick)
                rates[workers].append(speed)
                log(f"workers: round {number + 1} of {options.rounds}: {workers} at work, {speed:.2f} pictures/s")
    return print_figures({"pictures": pictures, "rates": rates})


if __name__ == "__main__":
    sys.exit(main())
