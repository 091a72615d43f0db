"""Measures of what a renderer makes of the fixed cases (`model/nano/world/cases.py`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from brandpress.model import RenderRequest
from brandpress.model.nano.world.cases import Case, crop_box
from brandpress.model.nano.world.natural import natural_prompt
from brandpress.model.nano.world.phrases import SCENE_WORDS
from brandpress.model.nano.world.scenes import Scene

Pixels = NDArray[np.float64]
WORDED = tuple(name for name, phrases in SCENE_WORDS.items() if name != "abstract" and "{c}" not in phrases[0])
SCENE_EXAMPLES, SCENE_PHRASES = 32, 3


class Renders(Protocol):
    """What the measures need of a renderer."""

    def render(self, requests: Sequence[RenderRequest]) -> list[Image.Image]:
        """The pictures of the requests, in their order."""


def requests(cases: Sequence[Case], steps: int) -> list[RenderRequest]:
    return [
        RenderRequest(case.caption.text, case.references, *case.target.size, seed=i, steps=steps)
        for i, case in enumerate(cases)
    ]


def measure(renderer: Renders, cases: Sequence[Case], steps: int) -> dict[str, float]:
    """Shares (position, retrieval), errors in levels of 255 (colour, other, background) and PSNR in dB."""
    pictures = renderer.render(requests(cases, steps))
    means = [item_colours(pixels(case.target), case) for case in cases]
    figures: dict[str, list[float]] = {key: [] for key in ("position", "colour", "other", "retrieval", "background")}
    squares = []
    for i, (case, picture) in enumerate(zip(cases, pictures, strict=True)):
        made, target = pixels(picture), pixels(case.target)
        figures["position"].append(distance(made, target) < distance(made, pixels(case.swapped)))
        found, wanted, other = item_colours(made, case), means[i], means[(i + 1) % len(means)]
        figures["colour"].append(float(np.abs(found - wanted).mean()))
        figures["other"].append(float(np.abs(found - other).mean()))
        figures["retrieval"].append(retrieved(picture, case))
        third = made.shape[0] // 3
        figures["background"].append(float(np.abs(made[:third] - target[:third]).mean()))
        squares.append(float(((made - target) ** 2).mean()))
    report = {key: round(float(np.mean(values)), 3) for key, values in figures.items()}
    return report | {"psnr": round(float(np.mean([10 * math.log10(255**2 / max(1e-9, s)) for s in squares])), 2)}


def retrieved(picture: Image.Image, case: Case) -> bool:
    """Whether the crop at item 0's place is nearest to item 0 among the candidates."""
    return int(np.argmin(place_errors(picture, case, 0))) == case.answers[0]


def change_ratio(renderer: Renders, cases: Sequence[Case], steps: int = 4) -> float:
    """One item's reference exchanged for another case's: how much more its own place changes than the other's."""
    own, beside = 0.0, 0.0
    changed = []
    for i, case in enumerate(cases):
        place = case.caption.references.index("item0")
        donor = cases[(i + 1) % len(cases)]
        stranger = donor.references[donor.caption.references.index("item0")]
        changed.append((*case.references[:place], stranger, *case.references[place + 1 :]))
    asked = requests(cases, steps)
    before = renderer.render(asked)
    after = renderer.render([replace(r, references=refs) for r, refs in zip(asked, changed, strict=True)])
    for case, first, second in zip(cases, before, after, strict=True):
        difference = np.abs(pixels(first) - pixels(second)).mean(axis=2)
        own += difference[case.masks[0]].mean()
        beside += difference[case.masks[1]].mean()
    return round(own / max(1e-9, beside), 2)


def permuted(renderer: Renders, cases: Sequence[Case], steps: int = 4) -> float:
    """Both items' references exchanged under the same caption: the share of pictures that follow."""
    exchanged = []
    for case, request in zip(cases, requests(cases, steps), strict=True):
        references = list(request.references)
        first, second = (case.caption.references.index(name) for name in ("item0", "item1"))
        references[first], references[second] = references[second], references[first]
        exchanged.append(replace(request, references=tuple(references)))
    follow = [
        distance(pixels(picture), pixels(case.swapped)) < distance(pixels(picture), pixels(case.target))
        for case, picture in zip(cases, renderer.render(exchanged), strict=True)
    ]
    return round(float(np.mean(follow)), 3)


def natural_words(renderer: Renders, cases: Sequence[Case], steps: int = 4) -> dict[str, float]:
    """Two items without their sides, mentioned from left to right. The share of pictures in which both are found, each
    at its place the nearest of 16 candidates, and in which they are apart: each place is nearer to its own item."""
    asked = []
    for i, case in enumerate(cases):
        prompt = natural_prompt(case.composition.facts, case.caption.references, i)
        asked.append(RenderRequest(prompt, case.references, *case.target.size, seed=i, steps=steps))
    found, apart = [], []
    for case, picture in zip(cases, renderer.render(asked), strict=True):
        choices = [place_errors(picture, case, place) for place in (0, 1)]
        found.append(all(int(np.argmin(errors)) == case.answers[place] for place, errors in enumerate(choices)))
        apart.append(
            all(errors[case.answers[place]] < errors[case.answers[1 - place]] for place, errors in enumerate(choices))
        )
    return {"both found": round(float(np.mean(found)), 3), "apart": round(float(np.mean(apart)), 3)}


def place_errors(picture: Image.Image, case: Case, place: int) -> list[float]:
    """How far the crop at an item's place is from each candidate there."""
    crop = pixels(picture.crop(crop_box(case.composition.placed[place])))
    return [distance(crop, pixels(other)) for other in (case.candidates, case.second_candidates)[place]]


def scenes_in_words(renderer: Renders, cases: Sequence[Case], steps: int = 4) -> float:
    """An item by reference and a scene by its words: the share of pictures whose upper half is nearest to that scene.

    Nearest among SCENE_EXAMPLES drawings of each scene that words can tell, as thumbnails of 8 x 8 pixels.
    """
    examples = {
        name: [thumbnail(Scene(name, None, "none", seed).draw(64, 64)) for seed in range(SCENE_EXAMPLES)]
        for name in WORDED
    }
    wanted = [(name, phrase) for name in WORDED for phrase in SCENE_WORDS[name][:SCENE_PHRASES]]
    asked = []
    for i, (_, phrase) in enumerate(wanted):
        shown = cases[i % len(cases)].composition
        prompt = f"the {shown.facts['items'][0]['noun']} from image 1 in the centre, {phrase}"
        asked.append(RenderRequest(prompt, shown.item_references[:1], 128, 128, seed=i, steps=steps))
    made = [thumbnail(picture) for picture in renderer.render(asked)]
    found = [min(WORDED, key=lambda name: min(distance(one, other) for other in examples[name])) for one in made]
    return round(float(np.mean([name == other for name, (other, _) in zip(found, wanted, strict=True)])), 3)


def thumbnail(picture: Image.Image) -> Pixels:
    """The upper half of a picture's 8 x 8 thumbnail."""
    return pixels(picture.resize((8, 8), Image.Resampling.BOX))[:4]


def item_colours(picture: Pixels, case: Case) -> Pixels:
    """The mean colour over each item's mask, (2, 3)."""
    return np.stack([picture[mask].mean(axis=0) for mask in case.masks])


def pixels(picture: Image.Image) -> Pixels:
    return np.asarray(picture.convert("RGB"), np.float64)


def distance(one: Pixels, other: Pixels) -> float:
    return float(((one - other) ** 2).mean())
