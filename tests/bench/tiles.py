"""`python -m tests.bench.tiles`: time and memory of FLUX.2's decoder, tiled and untiled, each in its own process."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from brandpress.model.inference.preprocess import to_levels
from brandpress.model.network import tiled
from brandpress.model.network.autoencoder import Autoencoder, AutoencoderConfig
from tests.bench.bench import Bench
from tests.bench.child import print_figures, run_child
from tests.bench.peak import peak_bytes, settle
from tests.bench.row import Difference, Row

SIZE, QUICK_SIZE = (1024, 512), (64, 64)
MAX_UNTILED = {"tiled": 0, "untiled": 1 << 62}
LEVELS = 1
ROUNDS = 3
"""Maximum, because the memory hardly varies."""

MIB = 2**20
ABOUT = {
    "memory": "The real decoder's sizes, random weights, float32; peak memory of the process above the weights.",
    "time": "The same runs: what tiling costs in time.",
}


@dataclass(frozen=True)
class Cost:
    """The cost of decoding one picture. peak_bytes: peak memory above the process's memory before decoding."""

    seconds: float
    peak_bytes: int


def tiles(bench: Bench) -> Iterator[Row]:
    """Yields memory and time of both ways, each decoded in its own process; the order alternates."""
    size = QUICK_SIZE if bench.quick else SIZE
    costs: dict[str, list[Cost]] = {way: [] for way in MAX_UNTILED}
    differences = []
    for number in range(min(bench.rounds, ROUNDS)):
        pictures = {}
        for way in list(MAX_UNTILED)[:: -1 if number % 2 else 1]:
            file = bench.folder / f"{way}.npy"
            costs[way].append(Cost(**run_child("tests.bench.tiles", size_text(size), "--way", way, "--picture", file)))
            pictures[way] = np.load(file).astype(int)
            bench.log(f"tiles: {way} {costs[way][-1].peak_bytes / MIB:,.0f} MiB, {costs[way][-1].seconds:.1f} s")
        differences.append(float(np.abs(pictures["tiled"] - pictures["untiled"]).max()))
    for what, unit in (("memory", "MiB"), ("time", "s")):
        ours, theirs = (
            tuple(cost.peak_bytes / MIB if unit == "MiB" else cost.seconds for cost in costs[way])
            for way in MAX_UNTILED
        )
        yield Row(
            "tiles",
            f"decoding {size_text(size)}, {what}",
            ABOUT[what],
            ours,
            theirs,
            "untiled",
            unit,
            "ours/theirs",
            difference=Difference(max(differences), "levels", LEVELS),
            table="tiled against untiled decoding",
        )


@torch.inference_mode()
def decode(size: tuple[int, int], way: str, picture: Path) -> Cost:
    """Runs in a child process: decodes noise with random weights, after a small picture that isn't measured."""
    tiled.MAX_UNTILED_ELEMENTS = MAX_UNTILED[way]
    torch.manual_seed(0)
    autoencoder = Autoencoder(AutoencoderConfig()).eval()
    latents = torch.randn(1, autoencoder.config.token_channels, size[1] // 16, size[0] // 16)
    autoencoder.decode(latents[:, :, :2, :2])
    baseline, start = settle(), time.perf_counter()
    decoded = autoencoder.decode(latents)
    cost = Cost(time.perf_counter() - start, peak_bytes() - baseline)
    np.save(picture, to_levels(decoded[0]).numpy())
    return cost


def size_text(size: tuple[int, int]) -> str:
    """Returns a size as WIDTHxHEIGHT."""
    return f"{size[0]}x{size[1]}"


def parse_size(text: str) -> tuple[int, int]:
    """Parses WIDTHxHEIGHT."""
    width, height = (int(side) for side in text.split("x"))
    return width, height


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.tiles", description=__doc__)
    parser.add_argument("size", type=parse_size, metavar="WIDTHxHEIGHT")
    parser.add_argument("--way", choices=MAX_UNTILED, required=True)
    parser.add_argument("--picture", type=Path, required=True, metavar="FILE", help="output, .npy")
    options = parser.parse_args()
    return print_figures(asdict(decode(options.size, options.way, options.picture)))


if __name__ == "__main__":
    sys.exit(main())
