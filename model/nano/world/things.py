"""Things: random objects that no word describes, so that a model has to copy them from their reference.

They vary shape, texture, light, outline and sharpness far beyond any art, so that copying doesn't depend on art
(domain randomisation, Tobin et al., https://arxiv.org/abs/1703.06907). Legend: S the canvas's side in pixels; H, W
height and width of a part's window; C red, green and blue.
"""

import math
import random
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from brandpress.model.nano.world.solids import Part, random_solid
from brandpress.model.nano.world.textures import (
    Canvas,
    Field,
    Palette,
    fractal_noise,
    pick,
    random_palette,
    random_texture,
    smooth_step,
)
from brandpress.model.nano.world.thing_nouns import THING_NOUNS

_WHITE: Field = np.array((0.95, 0.94, 0.92), dtype=np.float32).reshape(3, 1, 1)
_DARK: Field = np.array((0.07, 0.06, 0.08), dtype=np.float32).reshape(3, 1, 1)
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ&0123456789"


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing. seed: of everything that it shows. noun: an arbitrary word."""

    seed: int
    noun: str

    def draw(self, size: int) -> Image.Image:
        """Returns the thing as an RGBA picture, trimmed, with a longer side of 0.9 to 1.0 times `size` pixels.

        It shows the same at any size. The time grows with the area: about 5 ms at 120 pixels.
        """
        return _draw(np.random.default_rng(self.seed), size)


def random_thing(rng: random.Random) -> Thing:
    """Returns a random thing."""
    return Thing(rng.getrandbits(32), rng.choice(THING_NOUNS))


@dataclass(frozen=True, slots=True)
class _Light:
    """How a thing is lit. direction: unit vector (right, down, towards the viewer).

    ambient: brightness of unlit surfaces. gloss: strength of highlights; their exponent is 2 to the power of
    `sharpness`. steps: two levels of shading, as in drawings, and not smooth.
    """

    direction: tuple[float, float, float]
    ambient: float
    gloss: float
    sharpness: int
    steps: bool


def _random_light(rng: np.random.Generator, pale: bool) -> _Light:
    """Returns a random light. pale: the thing is almost white, which only shading tells from a white ground."""
    across, up = rng.uniform(-0.8, 0.8), rng.uniform(0.1, 0.7)
    length = math.sqrt(across**2 + up**2 + 1)
    glossy, shadeless = rng.random() < 0.45, rng.random() < 0.2
    return _Light(
        direction=(across / length, -up / length, 1 / length),
        ambient=1.0 if shadeless and not pale else rng.uniform(0.35, 0.75),
        gloss=rng.uniform(0.15, 0.7) if glossy else 0.0,
        sharpness=int(rng.integers(3, 7)),
        steps=rng.random() < 0.15,
    )


def _shaded(
    colours_CHW: Field, part: Part, distance_HW: Field, across_HW: Field | None, pixel: float, light: _Light
) -> Field:
    """Returns a part's colours under the light. pixel: a pixel's side in canvas units."""
    if across_HW is not None:
        nx = np.clip(across_HW, -0.98, 0.98)
        ny = np.zeros_like(nx)
    else:
        down, across = np.gradient(distance_HW, np.float32(pixel))
        rim = np.clip(1 + distance_HW / np.float32(part.bulge), 0, 0.97)
        nx, ny = across * rim, down * rim
    nz = np.sqrt(np.clip(1 - nx * nx - ny * ny, 0.02, 1))
    lx, ly, lz = (np.float32(v) for v in light.direction)
    towards = nx * lx + ny * ly
    lambert = np.clip(towards + nz * lz, 0, 1)
    if light.steps:
        lambert = np.where(lambert > 0.62, np.float32(0.95), np.float32(0.45))
    lit = colours_CHW * (np.float32(light.ambient) + np.float32(1.08 - light.ambient) * lambert)
    if light.gloss:
        # Blinn-Phong: the half vector between the light and the viewer
        spot = np.clip((towards + nz * (lz + 1)) / np.float32(math.sqrt(2 + 2 * light.direction[2])), 0, 1)
        for _ in range(light.sharpness):
            spot *= spot
        lit += spot * np.float32(light.gloss)
    return np.asarray(lit)


def _colours(rng: np.random.Generator, role: str, canvas: Canvas, palette: Palette, body_CSS: Field) -> Field:
    """Returns the colours of a part, CSS or one colour."""
    if role == "body":
        return body_CSS
    if role == "shaded":
        return body_CSS * np.float32(0.62)
    if role == "lit":
        return body_CSS * np.float32(0.8) + np.float32(0.2)
    if role == "trim":
        return random_texture(rng, canvas, (palette[2], palette[3], palette[0])) if rng.random() < 0.3 else palette[2]
    return _WHITE if role == "white" else _DARK


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _paint(colour: Field) -> tuple[int, ...]:
    return (*(int(v) for v in colour.reshape(3) * 255), 255)


def _label(rng: np.random.Generator, size: int, palette: Palette, middle: tuple[float, float], width: float) -> Field:
    """Returns a label, (4, S, S), with letters or a mark, and lines. middle, width: in canvas units."""
    paper, ink = _paint(palette[3]), _paint(palette[int(rng.integers(3))])
    size *= 2  # Pillow draws without smooth edges
    picture = Image.new("RGBA", (size, size))
    draw = ImageDraw.Draw(picture)
    x, y = (middle[0] + 1) * size / 2, (middle[1] + 1) * size / 2
    half_width, half_height = width * size / 4 * rng.uniform(0.6, 1), width * size / 4 * rng.uniform(0.3, 0.8)
    frame = (x - half_width, y - half_height, x + half_width, y + half_height)
    ground = pick(rng, ("box", "ellipse", "none", "none"))
    if ground == "box":
        draw.rounded_rectangle(frame, half_height * rng.uniform(0, 0.4), fill=paper)
    elif ground == "ellipse":
        draw.ellipse(frame, fill=paper)
    else:
        ink = paper
    if rng.random() < 0.65:
        text = "".join(pick(rng, _LETTERS) for _ in range(int(rng.integers(1, 6))))
        height = min(half_height * 1.4, 2.8 * half_width / len(text))
        draw.text((x, y), text, fill=ink, font=_font(max(4, round(height))), anchor="mm")
    else:
        corners, turn, inner = int(rng.integers(3, 9)), rng.uniform(0, 2 * math.pi), rng.uniform(0.4, 1.0)
        radius = min(half_width, half_height) * 0.7
        turns = [turn + math.pi * i / corners for i in range(2 * corners)]
        reach = (radius, radius * inner)
        draw.polygon(
            [(x + reach[i % 2] * math.cos(t), y + reach[i % 2] * math.sin(t)) for i, t in enumerate(turns)], fill=ink
        )
    if ground != "none" and rng.random() < 0.5:
        for level in (y + half_height * 0.62, y + half_height * 0.8):
            draw.line((x - half_width * 0.5, level, x + half_width * 0.5, level), fill=ink, width=max(2, size // 90))
    return np.asarray(picture.reduce(2), dtype=np.float32).transpose(2, 0, 1) / 255


def _window(distance_SS: Field, softness: float) -> tuple[slice, slice] | None:
    """Returns the rows and columns that a part covers, None if it covers nothing."""
    inside = distance_SS < softness
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    if len(rows) < 2 or len(columns) < 2:
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _labelled(
    rng: np.random.Generator, colours: Field, size: int, palette: Palette, window: tuple[slice, slice]
) -> Field:
    """Returns the colours, CSS, with a label in the middle of the window."""
    rows, columns = window
    middle = ((columns.start + columns.stop) / size - 1, (rows.start + rows.stop) / size - 1)
    width = min(columns.stop - columns.start, rows.stop - rows.start) * 2 / size
    label = _label(rng, size, palette, middle, width)
    return np.asarray(colours + label[3] * (label[:3] - colours))


_COARSE = 40


def _solid(seed: int, canvas: Canvas) -> tuple[list[Part], float]:
    """Returns the parts of a random solid, scaled to fill the canvas, and a pixel's side in their units."""
    cell = 2 / _COARSE
    sketch = random_solid(np.random.default_rng(seed), Canvas.of(_COARSE))
    inside = np.minimum.reduce([part.distance for part in sketch]) < cell
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    side = float(max(np.ptp(rows), np.ptp(columns)) + 1) * cell
    x, y = float(columns[0]) * cell - 1, float(rows[0]) * cell - 1
    return random_solid(np.random.default_rng(seed), canvas.framed(x, y, side)), side / canvas.size


def _draw(rng: np.random.Generator, size: int) -> Image.Image:
    canvas = Canvas.of(size)
    palette = random_palette(rng)
    light = _random_light(rng, pale=bool(palette[0].min() > 0.8))
    body = random_texture(rng, canvas, palette)
    outline = rng.uniform(0.015, 0.05) if rng.random() < 0.25 else 0.0
    outline_rgb = palette[0] * np.float32(pick(rng, (0.0, 0.2, 0.2)))
    blur = rng.uniform(0.006, 0.02) if rng.random() < 0.2 else 0.0
    with_label = rng.random() < 0.55
    parts, pixel = _solid(int(rng.integers(2**32)), canvas)
    softness = max(blur, pixel / 2)
    rgb = np.zeros((3, size, size), dtype=np.float32)  # premultiplied by alpha
    alpha = np.zeros((size, size), dtype=np.float32)
    for part in parts:
        window = _window(part.distance, softness)
        texture = _colours(rng, part.role, canvas, palette, body)
        if window is None:
            continue
        if part.labelled and with_label:
            texture = _labelled(rng, texture, size, palette, window)
        distance = part.distance[window]
        colours = texture[(slice(None), *window)] if texture.shape[1] == size else texture
        across = part.across[window] if part.across is not None else None
        lit = _shaded(colours, part, distance, across, pixel, light)
        if outline:
            lit += smooth_step(distance + np.float32(outline), softness) * (outline_rgb - lit)
        cover = smooth_step(-distance, softness)
        under, under_alpha = rgb[(slice(None), *window)], alpha[window]
        under += cover * (lit - under)
        under_alpha += cover * (1 - under_alpha)
    rgb /= np.maximum(alpha, np.float32(1e-3))
    if rng.random() < 0.35:  # a photograph's uneven light and grain
        rgb *= 1 + np.float32(rng.uniform(0.04, 0.14)) * fractal_noise(rng, canvas, 96, 0.7)
    pixels = np.empty((size, size, 4), dtype=np.uint8)
    pixels[..., :3] = (np.clip(rgb, 0, 1) * 255 + 0.5).transpose(1, 2, 0)
    pixels[..., 3] = alpha * 255 + 0.5
    picture = Image.fromarray(pixels)
    return picture.crop(picture.getchannel("A").point(_OPAQUE).getbbox())


_OPAQUE = [0] * 12 + [255] * 244
