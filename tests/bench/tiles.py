"""`python -m tests.bench.tiles`: FLUX.2's decoder in tiles and in one piece, time and memory, each in a process."""

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
BOUNDS = {"tiles": 0, "one piece": 1 << 62}
LEVELS = 1
ROUNDS = 3
"""At most: its memory hardly varies."""

MIB = 2**20
ABOUT = {
    "memory": "The real decoder's sizes, random weights, float32; the most that the process holds above the weights.",
    "time": "The same decodings: what tiles cost in time.",
}


@dataclass(frozen=True)
class Cost:
    """Of one decoding: its time, and how far the process's memory rose above what it held before."""

    seconds: float
    peak_bytes: int


def tiles(bench: Bench) -> Iterator[Row]:
    """Decode a picture both ways, each in a process of its own; who goes first changes with each round."""
    size = QUICK_SIZE if bench.quick else SIZE
    costs: dict[str, list[Cost]] = {way: [] for way in BOUNDS}
    differences = []
    for number in range(min(bench.rounds, ROUNDS)):
        pictures = {}
        for way in list(BOUNDS)[:: -1 if number % 2 else 1]:
            file = bench.folder / f"{way}.npy"
            costs[way].append(Cost(**run_child("tests.bench.tiles", as_words(size), "--way", way, "--picture", file)))
            pictures[way] = np.load(file).astype(int)
            bench.log(f"tiles: {way} {costs[way][-1].peak_bytes / MIB:,.0f} MiB, {costs[way][-1].seconds:.1f} s")
        differences.append(float(np.abs(pictures["tiles"] - pictures["one piece"]).max()))
    for what, unit in (("memory", "MiB"), ("time", "s")):
        ours, theirs = (
            tuple(cost.peak_bytes / MIB if unit == "MiB" else cost.seconds for cost in costs[way]) for way in BOUNDS
        )
        yield Row(
            "tiles",
            f"decoding {as_words(size)}, {what}",
            ABOUT[what],
            ours,
            theirs,
            "one piece",
            unit,
            "ours/theirs",
            difference=Difference(max(differences), "levels", LEVELS),
            table="decoding in tiles, against in one piece",
        )


@torch.inference_mode()
def decode(size: tuple[int, int], way: str, picture: Path) -> Cost:
    """What a child process does: decode noise with random weights, after a small picture that isn't counted."""
    tiled.MAX_UNTILED_ELEMENTS = BOUNDS[way]
    torch.manual_seed(0)
    autoencoder = Autoencoder(AutoencoderConfig()).eval()
    latents = torch.randn(1, autoencoder.config.token_channels, size[1] // 16, size[0] // 16)
    autoencoder.decode(latents[:, :, :2, :2])
    before, start = settle(), time.perf_counter()
    decoded = autoencoder.decode(latents)
    cost = Cost(time.perf_counter() - start, peak_bytes() - before)
    np.save(picture, to_levels(decoded[0]).numpy())
    return cost


def as_words(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def as_size(words: str) -> tuple[int, int]:
    width, height = (int(side) for side in words.split("x"))
    return width, height


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.tiles", description=__doc__)
    parser.add_argument("size", type=as_size, metavar="WIDTHxHEIGHT")
    parser.add_argument("--way", choices=BOUNDS, required=True)
    parser.add_argument("--picture", type=Path, required=True, metavar="FILE", help="where the picture goes, as .npy")
    options = parser.parse_args()
    return print_figures(asdict(decode(options.size, options.way, options.picture)))


if __name__ == "__main__":
    sys.exit(main())
