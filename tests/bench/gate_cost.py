"""python -m tests.bench.gate_cost [--pictures 24] [--seconds 1,4]

What a quality gate adds to a run whose model needs no CPU, as on a GPU: a stand-in sleeps that many seconds per picture
of 1024x1024. The gate measures subject, colour and text of each. Runs with and without it are timed side by side.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from brandpress.pipeline.cpus import available_cpus
from brandpress.pipeline.render.driver.outcome import Outcome
from brandpress.pipeline.render.driver.run import render_campaign
from brandpress.pipeline.review.measuring import measuring_threads
from brandpress.pipeline.review.picture_gate import CampaignGate
from tests.campaigns import plan_of, write_campaign
from tests.processes import ROOT

GATE = {"measures": {"subject": -1, "colour": 100, "text": 1}}
"""All is measured and nothing blocked."""


def main() -> None:
    """Runs the benchmark and prints a line for each speed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=24)
    parser.add_argument("--seconds", default="1,4", help="of a picture, separated by commas")
    options = parser.parse_args()
    os.environ["PYTHONPATH"] = str(ROOT)  # of the workers, which load the stand-in
    print(f"{available_cpus()} cores, {measuring_threads()} pictures measured at a time")
    for seconds in map(float, options.seconds.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            without, _ = timed(Path(folder) / "without", options.pictures, seconds, gate=False)
            with_gate, outcome = timed(Path(folder) / "gate", options.pictures, seconds, gate=True)
        assert outcome.gate is not None
        print(
            f"{options.pictures} pictures of {seconds:g} s: {without:.1f} s without a gate, {with_gate:.1f} s with it: "
            f"{with_gate / without - 1:+.1%}, {outcome.gate.seconds:.1f} s of it after the last picture"
        )


def timed(folder: Path, pictures: int, seconds: float, *, gate: bool) -> tuple[float, Outcome]:
    """Renders a campaign; returns the duration of the run and its outcome. The gate is loaded before."""
    scenes = {f"s{number}": f'with a sign "SALE", scene {number} [sleep {seconds}]' for number in range(pictures)}
    fields = {"quality_gate": GATE} if gate else {}
    plan = plan_of(write_campaign(folder, scenes, products=("mug",), size="1024x1024", **fields))
    judge = CampaignGate.of(plan)
    start = time.perf_counter()
    outcome = render_campaign(plan, workers=1, renderer="tests.stand_in:load", gate=judge)
    return time.perf_counter() - start, outcome


if __name__ == "__main__":
    main()
