"""Evaluates nano with the real renderer: `python -m brandpress.model.nano.evaluate --art DIR [--model FOLDER]`.

Each case has references of two items and a scene, in random order, and a caption that places them. Scenes described in
words only and captions without sides are measured separately.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from brandpress.model import Renderer, RenderRequest
from brandpress.model.nano.measures import (
    PictureRenderer,
    change_ratio,
    exchange_share,
    measure,
    natural_captions,
    scenes_in_words,
)
from brandpress.model.nano.world.cases import Case, fixed_cases
from brandpress.model.nano.world.library import Library

CASES, SEED = 64, 7
STEPS = (4, 8, 20)
GPU_PART, CPU_PART = 32, 4
"""Pictures rendered between two checks of the deadline."""


class OutOfTimeError(Exception):
    """The evaluation has passed its deadline."""


@dataclass(frozen=True)
class TimedRenderer:
    """Renders `part` requests at a time; raises OutOfTimeError once `time.monotonic()` passes `deadline`."""

    renderer: PictureRenderer
    deadline: float
    part: int

    def render(self, requests: Sequence[RenderRequest]) -> list[Image.Image]:
        """Returns the pictures of the requests, in order."""
        pictures: list[Image.Image] = []
        for first in range(0, len(requests), self.part):
            if time.monotonic() > self.deadline:
                raise OutOfTimeError
            pictures += self.renderer.render(requests[first : first + self.part])
        return pictures


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m brandpress.model.nano.evaluate", description=__doc__.partition("\n")[0]
    )
    parser.add_argument(
        "--art", type=Path, required=True, help="folder with node_modules that contain the artwork, or packed artwork"
    )
    parser.add_argument("--model", default="nano", help="folder of the model (default: the nano that is included)")
    parser.add_argument("--device", help="cpu, cuda, cuda:1, ... (default: the first GPU, or the CPU without one)")
    parser.add_argument("--cases", type=int, default=CASES, help="number of seen and of held-out cases")
    parser.add_argument("--steps", type=int, nargs="+", default=list(STEPS), help="sampling steps to evaluate")
    parser.add_argument(
        "--seconds", type=float, help="time limit; sections that were not measured are listed in the report"
    )
    parser.add_argument("--json", type=Path, help="file for the figures (default: print them)")
    options = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    report = evaluate(options.model, options.art, options.device, options.cases, options.steps, options.seconds)
    text = json.dumps(report, indent=2) + "\n"
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(text)
    else:
        print(text, end="")


def draw_cases(art: Path, count: int, held_out: bool) -> list[Case]:
    """Returns the evaluation cases with artwork of the training set or of the held-out set."""
    return fixed_cases(Library.load(art, art / "cache"), count, SEED, held_out=held_out)


def evaluate(
    model: str,
    art: Path,
    device: str | None = None,
    count: int = CASES,
    steps: Sequence[int] = STEPS,
    seconds: float | None = None,
    cases: tuple[Sequence[Case], Sequence[Case]] | None = None,
) -> dict[str, Any]:
    """Returns the figures of a model. Sections that there was no time for are listed as "left out".

    The most important sections are measured first. cases: seen and held-out cases, if they are rendered already.
    """
    deadline = time.monotonic() + seconds if seconds is not None else math.inf
    loaded = Renderer.load(model, device=device)
    renderer = TimedRenderer(loaded, deadline, GPU_PART if loaded.host()["device"] != "cpu" else CPU_PART)
    seen, held_out = cases or (draw_cases(art, count, held_out) for held_out in (False, True))
    main_steps, *more_steps = steps
    sections: dict[tuple[str, str], Callable[[], Any]] = {
        ("seen", f"{main_steps} steps"): lambda: measure(renderer, seen, main_steps),
        ("held_out", f"{main_steps} steps"): lambda: measure(renderer, held_out, main_steps),
        ("natural words", "seen"): lambda: natural_captions(renderer, seen, main_steps),
        ("natural words", "held_out"): lambda: natural_captions(renderer, held_out, main_steps),
        ("in words", "scene"): lambda: scenes_in_words(renderer, held_out, main_steps),
    }
    for name, split in (("seen", seen), ("held_out", held_out)):
        sections[name, "changed"] = partial(change_ratio, renderer, split, main_steps)
        sections[name, "permuted"] = partial(exchange_share, renderer, split, main_steps)
    for other_steps in more_steps:
        for name, split in (("seen", seen), ("held_out", held_out)):
            sections[name, f"{other_steps} steps"] = partial(measure, renderer, split, other_steps)
    report: dict[str, Any] = {"model": model, "cases": len(seen)}
    for (name, part), section in sections.items():
        try:
            report.setdefault(name, {})[part] = section()
        except OutOfTimeError:
            report.setdefault("left out", []).append(f"{name}, {part}")
    return report


if __name__ == "__main__":
    main()
