"""Whole pictures: a campaign that shares references and prompts, and a single picture of nano."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from model import Renderer, RenderRequest
from tests.bench.alternate import Contest
from tests.model.small import Pixels, fresh, judged, levels_of, load_pipeline, load_small, noise_picture

LEVELS = 1


def campaign(quick: bool, folder: Path) -> Contest[list[Pixels]]:
    """Eight pictures of a small random klein-kv checkpoint: two prompts, one set of four references."""
    small = load_small("klein-kv", folder)
    side, steps = (64, 1) if quick else (256, 4)
    references = tuple(noise_picture(side, side, seed=i) for i in range(4))
    prompts = ("a red mug on the left", "snow falls on the green bottle")
    requests = [RenderRequest(prompts[i % 2], references, side, side, seed=i, steps=steps) for i in range(8)]
    return Contest(
        f"campaign, 8 pictures of {side}x{side}, 4 references, 2 prompts",
        lambda: [levels_of(picture) for picture in small.fresh().render(requests)],
        lambda: [small.judge(request) for request in requests],
        largest,
        LEVELS,
    )


def one_of_nano(quick: bool, model: str) -> Contest[list[Pixels]]:
    """One picture of 128x128 with three references, nothing cached."""
    renderer = Renderer.load(model, device="cpu", dtype="float32")
    found = renderer.description
    pipeline: Any = load_pipeline(found.parts.root)
    references = tuple(noise_picture(64, 64, seed=i) for i in range(3))
    prompt = "the mug from image 1 on the left and the fox from image 2 on the right, in the scene from image 3"
    request = RenderRequest(prompt, references, 128, 128, seed=1, steps=1 if quick else 4)
    return Contest(
        f"nano, one picture of 128x128, 3 references, {request.steps} steps",
        lambda: [levels_of(picture) for picture in fresh(renderer).render([request])],
        lambda: [judged(pipeline, request, found.text_length, found.text_layers or (9, 18, 27))],
        largest,
        LEVELS,
    )


def largest(one: Sequence[Pixels], other: Sequence[Pixels]) -> float:
    """The largest difference of any two pictures, in levels of 255."""
    return float(max(np.abs(a - b).max() for a, b in zip(one, other, strict=True)))
