"""Metrics of a renderer on the fixed cases (`model/nano/world/cases.py`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from brandpress.model import RenderRequest
from brandpress.model.nano.world.cases import Case, crop_box
from brandpress.model.nano.world.natural import natural_prompt
from brandpress.model.nano.world.scene_words import SCENE_WORDS
from brandpress.model.nano.world.scenes import Scene

Pixels = NDArray[np.float64]
NAMEABLE_SCENES = tuple(
    name
    for name, phrases in SCENE_WORDS.items()
    if name != "abstract" and not name.startswith("mood ") and "{c}" not in phrases[0]
)
"""Scenes that words alone describe."""
SCENE_COUNT, SCENE_EXAMPLES, SCENE_PHRASES = 40, 32, 3
_BESIDE_ITEM = np.ones((16, 16), np.bool_)
_BESIDE_ITEM[6:15, 4:12] = False
"""The cells of a thumbnail where an item in the centre doesn't stand."""


class PictureRenderer(Protocol):
    """The part of a renderer that the metrics need."""

    def render(self, requests: Sequence[RenderRequest]) -> list[Image.Image]:
        """Returns the pictures of the requests, in order."""


def case_requests(cases: Sequence[Case], steps: int) -> list[RenderRequest]:
    """Returns the request of each case; the seed is the case's index."""
    return [
        RenderRequest(case.caption.text, case.references, *case.target.size, seed=i, steps=steps)
        for i, case in enumerate(cases)
    ]


def measure(renderer: PictureRenderer, cases: Sequence[Case], steps: int) -> dict[str, float]:
    """Returns shares (position, retrieval), errors in levels of 255 (colour, other, background) and PSNR in dB."""
    pictures = renderer.render(case_requests(cases, steps))
    target_colours = [item_colours(pixels(case.target), case) for case in cases]
    figures: dict[str, list[float]] = {key: [] for key in ("position", "colour", "other", "retrieval", "background")}
    squares = []
    for i, (case, picture) in enumerate(zip(cases, pictures, strict=True)):
        rendered, target = pixels(picture), pixels(case.target)
        figures["position"].append(distance(rendered, target) < distance(rendered, pixels(case.swapped)))
        colours, other_colours = item_colours(rendered, case), target_colours[(i + 1) % len(target_colours)]
        figures["colour"].append(float(np.abs(colours - target_colours[i]).mean()))
        figures["other"].append(float(np.abs(colours - other_colours).mean()))
        figures["retrieval"].append(is_retrieved(picture, case))
        third = rendered.shape[0] // 3
        figures["background"].append(float(np.abs(rendered[:third] - target[:third]).mean()))
        squares.append(float(((rendered - target) ** 2).mean()))
    report = {key: round(float(np.mean(values)), 3) for key, values in figures.items()}
    return report | {"psnr": round(float(np.mean([10 * math.log10(255**2 / max(1e-9, s)) for s in squares])), 2)}


def is_retrieved(picture: Image.Image, case: Case) -> bool:
    """Returns whether item 0 is the nearest candidate to the crop at its position."""
    return int(np.argmin(candidate_errors(picture, case, 0))) == case.answers[0]


def change_ratio(renderer: PictureRenderer, cases: Sequence[Case], steps: int = 4) -> float:
    """Returns the change at item 0 relative to the change at item 1 when item 0's reference is replaced.

    The replacement is item 0's reference of the next case.
    """
    own_change, other_change = 0.0, 0.0
    replaced_references = []
    for i, case in enumerate(cases):
        index = case.caption.references.index("item0")
        donor = cases[(i + 1) % len(cases)]
        replacement = donor.references[donor.caption.references.index("item0")]
        replaced_references.append((*case.references[:index], replacement, *case.references[index + 1 :]))
    requests = case_requests(cases, steps)
    before = renderer.render(requests)
    after = renderer.render(
        [replace(r, references=refs) for r, refs in zip(requests, replaced_references, strict=True)]
    )
    for case, first, second in zip(cases, before, after, strict=True):
        difference = np.abs(pixels(first) - pixels(second)).mean(axis=2)
        own_change += difference[case.masks[0]].mean()
        other_change += difference[case.masks[1]].mean()
    return round(own_change / max(1e-9, other_change), 2)


def exchange_share(renderer: PictureRenderer, cases: Sequence[Case], steps: int = 4) -> float:
    """Returns the share of pictures whose items are exchanged when their references are, under the same caption."""
    exchanged = []
    for case, request in zip(cases, case_requests(cases, steps), strict=True):
        references = list(request.references)
        first, second = (case.caption.references.index(name) for name in ("item0", "item1"))
        references[first], references[second] = references[second], references[first]
        exchanged.append(replace(request, references=tuple(references)))
    follows = [
        distance(pixels(picture), pixels(case.swapped)) < distance(pixels(picture), pixels(case.target))
        for case, picture in zip(cases, renderer.render(exchanged), strict=True)
    ]
    return round(float(np.mean(follows)), 3)


def natural_captions(renderer: PictureRenderer, cases: Sequence[Case], steps: int = 4) -> dict[str, float]:
    """Returns the shares of pictures with two items whose prompt mentions no sides, mentioned from left to right.

    both found: each item is the nearest of the candidates at its position. apart: each position is nearer to its own
    item than to the other one.
    """
    requests = []
    for i, case in enumerate(cases):
        prompt = natural_prompt(case.composition.facts, case.caption.references, i)
        requests.append(RenderRequest(prompt, case.references, *case.target.size, seed=i, steps=steps))
    both_found, apart = [], []
    for case, picture in zip(cases, renderer.render(requests), strict=True):
        errors_of = [candidate_errors(picture, case, item) for item in (0, 1)]
        both_found.append(all(int(np.argmin(errors)) == case.answers[item] for item, errors in enumerate(errors_of)))
        apart.append(
            all(errors[case.answers[item]] < errors[case.answers[1 - item]] for item, errors in enumerate(errors_of))
        )
    return {"both found": round(float(np.mean(both_found)), 3), "apart": round(float(np.mean(apart)), 3)}


def candidate_errors(picture: Image.Image, case: Case, item: int) -> list[float]:
    """Returns the distances between the crop at an item's position and each candidate there."""
    candidates = (case.candidates, case.second_candidates)[item]
    crop = pixels(picture.crop(crop_box(case.composition.placed[item], candidates[0].width)))
    return [distance(crop, pixels(candidate)) for candidate in candidates]


def scenes_in_words(renderer: PictureRenderer, cases: Sequence[Case], steps: int = 4) -> float:
    """Returns the share of pictures whose scene, described in words only, is recognised. Items have references.

    SCENE_COUNT scenes are asked for. Each picture's thumbnail is compared with those of SCENE_EXAMPLES renderings of
    each nameable scene.
    """
    examples = {name: _scene_examples(name, SCENE_EXAMPLES) for name in NAMEABLE_SCENES}
    scene_phrases = [(name, phrase) for name in asked_scenes() for phrase in SCENE_WORDS[name][:SCENE_PHRASES]]
    requests = []
    for i, (_, phrase) in enumerate(scene_phrases):
        case = cases[i % len(cases)]
        prompt = f"the {case.composition.facts['items'][0]['noun']} from image 1 in the centre, {phrase}"
        references = case.composition.item_references[:1]
        requests.append(RenderRequest(prompt, references, *case.target.size, seed=i, steps=steps))
    matches = []
    for (name, _), picture in zip(scene_phrases, renderer.render(requests), strict=True):
        one = thumbnail(picture)
        errors = {other: float(np.abs(drawn - one).mean(axis=(1, 2)).min()) for other, drawn in examples.items()}
        matches.append(min(errors, key=errors.__getitem__) == name)
    return round(float(np.mean(matches)), 3)


@cache
def _scene_examples(name: str, count: int) -> Pixels:
    """Returns the thumbnails of renderings of a scene, (count, cells, 3)."""
    return np.stack([thumbnail(Scene(name, None, "none", seed).draw(64, 64)) for seed in range(count)])


def asked_scenes() -> tuple[str, ...]:
    """Returns at most SCENE_COUNT of the nameable scenes, spread over their list."""
    step = max(1, len(NAMEABLE_SCENES) // SCENE_COUNT)
    return NAMEABLE_SCENES[::step][:SCENE_COUNT]


def thumbnail(picture: Image.Image) -> Pixels:
    """Returns the cells of a picture's 16 x 16 thumbnail beside an item in the centre, (cells, 3)."""
    return pixels(picture.resize((16, 16), Image.Resampling.BOX))[_BESIDE_ITEM]


def item_colours(picture: Pixels, case: Case) -> Pixels:
    """Returns the mean colour over each item's mask, (2, 3)."""
    return np.stack([picture[mask].mean(axis=0) for mask in case.masks])


def pixels(picture: Image.Image) -> Pixels:
    """Returns a picture as (height, width, 3) floats, 0 to 255."""
    return np.asarray(picture.convert("RGB"), np.float64)


def distance(one: Pixels, other: Pixels) -> float:
    """Returns the mean squared difference."""
    return float(((one - other) ** 2).mean())
