"""`python -m tests.bench.memory`: the memory that one large picture takes above the weights, each side in a process."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from brandpress.model import Renderer, RenderRequest
from brandpress.model.family import QWEN3_8B
from tests.bench.alternate import Log
from tests.bench.bench import Bench
from tests.bench.campaign import LENGTH, LEVELS, largest
from tests.bench.checkpoint import Shape, TextShape, hush, load_as, save
from tests.bench.child import print_figures, run_child
from tests.bench.peak import peak_bytes, settle
from tests.bench.prompts import prompts
from tests.bench.row import Difference, Goal, Row
from tests.model.small import Pixels, judged, levels_of, noise_picture

KEY, PIPELINE = "memory-2048", "Flux2KleinPipeline"
SHAPE = Shape("klein", 16, 1, 1, TextShape(QWEN3_8B, 2048, 4), (64, 128, 256, 256))
"""Half of klein 9B's widths everywhere, the autoencoder's among them; few layers, over which memory doesn't add up."""

QUICK_SHAPE = Shape("klein", 1, 1, 1, TextShape(QWEN3_8B, 128, 4), (8, 16, 32, 32))
SIDES = ("ours", "theirs")
SIZE, QUICK_SIZE = (2048, 1024), (128, 64)
"""Of the picture and of its references."""

REFERENCES, STEPS = 4, 1
ROUNDS = 2
"""At most: a picture takes minutes, and its memory hardly varies."""

MIB = 2**20


def memory(bench: Bench) -> Iterator[Row]:
    shape, (side, reference) = (QUICK_SHAPE, QUICK_SIZE) if bench.quick else (SHAPE, SIZE)
    folder = save(shape, bench.folder / KEY)
    peaks: dict[str, list[float]] = {name: [] for name in SIDES}
    differences = []
    for number in range(min(bench.rounds, ROUNDS)):
        pictures: dict[str, Pixels] = {}
        for name in SIDES[:: -1 if number % 2 else 1]:
            pictures[name] = measure(name, folder, bench.quick, peaks[name], bench.log)
        differences.append(largest({0: pictures["ours"]}, {0: pictures["theirs"]}))
    yield Row(
        KEY,
        f"peak memory of a picture of {side}x{side} with {REFERENCES} references, above the weights",
        f"References of {reference}x{reference}, {LENGTH} text tokens, {STEPS} step, float32; {shape}: klein 9B with "
        "half of every width and few layers, so that transformer and decoder weigh as in the real one. What the "
        "process holds at most while it renders, less what it held with the weights loaded and a small picture pixels; "
        "with defaults on both sides.",
        tuple(peaks["ours"]),
        tuple(peaks["theirs"]),
        PIPELINE,
        "MiB",
        "ours/theirs",
        Goal(0.7, at_least=False),
        Difference(max(differences), "levels", LEVELS),
    )


def measure(name: str, folder: Path, quick: bool, peaks: list[float], log: Log) -> Pixels:
    """One picture in a process of its own; adds its peak in MiB to `peaks`."""
    file = folder.parent / f"{name}.npy"
    arguments = ("--side", name, "--folder", folder, "--picture", file, *(["--quick"] if quick else []))
    figures = run_child("tests.bench.memory", *arguments)
    peaks.append(figures["peak_bytes"] / MIB)
    log(f"{KEY}: {name} {peaks[-1]:,.0f} MiB, {figures['seconds']:.1f} s")
    pixels: Pixels = np.load(file)
    return pixels


def render_once(side: str, folder: Path, quick: bool) -> tuple[Pixels, dict[str, float]]:
    """What a child process does: load, make a small picture that touches every weight, then the one that counts."""
    render = loaded(side, folder)
    size, reference = QUICK_SIZE if quick else SIZE
    references = tuple(noise_picture(reference, reference, seed=i) for i in range(REFERENCES))
    request = RenderRequest(prompts(1)[0], references, size, size, seed=0, steps=STEPS)
    small = tuple(picture.resize((64, 64)) for picture in references[:1])
    render(replace(request, references=small, width=64, height=64))
    held, start = settle(), time.perf_counter()
    picture = render(request)
    return picture, {"peak_bytes": peak_bytes() - held, "seconds": time.perf_counter() - start}


def loaded(side: str, folder: Path) -> Callable[[RenderRequest], Pixels]:
    if side == "ours":
        renderer = Renderer.load(str(folder), device="cpu", dtype="float32")
        return lambda request: levels_of(renderer.render([request])[0])
    pipeline = load_as(PIPELINE, folder)
    return lambda request: judged(pipeline, request, LENGTH, SHAPE.text.layers)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.memory", description=__doc__)
    parser.add_argument("--side", choices=SIDES, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="the checkpoint")
    parser.add_argument("--picture", type=Path, required=True, metavar="FILE", help="where the picture goes, as .npy")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    hush()
    picture, figures = render_once(options.side, options.folder, options.quick)
    np.save(options.picture, picture)
    return print_figures(figures)


if __name__ == "__main__":
    sys.exit(main())
