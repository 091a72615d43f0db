"""Products: a kind with a pattern of two named colours and a logo."""

import hashlib
import random
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from brandpress.model.nano.world.banner import random_words
from brandpress.model.nano.world.colours import COLOURS, Rgb, distance, jittered, mixed
from brandpress.model.nano.world.kind import Kind
from brandpress.model.nano.world.kinds import KINDS
from brandpress.model.nano.world.lettering import Typeface, letter_mask
from brandpress.model.nano.world.shapes import LOGOS, Shape, draw_shape, logo_shapes

_LABELS = 0.25
"""Share of labels among products without a logo."""
_LEAST_RADIUS = 9
"""Kinds with less room than this for a logo have no labels."""
PATTERNS = ("plain", "stripes", "band", "dots", "checks", "halves")
_FIXED: dict[str, Rgb] = {
    "metal": (188, 192, 200),
    "ink": (44, 40, 46),
    "glass": (212, 226, 236),
    "paper": (246, 244, 238),
    "glow": (255, 176, 46),
    "leaf": (70, 152, 84),
    "stem": (44, 112, 66),
}


_LABEL_FACE = Typeface(0.0, 0.05, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Product:
    """One product.

    second: the pattern's colour, None if plain. logo_colour: None without a logo. label: a word on a label in place of
    the logo, None without one; captions don't mention it.
    """

    kind: int
    noun: str
    pattern: str
    colour: str
    rgb: Rgb
    second: str | None
    second_rgb: Rgb
    logo: str | None
    logo_colour: str | None
    logo_rgb: Rgb
    label: str | None = None

    @property
    def nouns(self) -> tuple[str, ...]:
        """The words for this kind in captions."""
        return KINDS[self.kind].nouns


def is_held_out(kind: str, pattern: str) -> bool:
    """Returns whether training never shows this kind with this pattern: about one combination in eight, never plain."""
    return pattern != "plain" and hashlib.sha256(f"{kind}/{pattern}".encode()).digest()[0] < 40


def _contrasting(rng: random.Random, others: list[Rgb]) -> str:
    names = [name for name, rgb in COLOURS.items() if all(distance(rgb, other) > 120 for other in others)]
    favourites = [name for name in names if name in ("white", "black", "yellow", "red", "blue")]
    return rng.choice(favourites if favourites and rng.random() < 0.5 else names)


def random_product(rng: random.Random, *, held_out: bool = False) -> Product:
    """Returns a random product. held_out: of a combination of kind and pattern that training never shows."""
    while True:
        index = rng.randrange(len(KINDS))
        pattern = rng.choices(PATTERNS, (40, 14, 12, 14, 10, 10))[0]
        if is_held_out(KINDS[index].nouns[0], pattern) == held_out:
            break
    colour = rng.choice(tuple(COLOURS))
    rgb = jittered(rng, COLOURS[colour])
    second = _contrasting(rng, [rgb])
    second_rgb = jittered(rng, COLOURS[second])
    logo = rng.choice(LOGOS) if rng.random() < (0.75 if pattern == "plain" else 0.25) else None
    logo_colour = _contrasting(rng, [rgb] if pattern == "plain" else [rgb, second_rgb])
    logo_rgb = jittered(rng, COLOURS[logo_colour])
    labelled = not logo and KINDS[index].logo[2] >= _LEAST_RADIUS and rng.random() < _LABELS
    if pattern == "plain":
        # lids, laces and pockets of plain products are a shade of the body: captions need not name a second colour
        second_rgb = mixed(rgb, (255, 255, 255) if sum(rgb) < 380 else (40, 40, 50), 0.35)
    return Product(
        kind=index,
        noun=rng.choice(KINDS[index].nouns),
        pattern=pattern,
        colour=colour,
        rgb=rgb,
        second=None if pattern == "plain" else second,
        second_rgb=second_rgb,
        logo=logo,
        logo_colour=logo_colour if logo else None,
        logo_rgb=logo_rgb,
        label=random_words(rng).split(" ")[0] if labelled else None,
    )


_FINE = 2
"""Masks are drawn at this multiple of their size; they are cached, so that it costs nothing."""


@lru_cache(maxsize=512)
def _body_mask(index: int, size: int) -> Image.Image:
    return _mask(KINDS[index].body, size)


def _mask(shapes: Iterable[Shape], size: int) -> Image.Image:
    mask = Image.new("L", (size * _FINE, size * _FINE))
    draw = ImageDraw.Draw(mask)
    for shape in shapes:
        draw_shape(draw, shape, 255, size * _FINE / 100)
    return mask.reduce(_FINE)


@lru_cache(maxsize=1024)
def _pattern_mask(index: int, pattern: str, size: int) -> Image.Image:
    """Returns the mask of the second colour, laid out over the body's bounding box."""
    kind, scale = KINDS[index], size * _FINE / 100
    x0, y0, x1, y1 = (edge * 100 / size for edge in _body_mask(index, size).getbbox() or (0, 0, size, size))
    mask = Image.new("L", (size * _FINE, size * _FINE))
    draw = ImageDraw.Draw(mask)

    def box(a: float, b: float, c: float, d: float) -> None:
        draw.rectangle((a * scale, b * scale, c * scale, d * scale), fill=255)

    if pattern == "stripes":
        count = max(5, round((x1 - x0) / 11) // 2 * 2 + 1)
        step = (x1 - x0) / count
        for i in range(1, count, 2):
            box(x0 + i * step, 0, x0 + (i + 1) * step, 100)
    elif pattern == "band":
        middle, half = kind.logo[1], max(9.0, (y1 - y0) * 0.17)
        box(0, middle - half, 100, middle + half)
    elif pattern == "dots":
        step = max(13.0, (x1 - x0) / 4)
        for row in range(-1, 9):
            for column in range(-1, 9):
                x = x0 + (column + 0.5 + 0.5 * (row % 2)) * step
                y = y0 + (row + 0.5) * step * 0.9
                reach = step * 0.28
                draw.ellipse(tuple(v * scale for v in (x - reach, y - reach, x + reach, y + reach)), fill=255)
    elif pattern == "checks":
        step = max(11.0, (x1 - x0) / 5)
        for row in range(10):
            for column in range(row % 2, 10, 2):
                box(x0 + column * step, y0 + row * step, x0 + (column + 1) * step, y0 + (row + 1) * step)
    elif pattern == "halves":
        draw.polygon([(x1 * scale, y0 * scale), (x1 * scale, y1 * scale), (x0 * scale, y1 * scale)], fill=255)
    return mask.reduce(_FINE)


@lru_cache(maxsize=256)
def _shade(index: int, size: int) -> tuple[Image.Image, Image.Image]:
    """Returns the alphas of shadow and of light, which comes from the upper left; a cylinder is lighter on its left."""
    kind = KINDS[index]
    box = _body_mask(index, size).getbbox() or (0, 0, size, size)
    shapes = (*(shape for _, shape in kind.under), *kind.body, *(shape for _, shape in kind.over))
    soft = _mask(shapes, size).filter(ImageFilter.GaussianBlur(0.03 * size))
    inner = np.pad(np.asarray(soft, dtype=np.float64) / 255, size)
    step = max(1, round(0.02 * size))

    def moved(by: int) -> NDArray[np.float64]:
        return inner[size + by : 2 * size + by, size + by : 2 * size + by]

    slope = moved(step) - moved(-step)
    down = np.clip((np.arange(size) - box[1]) / max(1, box[3] - box[1]), 0, 1)[:, None]
    shadow = 110 * np.clip(-slope, 0, 1) + 26 * down**1.5
    light = 120 * np.clip(slope, 0, 1) + 14 * (1 - down)
    if kind.round:
        across = np.clip((np.arange(size) - box[0]) / max(1, box[2] - box[0]), 0, 1)
        body = np.asarray(_body_mask(index, size), dtype=np.float32) / 255
        shadow += body * np.interp(across, (0.0, 0.14, 0.34, 0.6, 1.0), (64, 12, 0, 18, 96))[None]
        light += body * np.interp(across, (0.1, 0.2, 0.26, 0.4), (0, 84, 84, 0))[None]
    return (
        Image.fromarray(np.clip(shadow, 0, 255).astype(np.uint8)),
        Image.fromarray(np.clip(light, 0, 255).astype(np.uint8)),
    )


def _stick_label(fabric: Image.Image, product: Product, place: tuple[float, float, float], scale: float) -> None:
    """Draw a label with the product's word: a contrasting patch, or letters alone on a plain product."""
    assert product.label is not None  # noqa: S101
    x, y, radius = (value * scale for value in place)
    word = letter_mask(product.label, max(6, round(0.62 * radius)), _LABEL_FACE)
    widest = round(2.2 * radius)
    if word.width > widest:
        word = word.resize((widest, max(5, word.height * widest // word.width)), Image.Resampling.BOX)
    ink = product.logo_rgb
    if product.pattern != "plain" or len(product.label) % 2:
        half = (word.width / 2 + 0.22 * radius, word.height / 2 + 0.26 * radius)
        box = (x - half[0], y - half[1], x + half[0], y + half[1])
        ImageDraw.Draw(fabric).rounded_rectangle(box, 0.16 * radius, fill=(*product.logo_rgb, 255))
        bright = 0.299 * ink[0] + 0.587 * ink[1] + 0.114 * ink[2]
        ink = _FIXED["ink"] if bright > 120 else _FIXED["paper"]
    fabric.paste((*ink, 255), (round(x - word.width / 2), round(y - word.height / 2)), word)


def draw_product(product: Product, size: int) -> Image.Image:
    """Returns a product as an RGBA picture, drawn on a canvas of `size` pixels and trimmed."""
    kind: Kind = KINDS[product.kind]
    scale = size / 100
    paints = {
        **_FIXED,
        "body": product.rgb,
        "second": product.second_rgb,
        "dark": mixed(product.rgb, (20, 16, 30), 0.32),
        "light": mixed(product.rgb, (255, 255, 255), 0.4),
    }
    picture = Image.new("RGBA", (size, size), (*product.rgb, 0))
    draw = ImageDraw.Draw(picture)
    for paint, shape in kind.under:
        draw_shape(draw, shape, (*paints[paint], 255), scale)
    body = _body_mask(product.kind, size)
    picture.paste((*product.rgb, 255), (0, 0), body)
    fabric = Image.new("RGBA", (size, size), (*product.rgb, 255))
    if product.pattern != "plain":
        fabric.paste((*product.second_rgb, 255), (0, 0), _pattern_mask(product.kind, product.pattern, size))
    if product.logo:
        pen = ImageDraw.Draw(fabric)
        for shape in logo_shapes(product.logo, *kind.logo):
            draw_shape(pen, shape, (*product.logo_rgb, 255), scale)
    elif product.label:
        _stick_label(fabric, product, kind.logo, scale)
    picture.paste(fabric, (0, 0), body)
    for paint, shape in kind.over:
        draw_shape(draw, shape, (*paints[paint], 255), scale)
    alpha = picture.getchannel("A")
    shadow, light = _shade(product.kind, size)
    picture.paste((14, 10, 24, 255), (0, 0), shadow)
    picture.paste((255, 255, 255, 255), (0, 0), light)
    picture.putalpha(alpha)
    return picture.crop(picture.getbbox())
