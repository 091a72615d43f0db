"""A brand cut out of the demo's references, since the strangers' art isn't in the repository."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from brandpress.model.nano.evaluation.brand import Brand, Subject
from brandpress.model.nano.evaluation.finding import trimmed

REFERENCES = Path(__file__).parents[4] / "specs" / "northwind" / "references"
MAGENTA = (255, 0, 255)


def cutout(name: str) -> Image.Image:
    """Returns the subject of a reference without its plain ground."""
    picture = Image.open(REFERENCES / f"{name}.png").convert("RGB")
    flooded = picture.copy()
    for corner in ((0, 0), (picture.width - 1, 0), (0, picture.height - 1), (picture.width - 1, picture.height - 1)):
        ImageDraw.floodfill(flooded, corner, MAGENTA, thresh=40)
    ground = (np.asarray(flooded) == MAGENTA).all(axis=2)
    picture.putalpha(Image.fromarray(np.where(ground, 0, 255).astype(np.uint8)))
    return trimmed(picture)


@pytest.fixture(scope="session")
def brand() -> Brand:
    """Four products and four characters."""
    products = {"mug": "green", "bottle": "blue", "backpack": "red", "sneaker": "purple"}
    characters = {"fox": "Finn", "panda": "Mei", "robot": "Rob", "frog": "Fritz"}
    return Brand(
        tuple(Subject(noun, colour, noun.title(), cutout(noun)) for noun, colour in products.items()),
        tuple(Subject(noun, None, name, cutout(noun)) for noun, name in characters.items()),
    )
