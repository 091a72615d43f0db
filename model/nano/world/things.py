"""Things: random objects that no word describes, so that a model has to copy them from their reference.

They vary shape, texture, light, outline and sharpness far beyond any art, so that copying doesn't depend on art
(domain randomisation, Tobin et al., https://arxiv.org/abs/1703.06907).
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

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ&0123456789"


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing. seed: of everything that it shows. noun: an arbitrary word."""

    seed: int
    noun: str

    def draw(self, size: int) -> Image.Image:
        """Returns the thing as an RGBA picture, drawn on a canvas of `size` pixels and trimmed.

        It shows the same at any size. The time grows with the area: 3 ms at 120 pixels.
        """
        return _draw(np.random.default_rng(self.seed), size)


def random_thing(rng: random.Random) -> Thing:
    """Returns a random thing."""
    return Thing(rng.getrandbits(32), rng.choice(THING_NOUNS))


@dataclass(frozen=True, slots=True)
class _Light:
    """How a thing is lit. direction: unit vector (right, down, towards the viewer).

    ambient: brightness of unlit surfaces. gloss: strength of highlights. steps: levels of shading, 0 for smooth.
    """

    direction: tuple[float, float, float]
    ambient: float
    gloss: float
    shininess: float
    steps: int


def _random_light(rng: np.random.Generator) -> _Light:
    across, up = rng.uniform(-0.8, 0.8), rng.uniform(0.1, 0.7)
    length = math.sqrt(across**2 + up**2 + 1)
    glossy = rng.random() < 0.45
    return _Light(
        direction=(across / length, -up / length, 1 / length),
        ambient=rng.uniform(0.35, 0.75) if rng.random() < 0.8 else 1.0,
        gloss=rng.uniform(0.15, 0.7) if glossy else 0.0,
        shininess=rng.uniform(8, 60),
        steps=2 if rng.random() < 0.15 else 0,
    )


def _shaded(colours: Field, part: Part, canvas: Canvas, light: _Light) -> Field:
    """Returns a part's colours, (S, S, 3), under the light."""
    if part.across_SS is not None:
        nx = np.clip(part.across_SS, -0.98, 0.98)
        ny = np.zeros_like(nx)
    else:
        down, across = np.gradient(part.distance_SS, np.float32(2 / canvas.size))
        rim = np.clip(1 + part.distance_SS / np.float32(part.bulge), 0, 0.97)
        nx, ny = across * rim, down * rim
    flat = np.clip(nx * nx + ny * ny, 0, 0.98)
    nz = np.sqrt(1 - flat)
    lx, ly, lz = (np.float32(v) for v in light.direction)
    lambert = np.clip(nx * lx + ny * ly + nz * lz, 0, 1)
    if light.steps:
        lambert = np.where(lambert > 0.62, np.float32(0.95), np.float32(0.45))
    shade = np.float32(light.ambient) + np.float32(1.08 - light.ambient) * lambert
    lit = colours * shade[..., None]
    if light.gloss:
        # Blinn-Phong: the half vector between the light and the viewer
        half = math.sqrt(2 + 2 * light.direction[2])
        spot = np.clip((nx * lx + ny * ly + nz * (lz + 1)) / np.float32(half), 0, 1) ** np.float32(light.shininess)
        lit = lit + (spot * np.float32(light.gloss))[..., None]
    return np.asarray(lit)


def _colours(rng: np.random.Generator, role: str, canvas: Canvas, palette: Palette, body: Field) -> Field:
    if role == "body":
        return body
    if role == "shaded":
        return body * np.float32(0.62)
    if role == "lit":
        return body * np.float32(0.8) + np.float32(0.2)
    if role == "trim":
        return random_texture(rng, canvas, (palette[2], palette[3], palette[0])) if rng.random() < 0.3 else palette[2]
    if role == "white":
        return np.array((0.95, 0.94, 0.92), dtype=np.float32)
    return np.array((0.07, 0.06, 0.08), dtype=np.float32)


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _label(rng: np.random.Generator, canvas: Canvas, palette: Palette, middle: tuple[float, float], width: float) -> Field:
    """Returns a label, (S, S, 4), with some letters, lines or a mark. middle, width: in canvas units."""
    size = canvas.size
    paper, ink = ((v * 255).astype(int) for v in (palette[3], palette[pick(rng, (0, 1, 2))]))
    picture = Image.new("RGBA", (size, size))
    draw = ImageDraw.Draw(picture)
    x, y = (middle[0] + 1) * size / 2, (middle[1] + 1) * size / 2
    half_width, half_height = width * size / 4 * rng.uniform(0.6, 1), width * size / 4 * rng.uniform(0.3, 0.8)
    frame = (x - half_width, y - half_height, x + half_width, y + half_height)
    paint = (*(int(v) for v in paper), 255)
    kind = pick(rng, ("box", "ellipse", "none", "none"))
    if kind == "box":
        draw.rounded_rectangle(frame, half_height * rng.uniform(0, 0.4), fill=paint)
    elif kind == "ellipse":
        draw.ellipse(frame, fill=paint)
    else:
        ink = (palette[3] * 255).astype(int)
    pen = (*(int(v) for v in ink), 255)
    if rng.random() < 0.65:
        text = "".join(pick(rng, _LETTERS) for _ in range(int(rng.integers(1, 6))))
        height = min(half_height * 1.2, 2.4 * half_width / len(text))
        draw.text((x, y), text, fill=pen, font=_font(max(4, round(height))), anchor="mm")
    else:
        r = min(half_width, half_height) * 0.7
        corners, turn = int(rng.integers(3, 9)), rng.uniform(0, 6.3)
        if rng.random() < 0.4:
            draw.ellipse((x - r, y - r, x + r, y + r), fill=pen)
        else:
            steps = [turn + math.pi * i / corners for i in range(2 * corners)]
            reach = (r, r * rng.uniform(0.4, 0.9))
            draw.polygon(
                [(x + reach[i % 2] * math.cos(t), y + reach[i % 2] * math.sin(t)) for i, t in enumerate(steps)],
                fill=pen,
            )
    if kind != "none" and rng.random() < 0.5:
        for line in (0.62, 0.8):
            level = y + half_height * line
            draw.line((x - half_width * 0.5, level, x + half_width * 0.5, level), fill=pen, width=max(1, size // 90))
    return np.asarray(picture, dtype=np.float32) / 255


def _draw(rng: np.random.Generator, size: int) -> Image.Image:
    canvas = Canvas.of(size)
    palette = random_palette(rng)
    light = _random_light(rng)
    body = random_texture(rng, canvas, palette)
    outline = rng.uniform(0.015, 0.05) if rng.random() < 0.25 else 0.0
    outline_rgb = palette[0] * np.float32(0.2 if rng.random() < 0.6 else 0.0)
    softness = rng.uniform(0.7, 1.0) / size if rng.random() < 0.8 else rng.uniform(0.006, 0.02)
    label_chance, seed = rng.random(), int(rng.integers(2**32))
    parts = random_solid(rng, canvas)
    details = np.random.default_rng(seed)
    rgb = np.zeros((size, size, 3), dtype=np.float32)
    alpha = np.zeros((size, size), dtype=np.float32)
    for part in parts:
        cover = smooth_step(-part.distance_SS, softness)
        colours = _colours(details, part.role, canvas, palette, body)
        if part.labelled and label_chance < 0.55:
            rows, columns = np.nonzero(cover[:: max(1, size // 40), :: max(1, size // 40)] > 0.5)
            if len(rows) > 12:
                unit = 2 * max(1, size // 40) / size
                x0, x1, y0, y1 = columns.min(), columns.max(), rows.min(), rows.max()
                middle = (float(x0 + x1) / 2 * unit - 1, float(y0 + y1) / 2 * unit - 1)
                label = _label(details, canvas, palette, middle, float(min(x1 - x0, y1 - y0)) * unit)
                share = label[..., 3:]
                colours = colours * (1 - share) + label[..., :3] * share
        lit = _shaded(np.broadcast_to(colours, rgb.shape), part, canvas, light) if part.role != "glossy" else colours
        if outline:
            line = smooth_step(part.distance_SS + np.float32(outline), softness)[..., None]
            lit = lit + line * (outline_rgb - lit)
        rgb += cover[..., None] * (lit - rgb)
        alpha += cover * (1 - alpha)
        if part.role == "glossy":
            glint = smooth_step(-(part.distance_SS + np.float32(0.02)), softness) * (canvas.y_SS < -0.3)
            rgb += (glint * np.float32(0.0))[..., None]
    rgb /= np.maximum(alpha, np.float32(1e-3))[..., None]
    if details.random() < 0.35:  # a photograph's uneven light and grain
        rgb *= (1 + np.float32(details.uniform(0.04, 0.14)) * fractal_noise(details, canvas, 96, 0.7))[..., None]
    pixels = np.dstack([rgb, alpha])
    picture = Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8))
    return picture.crop(picture.getchannel("A").point(_OPAQUE).getbbox())


_OPAQUE = [0] * 12 + [255] * 244
