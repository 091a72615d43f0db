"""`python -m tests.bench.workers`: the speed-up of a second worker on two cores, with one thread each."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.render.driver.cluster import ray_resources
from tests.bench.bench import Bench
from tests.bench.child import ROOT, log, print_figures, run_child, worker_environment
from tests.bench.row import PIPELINE, Goal, Row
from tests.bench.watched import time_run
from tests.campaigns import plan_of

SCENES = ("on a beach", "by a lake", "in the snow")
QUICK_SCENES = SCENES[:1]
PRODUCTS, QUICK_PRODUCTS = ("mug", "bottle", "backpack", "sneaker"), ("mug",)
SEEDS, QUICK_SEEDS = 5, 1
CHARACTERS = ("fox", "panda", "robot", "frog")
WORKER_COUNTS = (1, 2)


def workers(bench: Bench) -> Iterator[Row]:
    """Yields the pictures per second of two workers against one, measured in a child process."""
    quick = ("--quick",) if bench.quick else ()
    arguments = ("--rounds", bench.rounds, "--nano", bench.nano, *quick)
    figures = run_child("tests.bench.workers", *arguments, env=worker_environment())
    yield Row(
        "workers",
        f"1 to 2 workers, nano, {figures['pictures']} pictures",
        "128x128 pictures with two references, on two cores with one thread per worker. Timed from when all workers "
        "have loaded the model to the last record. Pictures in progress at the start, less than one per worker, "
        "roughly make up for workers that are idle at the end.",
        tuple(figures["rates"]["2"]),
        tuple(figures["rates"]["1"]),
        "1 worker",
        "pictures/s",
        "ours/theirs",
        Goal(1.8),
        table=PIPELINE,
    )


def make_plan(folder: Path, nano: str, quick: bool) -> Plan:
    """Returns the plan of a campaign of the example brand, delivered to `folder`."""
    scenes = QUICK_SCENES if quick else SCENES
    job = {
        "campaign": "workers",
        "brand": "northwind/brand.yaml",
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
    shutil.copytree(ROOT / "specs" / "northwind", folder / "northwind")
    file = folder / "workers.yaml"
    file.write_text(json.dumps(job))
    return plan_of(file)


def rate(workers: int, nano: str, quick: bool) -> tuple[float, int]:
    """Renders the campaign; returns pictures per second and the number of pictures."""
    with TemporaryDirectory() as folder:
        plan = make_plan(Path(folder), nano, quick)
        return time_run(plan, workers).rate, len(plan.variants)


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
                log(f"workers: round {number + 1} of {options.rounds}: {workers} workers, {speed:.2f} pictures/s")
    return print_figures({"pictures": pictures, "rates": rates})


if __name__ == "__main__":
    sys.exit(main())
