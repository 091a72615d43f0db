"""Evaluates nano with the real renderer: `python -m brandpress.model.nano.evaluate --art DIR [--model FOLDER]`.

First come the brands of strangers, in art that training never shows and in their own words (`evaluation/`). They need
the extra `evaluate` and `@iconify-json/noto` in DIR. Then come the cases of the drawn world: references of two items
and a scene, in random order, and a caption that places them. Scenes described in words only and captions without sides
are measured separately.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from brandpress.model import Renderer, RenderRequest
from brandpress.model.nano.evaluation.brand import Brand, noto_brand, photograph_brand
from brandpress.model.nano.evaluation.campaign import render_campaign
from brandpress.model.nano.evaluation.card import markdown
from brandpress.model.nano.evaluation.features import Features
from brandpress.model.nano.evaluation.grounds import measure_grounds
from brandpress.model.nano.evaluation.lettering import load_reader, measure_signs
from brandpress.model.nano.evaluation.sheet import draw_grid, draw_sheet
from brandpress.model.nano.evaluation.shots import Shot
from brandpress.model.nano.evaluation.stranger import SEEDS, Seen, measure_crowds, measure_pairs, shot_requests
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

CASES, SEED, SIZE = 64, 7, 256
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


@dataclass(frozen=True)
class Strangers:
    """The sections with the brands of strangers. Each returns its figures, and writes its pictures if there's a sheet.

    Raise ModuleNotFoundError and FileNotFoundError for what isn't installed. photographs: a folder with cut-outs.
    campaigns: a folder for campaigns of the pairs, which the command line renders with `model`; None renders them here.
    """

    renderer: PictureRenderer
    art: Path
    photographs: Path | None
    device: str
    size: int
    steps: int
    sheet: Path | None = None
    campaigns: Path | None = None
    model: str = "nano"

    @cached_property
    def features(self) -> Features:
        """Returns the image features."""
        return Features.load(self.device)

    @cached_property
    def brand(self) -> Brand:
        """Returns the brand of emoji."""
        return noto_brand(self.art)

    def pairs(self) -> dict[str, float]:
        """Returns the figures of products with characters."""
        figures, seen = measure_pairs(partial(self._render_pairs, self.brand, "emoji"), self.features, self.brand)
        return self._shown(figures, seen, "")

    def photographed(self) -> dict[str, float]:
        """Returns the figures of photographed products with photographed characters."""
        if self.photographs is None:
            raise FileNotFoundError("--photographs names no folder of cut-outs")
        brand = photograph_brand(self.photographs)
        figures, seen = measure_pairs(partial(self._render_pairs, brand, "photographs"), self.features, brand)
        return self._shown(figures, seen, "-photographs")

    def crowds(self) -> dict[str, float]:
        """Returns the figures of three and four subjects."""
        figures, seen = measure_crowds(self._render_crowds, self.features, self.brand)
        return self._shown(figures, seen, "-three-and-four")

    def signs(self) -> dict[str, float]:
        """Returns the figures of words on signs."""
        figures, pictures = measure_signs(self.renderer, load_reader(), self.brand, self.size, self.steps)
        self._save(draw_grid(pictures), "-signs")
        return figures

    def grounds(self) -> dict[str, float]:
        """Returns the figures of plain grounds."""
        figures, pictures = measure_grounds(self.renderer, self.brand, self.size, self.steps)
        self._save(draw_grid(pictures), "-grounds")
        return figures

    def _render_crowds(self, shots: Sequence[Shot]) -> list[Image.Image]:
        return self.renderer.render(shot_requests(shots, self.size, self.steps))

    def _render_pairs(self, brand: Brand, name: str, shots: Sequence[Shot]) -> list[Image.Image]:
        """Returns the pictures of pairs, rendered by the command line if there is a folder for it."""
        if self.campaigns is None:
            return self.renderer.render(shot_requests(shots, self.size, self.steps, SEEDS))
        folder = self.campaigns / name
        folder.mkdir(parents=True)  # must be new: older pictures have the same names
        return render_campaign(folder, brand, shots, self.model, self.size, SEEDS)

    def _shown(self, figures: dict[str, float], seen: Sequence[Seen], ending: str) -> dict[str, float]:
        self._save(draw_sheet(seen), ending)
        return figures

    def _save(self, sheet: Image.Image, ending: str) -> None:
        if self.sheet is not None:
            self.sheet.parent.mkdir(parents=True, exist_ok=True)
            sheet.save(self.sheet.with_name(f"{self.sheet.stem}{ending}.png"))


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
    parser.add_argument("--size", type=int, default=SIZE, help="pixels per side of the pictures")
    parser.add_argument("--photographs", type=Path, help="folder with cut-outs, see evaluation/brand.py")
    parser.add_argument(
        "--sheet", type=Path, help="PNG file for the strangers' pictures, the worst first; others beside it"
    )
    parser.add_argument("--campaigns", type=Path, help="render the pairs with the command line, in this new folder")
    parser.add_argument("--only", nargs="+", help="names of the sections to measure, such as stranger (default: all)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="threads (default: one per core)")
    parser.add_argument("--markdown", action="store_true", help="also print the model card's table")
    parser.add_argument("--json", type=Path, help="file for the figures (default: print them)")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    report = evaluate(
        options.model,
        options.art,
        options.device,
        options.cases,
        options.steps,
        options.seconds,
        size=options.size,
        photographs=options.photographs,
        sheet=options.sheet,
        campaigns=options.campaigns,
        only=options.only,
    )
    text = json.dumps(report, indent=2) + "\n"
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(text)
    else:
        print(text, end="")
    if options.markdown:
        print(markdown(report), end="")


def draw_cases(art: Path, count: int, held_out: bool, size: int = SIZE) -> list[Case]:
    """Returns the square evaluation cases with artwork of the training set or of the held-out set."""
    return fixed_cases(Library.load(art, art / "cache"), count, SEED, held_out=held_out, width=size, height=size)


def evaluate(
    model: str,
    art: Path,
    device: str | None = None,
    count: int = CASES,
    steps: Sequence[int] = STEPS,
    seconds: float | None = None,
    cases: tuple[Sequence[Case], Sequence[Case]] | None = None,
    *,
    size: int = SIZE,
    photographs: Path | None = None,
    sheet: Path | None = None,
    campaigns: Path | None = None,
    only: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Returns the figures of a model.

    The most important sections are measured first. Those that there was no time for are listed as "left out", those
    whose packages or pictures are missing as "not measured", with the reason. cases: seen and held-out cases, if they
    are rendered already. size: pixels per side. photographs, sheet, campaigns, only: as on the command line.
    """
    deadline = time.monotonic() + seconds if seconds is not None else math.inf
    loaded = Renderer.load(model, device=device)
    on_gpu = loaded.host()["device"] != "cpu"
    renderer = TimedRenderer(loaded, deadline, GPU_PART if on_gpu else CPU_PART)
    main_steps, *more_steps = steps
    strangers = Strangers(
        renderer, art, photographs, "cuda" if on_gpu else "cpu", size, main_steps, sheet, campaigns, model
    )
    sections: dict[tuple[str, str], Callable[[], Any]] = {
        ("stranger", "pairs"): strangers.pairs,
        ("stranger", "photographs"): strangers.photographed,
        ("stranger", "three and four"): strangers.crowds,
        ("stranger", "signs"): strangers.signs,
        ("stranger", "grounds"): strangers.grounds,
    }
    if only is None or any(name != "stranger" for name in only):
        seen, held_out = cases or (draw_cases(art, count, held_out, size) for held_out in (False, True))
        sections |= _case_sections(renderer, seen, held_out, main_steps, more_steps)
    report: dict[str, Any] = {"model": model, "size": size}
    for (name, part), section in sections.items():
        if only is not None and name not in only:
            continue
        try:
            report.setdefault(name, {})[part] = section()
        except OutOfTimeError:
            report.setdefault("left out", []).append(f"{name}, {part}")
        except (ModuleNotFoundError, FileNotFoundError) as error:
            report.setdefault("not measured", {})[f"{name}, {part}"] = str(error)
    return report


def _case_sections(
    renderer: PictureRenderer, seen: Sequence[Case], held_out: Sequence[Case], steps: int, more_steps: Sequence[int]
) -> dict[tuple[str, str], Callable[[], Any]]:
    """Returns the sections of the drawn world's cases."""
    sections: dict[tuple[str, str], Callable[[], Any]] = {
        ("seen", f"{steps} steps"): lambda: measure(renderer, seen, steps),
        ("held_out", f"{steps} steps"): lambda: measure(renderer, held_out, steps),
        ("natural words", "seen"): lambda: natural_captions(renderer, seen, steps),
        ("natural words", "held_out"): lambda: natural_captions(renderer, held_out, steps),
        ("in words", "scene"): lambda: scenes_in_words(renderer, held_out, steps),
    }
    for name, split in (("seen", seen), ("held_out", held_out)):
        sections[name, "changed"] = partial(change_ratio, renderer, split, steps)
        sections[name, "permuted"] = partial(exchange_share, renderer, split, steps)
    for other_steps in more_steps:
        for name, split in (("seen", seen), ("held_out", held_out)):
            sections[name, f"{other_steps} steps"] = partial(measure, renderer, split, other_steps)
    return sections


if __name__ == "__main__":
    main()
