"""Small labelled sets for the measures that need no network: palette, ground, fill, noise and duplicates."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance

from brandpress.model.nano.evaluation.finding import scaled
from tests.bench.measures.art import Drawing
from tests.bench.measures.labelled import SIDE, Labelled

PALETTE = {"pine": "#1f4d3a", "snow": "#f7f7f2", "ember": "#f28222", "dusk": "#3b2a5e"}
OTHER_GROUNDS = ("#d94f70", "#2f7fd1", "#8fd14f", "#c9b037", "#7a3b12", "#35c4c4")
COUNT = 30


@dataclass(frozen=True)
class Case:
    """A picture of one measure's set, and whether it's right."""

    measure: str
    picture: Image.Image
    right: bool


def cases(subjects: Sequence[Drawing], right_pictures: Sequence[Labelled]) -> Iterator[Case]:
    """Yields COUNT right and COUNT wrong pictures for each of palette, ground, fill and noise."""
    for index in range(COUNT):
        rng = random.Random(f"plain {index}")
        cutout = subjects[index % len(subjects)].cutout
        brand, other = rng.choice([*PALETTE.values()]), rng.choice(OTHER_GROUNDS)
        yield Case("palette", _on(brand, cutout, 0.45, rng), True)
        yield Case("palette", _on(other, cutout, 0.45, rng), False)
        yield Case("ground", _on("#ffffff", cutout, 0.7, rng), True)
        yield Case("ground", _on(f"#{rng.choice(('fafafa', 'f4f4f0', 'fdfcf8', 'f0f0f0'))}", cutout, 0.7, rng), False)
        yield Case("fill", _on("#ffffff", cutout, rng.uniform(0.86, 0.97), rng), True)
        yield Case("fill", _on("#ffffff", cutout, rng.uniform(0.4, 0.8), rng), False)
        scene = right_pictures[index % len(right_pictures)].picture
        yield Case("noise", scene, True)
        yield Case("noise", _noisy(scene, rng), False)


def repeated(pictures: Sequence[Labelled]) -> dict[str, tuple[Image.Image, bool]]:
    """Returns COUNT pictures, name -> (picture, whether it has no near-duplicate), and near-duplicates of some.

    A near-duplicate is brighter, smaller and cropped by 2 %.
    """
    result: dict[str, tuple[Image.Image, bool]] = {}
    for index, one in enumerate(pictures[: 2 * COUNT]):
        if index % 2:
            result[f"{index}"] = (one.picture, True)
            continue
        result[f"{index}"] = (one.picture, False)
        edge = round(0.02 * SIDE)
        cropped = one.picture.crop((edge, edge, SIDE, SIDE)).resize((400, 400), Image.Resampling.BICUBIC)
        result[f"{index} again"] = (ImageEnhance.Brightness(cropped).enhance(1.1), False)
    return result


def _on(ground: str, cutout: Image.Image, length: float, rng: random.Random) -> Image.Image:
    picture = Image.new("RGB", (SIDE, SIDE), ground)
    item = scaled(cutout, length * SIDE)
    corner = (round(rng.random() * (SIDE - item.width)), round(rng.random() * (SIDE - item.height)))
    picture.paste(item, corner, item)
    return picture


def _noisy(picture: Image.Image, rng: random.Random) -> Image.Image:
    """Returns noise with a tenth to four tenths of the picture left, in grains of one or two pixels."""
    grain = rng.choice((1, 2))
    noise = np.random.default_rng(rng.getrandbits(32)).integers(0, 256, (SIDE // grain, SIDE // grain, 3), np.uint8)
    large = Image.fromarray(noise).resize(picture.size, Image.Resampling.NEAREST)
    return Image.blend(large, picture, rng.uniform(0.1, 0.4))
