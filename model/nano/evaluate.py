"""Measures nano through the real renderer: `python -m brandpress.model.nano.evaluate --art DIR [--model FOLDER]`.

Each case has two items and a scene as references, in a random order, and a caption that says which goes where; the
scenes that are named in words alone are measured apart, and so are two items without their sides.
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
from brandpress.model.nano.measures import Renders, change_ratio, measure, natural_words, permuted, scenes_in_words
from brandpress.model.nano.world.cases import Case, fixed_cases
from brandpress.model.nano.world.library import Library

CASES, SEED = 64, 7
STEPS = (4, 8, 20)
ON_GPU, ON_CPU = 32, 4
"""How many pictures are rendered between two looks at the clock."""


class OutOfTimeError(Exception):
    """The time for an evaluation is over."""


@dataclass(frozen=True)
class TimedRenderer:
    """Renders some requests at a time until `time.monotonic()` passes `deadline`; then raises OutOfTimeError."""

    renderer: Renders
    deadline: float
    part: int

    def render(self, requests: Sequence[RenderRequest]) -> list[Image.Image]:
        pictures: list[Image.Image] = []
        for first in range(0, len(requests), self.part):
            if time.monotonic() > self.deadline:
                raise OutOfTimeError
            pictures += self.renderer.render(requests[first : first + self.part])
        return pictures


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m brandpress.model.nano.evaluate", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--art", type=Path, required=True)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--device", help="cpu, cuda, cuda:1 and so on; the first GPU when there is one")
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--steps", type=int, nargs="+", default=list(STEPS))
    parser.add_argument("--seconds", type=float, help="stop after so many; what is left is named in the report")
    parser.add_argument("--json", type=Path, help="a file to write the figures into; they are printed without one")
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
    """The cases that every nano is measured by, of artwork that training shows or holds out."""
    return fixed_cases(Library.load(art, art / "cache"), count, SEED, held_out)


def evaluate(
    model: str,
    art: Path,
    device: str | None = None,
    count: int = CASES,
    steps: Sequence[int] = STEPS,
    seconds: float | None = None,
    cases: tuple[Sequence[Case], Sequence[Case]] | None = None,
) -> dict[str, Any]:
    """The figures of a nano, those that matter most first; "left out" names what there was no time for.

    cases: the seen and the held out, where they are drawn already.
    """
    deadline = time.monotonic() + seconds if seconds is not None else math.inf
    loaded = Renderer.load(model, device=device)
    renderer = TimedRenderer(loaded, deadline, ON_GPU if loaded.host()["device"] != "cpu" else ON_CPU)
    seen, held_out = cases or (draw_cases(art, count, held_out=out) for out in (False, True))
    few, *more = steps
    sections: dict[tuple[str, str], Callable[[], Any]] = {
        ("seen", f"{few} steps"): lambda: measure(renderer, seen, few),
        ("held_out", f"{few} steps"): lambda: measure(renderer, held_out, few),
        ("natural words", "seen"): lambda: natural_words(renderer, seen, few),
        ("natural words", "held_out"): lambda: natural_words(renderer, held_out, few),
        ("in words", "scene"): lambda: scenes_in_words(renderer, held_out, few),
    }
    for name, chosen in (("seen", seen), ("held_out", held_out)):
        sections[name, "changed"] = partial(change_ratio, renderer, chosen, few)
        sections[name, "permuted"] = partial(permuted, renderer, chosen, few)
    for other in more:
        for name, chosen in (("seen", seen), ("held_out", held_out)):
            sections[name, f"{other} steps"] = partial(measure, renderer, chosen, other)
    report: dict[str, Any] = {"model": model, "cases": len(seen)}
    for (name, part), section in sections.items():
        try:
            report.setdefault(name, {})[part] = section()
        except OutOfTimeError:
            report.setdefault("left out", []).append(f"{name}, {part}")
    return report


if __name__ == "__main__":
    main()
