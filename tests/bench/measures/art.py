"""Subjects for labelled pictures: drawings of icon sets from npm, which aren't in this repository.

`npm install --ignore-scripts --prefix DIR @iconify-json/noto` (Apache-2.0; openmoji: CC BY-SA 4.0; twemoji: CC BY 4.0).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from brandpress.model.nano.evaluation.finding import trimmed
from brandpress.model.nano.world.art import rasterise

SIDE = 384
"""Longer side of a drawing in pixels."""

TUNED_ON = {
    "animal": ("koala", "fox", "owl", "panda", "frog", "penguin"),
    "vehicle": ("automobile", "tractor", "sailboat", "helicopter", "motor-scooter", "fire-engine"),
    "wear": ("handbag", "running-shoe", "umbrella", "t-shirt", "top-hat", "backpack"),
    "food": ("hamburger", "watermelon", "pineapple", "teapot", "croissant", "avocado"),
}
"""Kind -> icons. The constants of the measures were chosen with these, drawn by twemoji."""

HELD_OUT = {
    "animal": ("lion", "elephant", "octopus", "parrot"),
    "vehicle": ("locomotive", "bicycle", "rocket", "delivery-truck"),
    "wear": ("dress", "womans-boot", "kimono", "gloves"),
    "food": ("cupcake", "strawberry", "doughnut", "soft-ice-cream"),
}
"""Kind -> icons that no constant was chosen with."""


@dataclass(frozen=True)
class Drawing:
    """One subject: its name, its kind and its picture, RGBA without a transparent margin."""

    name: str
    kind: str
    cutout: Image.Image

    @property
    def entity(self) -> str:
        """The subject as records name it."""
        return f"{'character' if self.kind == 'animal' else 'product'}:{self.name}"


def drawings(folder: Path, icon_set: str, names: dict[str, tuple[str, ...]]) -> list[Drawing]:
    """Returns the drawings of an icon set in the `folder` with `node_modules`.

    Raises FileNotFoundError without the set, and KeyError if it lacks an icon.
    """
    path = folder / "node_modules/@iconify-json" / icon_set / "icons.json"
    icons = json.loads(path.read_text("utf-8"))
    box = icons.get("width", 128)
    return [
        Drawing(name, kind, trimmed(rasterise(_body(icons, name), box, box, SIDE)))
        for kind, members in names.items()
        for name in members
    ]


def _body(icons: dict[str, dict[str, dict[str, str]]], name: str) -> str:
    if name not in icons["icons"]:
        name = icons["aliases"][name]["parent"]
    return icons["icons"][name]["body"]
