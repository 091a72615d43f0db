"""`python -m tests.bench.memory`: peak memory of one large picture above the weights, each side in its own process."""

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
from tests.bench.campaign import LENGTH, LEVELS, largest_difference
from tests.bench.checkpoint import CheckpointShape, TextShape, load_as, save, silence_libraries
from tests.bench.child import print_figures, run_child
from tests.bench.peak import peak_bytes, settle
from tests.bench.prompts import prompts
from tests.bench.row import Difference, Goal, Row
from tests.model.small import Pixels, judged, levels_of, noise_picture

KEY, PIPELINE = "memory-2048", "Flux2KleinPipeline"
SHAPE = CheckpointShape("klein", 16, 1, 1, TextShape(QWEN3_8B, 2048, 4), (64, 128, 256, 256))
"""Half of all of klein 9B's widths, including the autoencoder's; few layers, because layers reuse the memory."""

QUICK_SHAPE = CheckpointShape("klein", 1, 1, 1, TextShape(QWEN3_8B, 128, 4), (8, 16, 32, 32))
SIDES = ("ours", "theirs")
SIZE, QUICK_SIZE = (2048, 1024), (128, 64)
"""Width and height of the picture and of its references."""

REFERENCES, STEPS = 4, 1
ROUNDS = 2
"""Maximum, because a picture takes minutes and its memory hardly varies."""

MIB = 2**20


def memory(bench: Bench) -> Iterator[Row]:
    """Yields the peak memory of both sides."""
    shape, (side, reference) = (QUICK_SHAPE, QUICK_SIZE) if bench.quick else (SHAPE, SIZE)
    folder = save(shape, bench.folder / KEY)
    peaks: dict[str, list[float]] = {name: [] for name in SIDES}
    differences = []
    for number in range(min(bench.rounds, ROUNDS)):
        pictures: dict[str, Pixels] = {}
        for name in SIDES[:: -1 if number % 2 else 1]:
            pictures[name] = measure(name, folder, bench.quick, peaks[name], bench.log)
        differences.append(largest_difference({0: pictures["ours"]}, {0: pictures["theirs"]}))
    yield Row(
        KEY,
        f"peak memory of a {side}x{side} picture with {REFERENCES} references, above the weights",
        f"{reference}x{reference} references, {LENGTH} text tokens, {STEPS} step, float32; {shape}: klein 9B with half "
        "of every width and few layers, so that transformer and decoder have realistic shares of the memory. Peak "
        "memory of the process while it renders, minus its memory with the weights loaded and after a small picture; "
        "defaults on both sides.",
        tuple(peaks["ours"]),
        tuple(peaks["theirs"]),
        PIPELINE,
        "MiB",
        "ours/theirs",
        Goal(0.7, at_least=False),
        Difference(max(differences), "levels", LEVELS),
    )


def measure(name: str, folder: Path, quick: bool, peaks: list[float], log: Log) -> Pixels:
    """Returns the picture rendered in a child process; appends its peak in MiB to `peaks`."""
    file = folder.parent / f"{name}.npy"
    arguments = ("--side", name, "--folder", folder, "--picture", file, *(["--quick"] if quick else []))
    figures = run_child("tests.bench.memory", *arguments)
    peaks.append(figures["peak_bytes"] / MIB)
    log(f"{KEY}: {name} {peaks[-1]:,.0f} MiB, {figures['seconds']:.1f} s")
    pixels: Pixels = np.load(file)
    return pixels


def render_once(side: str, folder: Path, quick: bool) -> tuple[Pixels, dict[str, float]]:
    """Runs in a child process: loads, renders a small picture to touch every weight, then the measured one."""
    render = load_side(side, folder)
    size, reference = QUICK_SIZE if quick else SIZE
    references = tuple(noise_picture(reference, reference, seed=i) for i in range(REFERENCES))
    request = RenderRequest(prompts(1)[0], references, size, size, seed=0, steps=STEPS)
    small = tuple(picture.resize((64, 64)) for picture in references[:1])
    render(replace(request, references=small, width=64, height=64))
    baseline, start = settle(), time.perf_counter()
    picture = render(request)
    return picture, {"peak_bytes": peak_bytes() - baseline, "seconds": time.perf_counter() - start}


def load_side(side: str, folder: Path) -> Callable[[RenderRequest], Pixels]:
    """Returns a function that renders a request with our renderer or with diffusers."""
    if side == "ours":
        renderer = Renderer.load(str(folder), device="cpu", dtype="float32")
        return lambda request: levels_of(renderer.render([request])[0])
    pipeline = load_as(PIPELINE, folder)
    return lambda request: judged(pipeline, request, LENGTH, SHAPE.text.layers)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.memory", description=__doc__)
    parser.add_argument("--side", choices=SIDES, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="checkpoint")
    parser.add_argument("--picture", type=Path, required=True, metavar="FILE", help="output, .npy")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    silence_libraries()
    picture, figures = render_once(options.side, options.folder, options.quick)
    np.save(options.picture, picture)
    return print_figures(figures)


if __name__ == "__main__":
    sys.exit(main())
