"""The named colours, and the name of a picture's dominant colour."""

import math
import random
import re

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Rgb = tuple[int, int, int]

COLOURS: dict[str, Rgb] = {
    "red": (214, 40, 44),
    "orange": (242, 130, 34),
    "yellow": (248, 208, 46),
    "green": (52, 160, 72),
    "lime": (158, 212, 54),
    "teal": (26, 158, 152),
    "blue": (40, 108, 218),
    "navy": (30, 46, 104),
    "purple": (126, 62, 176),
    "pink": (240, 120, 172),
    "brown": (126, 78, 46),
    "black": (34, 34, 38),
    "white": (246, 246, 242),
    "grey": (148, 150, 156),
}
_MATCHES = {
    **COLOURS,
    "light blue": (140, 190, 245),
    "beige": (226, 206, 172),
    "magenta": (214, 40, 160),
    "dark green": (24, 92, 48),
    "mint": (160, 228, 200),
}
_MATCH_NAMES = tuple(_MATCHES)
_MATCH_RGB = np.array([_MATCHES[name] for name in _MATCH_NAMES], dtype=np.float32)


def jittered(rng: random.Random, colour: Rgb, amount: int = 12) -> Rgb:
    """Returns `colour` with each channel changed randomly by at most `amount` levels."""
    r, g, b = (max(0, min(255, channel + rng.randint(-amount, amount))) for channel in colour)
    return r, g, b


def random_colour(rng: random.Random) -> Rgb:
    """Returns a random RGB colour."""
    return rng.randrange(256), rng.randrange(256), rng.randrange(256)


def to_hex(colour: Rgb) -> str:
    """Returns a colour as "#rrggbb"."""
    return f"#{colour[0]:02x}{colour[1]:02x}{colour[2]:02x}"


def from_hex(text: str) -> Rgb:
    """Returns the colour of "#rrggbb". Raises ValueError for another text."""
    if re.fullmatch("#[0-9a-fA-F]{6}", text) is None:
        raise ValueError(f"colour: expected a colour word or #rrggbb, got {text!r}")
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def mixed(first: Rgb, second: Rgb, share: float) -> Rgb:
    """Returns the linear mix of two colours; `share` (0 to 1) is the weight of `second`."""
    r, g, b = (round(a + (c - a) * share) for a, c in zip(first, second, strict=True))
    return r, g, b


def distance(first: Rgb, second: Rgb) -> float:
    """Returns the Euclidean RGB distance of two colours, 0 to 441."""
    return math.dist(first, second)


def dominant_colour(picture: Image.Image, confidence: float = 0.5) -> str | None:
    """Returns the name of the colour that covers at least `confidence` of an RGBA picture's opaque pixels, or None."""
    pixels: NDArray[np.uint8] = np.asarray(picture.resize((16, 16), Image.Resampling.BOX)).reshape(-1, 4)
    opaque = pixels[pixels[:, 3] > 128, :3].astype(np.float32)
    if len(opaque) < 8:
        return None
    nearest = ((opaque[:, None] - _MATCH_RGB[None]) ** 2).sum(-1).argmin(1)
    counts = np.bincount(nearest, minlength=len(_MATCH_NAMES))
    best = int(counts.argmax())
    return _MATCH_NAMES[best] if counts[best] >= confidence * len(opaque) else None
