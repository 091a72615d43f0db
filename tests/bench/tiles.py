"""`python -m tests.bench.tiles [WIDTHxHEIGHT]`: FLUX.2's decoder in bands and in one piece, time and memory."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from model import bands
from model.autoencoder import Autoencoder, AutoencoderConfig
from model.references import to_picture

SIZE, QUICK_SIZE = (1024, 512), (64, 64)
BOUNDS = {"bands": 0, "one piece": 1 << 62}
LEVELS = 1


@dataclass(frozen=True)
class Cost:
    """Of one decoding: its time, and how far the process's memory rose above what it held before."""

    seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Tiles:
    """difference: the largest, in levels of 255."""

    size: tuple[int, int]
    bands: Cost
    one_piece: Cost
    difference: int

    @property
    def equal(self) -> bool:
        return self.difference <= LEVELS

    @property
    def memory_ratio(self) -> float:
        return self.bands.peak_bytes / max(1, self.one_piece.peak_bytes)

    @property
    def time_ratio(self) -> float:
        return self.bands.seconds / self.one_piece.seconds

    def as_json(self) -> dict[str, Any]:
        figures = {"memory_ratio": self.memory_ratio, "time_ratio": self.time_ratio, "equal": self.equal}
        return asdict(self) | figures

    def table(self) -> Table:
        made = Table(title=f"the real decoder's sizes, float32, {torch.get_num_threads()} threads")
        made.add_column(f"decoding {self.size[0]}x{self.size[1]}")
        for column in ("bands", "one piece", "ratio"):
            made.add_column(column, justify="right", no_wrap=True)
        peaks = [f"{cost.peak_bytes / 2**20:,.0f} MiB" for cost in (self.bands, self.one_piece)]
        made.add_row("peak memory", *peaks, f"{self.memory_ratio:.2f}")
        seconds = [f"{cost.seconds:.1f} s" for cost in (self.bands, self.one_piece)]
        made.add_row("time", *seconds, f"{self.time_ratio:.2f}")
        made.add_row("largest difference", "", "", f"{self.difference} of 255")
        return made


def tiles(size: tuple[int, int]) -> Tiles:
    """Decode a picture of (width, height) both ways, each in a process of its own, one after the other."""
    costs: list[Cost] = []
    pictures = []
    with TemporaryDirectory() as folder:
        for way in BOUNDS:
            file = Path(folder) / f"{way}.npy"
            command = [sys.executable, "-m", "tests.bench.tiles", as_words(size), "--way", way, "--picture", str(file)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            costs.append(Cost(**json.loads(done.stdout)))
            pictures.append(np.load(file).astype(int))
    return Tiles(size, costs[0], costs[1], int(np.abs(pictures[0] - pictures[1]).max()))


@torch.inference_mode()
def decode(size: tuple[int, int], way: str, picture: Path) -> Cost:
    """What a child process does: decode noise with random weights, after a small picture that isn't counted."""
    bands.PLAIN_ELEMENTS = BOUNDS[way]
    torch.manual_seed(0)
    autoencoder = Autoencoder(AutoencoderConfig()).eval()
    latents = torch.randn(1, autoencoder.config.token_channels, size[1] // 16, size[0] // 16)
    autoencoder.decode(latents[:, :, :2, :2])
    before, start = peak_bytes(), time.perf_counter()
    decoded = autoencoder.decode(latents)
    cost = Cost(time.perf_counter() - start, peak_bytes() - before)
    np.save(picture, np.asarray(to_picture(decoded[0])))
    return cost


def peak_bytes() -> int:
    """The most memory that this process has held. On Linux `ru_maxrss` won't do: a child starts with its parent's."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * 1024


def as_words(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def as_size(words: str) -> tuple[int, int]:
    width, height = (int(side) for side in words.split("x"))
    return width, height


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.tiles", description=__doc__)
    parser.add_argument("size", nargs="?", type=as_size, default=SIZE, metavar="WIDTHxHEIGHT")
    parser.add_argument("--way", choices=BOUNDS, help="only this way, in this process; prints its cost as JSON")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="with --way: where the picture goes, as .npy")
    options = parser.parse_args()
    if options.way:
        print(json.dumps(asdict(decode(options.size, options.way, options.picture))))
        return 0
    made = tiles(options.size)
    Console().print(made.table())
    return 0 if made.equal else 1


if __name__ == "__main__":
    sys.exit(main())
