"""The brands of strangers: eight products and eight characters each, in art that training never shows.

Noto emoji come from npm: `npm install --ignore-scripts --prefix DIR @iconify-json/noto@1.2.7` (Apache-2.0). Photographs
come from a folder with RGBA cut-outs, `products/NAME.png` and `characters/NAME.png`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from brandpress.model.nano.evaluation.finding import on_ground, trimmed
from brandpress.model.nano.world.art import rasterise

REFERENCE_SIDE, REFERENCE_MARGIN = 256, 0.1
WHITE = (255, 255, 255)
SIZE = 8
"""Number of products and of characters."""

# icon, noun, colour, name
NOTO_PRODUCTS = (
    ("umbrella", "umbrella", "purple", "Drizzle"),
    ("handbag", "handbag", "brown", "Siena"),
    ("running-shoe", "running shoe", "blue", "Runner 2"),
    ("teapot", "teapot", "red", "Assam"),
    ("headphone", "headphones", "black", "Pulse X3"),
    ("lipstick", "lipstick", "red", "Rouge No. 5"),
    ("wrapped-gift", "gift box", "orange", "Surprise"),
    ("guitar", "guitar", "red", "Twang"),
)
NOTO_CHARACTERS = (
    ("koala", "koala", "grey", "Kiki"),
    ("fox", "fox", "orange", "Finn"),
    ("owl", "owl", "brown", "Otto"),
    ("panda", "panda", "black and white", "Mei"),
    ("unicorn", "unicorn", "white", "Luna"),
    ("tiger-face", "tiger", "orange", "Tara"),
    ("frog", "frog", "green", "Fritz"),
    ("hedgehog", "hedgehog", "brown", "Hazel"),
)
_NAMES = ("Kiki", "Finn", "Otto", "Mei", "Luna", "Tara", "Fritz", "Hazel")
_MODELS = ("Alto", "Breva", "Cala", "Dune", "Elba", "Fjord", "Gava", "Halo")


@dataclass(frozen=True)
class Subject:
    """A product or character: its noun, its colour's name (None if nobody told), its own name, and an RGBA cut-out."""

    noun: str
    colour: str | None
    name: str
    cutout: Image.Image

    @property
    def coloured(self) -> str:
        """Returns the noun after its colour."""
        return f"{self.colour} {self.noun}" if self.colour else self.noun

    def reference(self) -> Image.Image:
        """Returns the subject on white."""
        return on_ground(self.cutout, REFERENCE_SIDE, WHITE, REFERENCE_MARGIN)


@dataclass(frozen=True)
class Brand:
    """SIZE products and SIZE characters."""

    products: tuple[Subject, ...]
    characters: tuple[Subject, ...]

    def cutouts(self) -> dict[str, tuple[str, Image.Image]]:
        """Returns noun -> (kind, cut-out) of all subjects."""
        kinds = {"product": self.products, "character": self.characters}
        return {one.noun: (kind, one.cutout) for kind, subjects in kinds.items() for one in subjects}


def noto_brand(art: Path) -> Brand:
    """Returns the brand of Noto emoji from the folder that contains `node_modules`.

    Raises FileNotFoundError without `@iconify-json/noto`, and ModuleNotFoundError without resvg-py.
    """
    icons = json.loads((art / "node_modules/@iconify-json/noto/icons.json").read_text("utf-8"))
    box = icons.get("width", 128)

    def subjects(rows: tuple[tuple[str, str, str, str], ...]) -> tuple[Subject, ...]:
        return tuple(
            Subject(noun, colour, name, trimmed(rasterise(icons["icons"][icon]["body"], box, box, REFERENCE_SIDE)))
            for icon, noun, colour, name in rows
        )

    return Brand(subjects(NOTO_PRODUCTS), subjects(NOTO_CHARACTERS))


def photograph_brand(folder: Path) -> Brand:
    """Returns the brand of the cut-outs in a folder; their file names are their nouns.

    Raises FileNotFoundError if it doesn't have SIZE products and SIZE characters.
    """

    def subjects(kind: str, names: tuple[str, ...]) -> tuple[Subject, ...]:
        files = sorted((folder / kind).glob("*.png"))[:SIZE]
        if len(files) < SIZE:
            raise FileNotFoundError(f"{folder / kind}: {len(files)} PNG files; {SIZE} cut-outs are needed")
        opened = [Image.open(file).convert("RGBA") for file in files]
        return tuple(
            Subject(file.stem, None, name, trimmed(picture))
            for file, name, picture in zip(files, names, opened, strict=True)
        )

    return Brand(subjects("products", _MODELS), subjects("characters", _NAMES))
