"""What a stranger's pictures show, measured with `finding.Finder` on the shots of `shots.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from brandpress.model import RenderRequest
from brandpress.model.nano.evaluation.brand import Brand
from brandpress.model.nano.evaluation.features import Features
from brandpress.model.nano.evaluation.finding import CROWD_WINDOWS, PAIR_WINDOWS, Finder, Sighting, scaled
from brandpress.model.nano.evaluation.shots import Shot, crowd_shots, pair_shots

SEEDS = (0, 1, 2)
"""Of the pictures of each pair. All pairs have the same ones, as in a campaign; a single one might be a lucky one."""
APART = 0.2
"""Least horizontal distance between the centres of two subjects, as a share of the picture's shorter side."""
_PAIR = 2
_HEIGHT, _GROUND = {2: 0.41, 3: 0.29, 4: 0.23}, 0.88
"""Longer side of a subject in a composite, by their number, and their lower edge, as shares of the picture's side."""


@dataclass(frozen=True)
class Seen:
    """One rendered shot and what it shows."""

    shot: Shot
    picture: Image.Image
    sighting: Sighting


def shot_requests(
    shots: Sequence[Shot], size: int, steps: int, seeds: Sequence[int] | None = None
) -> list[RenderRequest]:
    """Returns the requests of square pictures: of each shot, one with each seed, by default only its own index."""
    references = {one.noun: one.reference() for shot in shots for one in shot.references}
    return [
        RenderRequest(
            shot.prompt, tuple(references[one.noun] for one in shot.references), size, size, seed, steps=steps
        )
        for index, shot in enumerate(shots)
        for seed in (seeds or (index,))
    ]


def look(finder: Finder, shots: Sequence[Shot], pictures: Sequence[Image.Image]) -> list[Seen]:
    """Returns what the picture of each shot shows of its subjects."""
    return [
        Seen(
            shot,
            picture,
            finder.find(
                picture,
                [one.noun for one in shot.subjects],
                PAIR_WINDOWS if len(shot.subjects) <= _PAIR else CROWD_WINDOWS,
            ),
        )
        for shot, picture in zip(shots, pictures, strict=True)
    ]


def pair_figures(seen: Sequence[Seen]) -> dict[str, float]:
    """Returns shares of pictures of a product (reference 1) and a character (reference 2).

    product, character: it is the nearest of its kind by its best crop. both found: both are. apart: their best crops'
    centres are side by side, at least APART apart. in order: and the subject named first is on the left.
    """
    product, character, apart, ordered = [], [], [], []
    for one in seen:
        recognised = dict(zip((subject.noun for subject in one.shot.subjects), one.sighting.recognised, strict=True))
        first, second = (subject.noun for subject in one.shot.references)
        product.append(recognised[first])
        character.append(recognised[second])
        (left, _), (right, _) = one.sighting.centres
        apart.append(abs(right - left) >= APART)
        ordered.append(right - left >= APART)
    both = np.logical_and(product, character)
    return {
        "both found": share(both),
        "apart": share(apart),
        "in order": share(ordered),
        "product": share(product),
        "character": share(character),
    }


def crowd_figures(seen: Sequence[Seen]) -> dict[str, float]:
    """Returns the shares of pictures of three and of four subjects that show all of them, and the share found."""
    by_count = {
        count: [all(one.sighting.recognised) for one in seen if len(one.shot.subjects) == count] for count in (3, 4)
    }
    every = [recognised for one in seen for recognised in one.sighting.recognised]
    return {
        "all found": share([recognised for values in by_count.values() for recognised in values]),
        "all found of three": share(by_count[3]),
        "all found of four": share(by_count[4]),
        "found": share(every),
    }


def measure_pairs(
    render: Callable[[Sequence[Shot]], list[Image.Image]], features: Features, brand: Brand
) -> tuple[dict[str, float], list[Seen]]:
    """Returns the figures of the brand's pairs, and their pictures. render: returns one with each of SEEDS a shot."""
    shots = pair_shots(brand)
    each = [shot for shot in shots for _ in SEEDS]
    seen = look(Finder.of(features, brand.cutouts()), each, render(shots))
    return pair_figures(seen), seen


def measure_crowds(
    render: Callable[[Sequence[Shot]], list[Image.Image]], features: Features, brand: Brand
) -> tuple[dict[str, float], list[Seen]]:
    """Returns the figures of the brand's pictures of three and four subjects, and their pictures."""
    shots = crowd_shots(brand)
    seen = look(Finder.of(features, brand.cutouts()), shots, render(shots))
    return crowd_figures(seen), seen


def composite(background: Image.Image, shot: Shot, cutouts: Mapping[str, tuple[str, Image.Image]]) -> Image.Image:
    """Returns the picture that a perfect renderer makes of a shot: its subjects stand side by side."""
    picture = background.convert("RGB")
    width, height = picture.size
    count = len(shot.subjects)
    for index, subject in enumerate(shot.subjects):
        item = scaled(cutouts[subject.noun][1], _HEIGHT[count] * min(picture.size))
        x = round((index + 0.5) / count * width) - item.width // 2
        picture.paste(item, (x, round(_GROUND * height) - item.height), item)
    return picture


def share(values: Sequence[bool] | np.ndarray) -> float:
    """Returns the share of true values, rounded to three digits; 0 without values."""
    return round(float(np.mean(values)), 3) if len(values) else 0.0
