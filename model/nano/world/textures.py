"""Random textures for things: fields of colours over a square canvas, the same at any resolution.

Legend: S the canvas's side in pixels; C red, green and blue from 0 to 1, first because NumPy broadcasts that fastest. A
single colour is (3, 1, 1).
"""

import colorsys
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.floating[Any]]
"""An array of float32."""
Choice = TypeVar("Choice")


@dataclass(frozen=True, slots=True)
class Canvas:
    """The coordinates of S x S pixels: x and y are SS, usually from -1 (left, top) to 1."""

    size: int
    x: Field
    y: Field

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, size: int) -> "Canvas":
        """Returns the canvas of `size` x `size` pixels."""
        axis = ((np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1).astype(np.float32)
        x_SS, y_SS = np.meshgrid(axis, axis)
        return cls(size, x_SS, y_SS)

    def framed(self, x: float, y: float, side: float) -> "Canvas":
        """Returns the square from (x, y), its upper left corner, with as many pixels."""
        scale, middle = np.float32(side / 2), side / 2
        return Canvas(self.size, self.x * scale + np.float32(x + middle), self.y * scale + np.float32(y + middle))


def pick(rng: np.random.Generator, choices: Sequence[Choice]) -> Choice:
    """Returns a random element."""
    return choices[int(rng.integers(len(choices)))]


def smooth_step(field: Field, softness: float) -> Field:
    """Returns 0 below -softness, 1 above softness, and a linear ramp between them."""
    return np.asarray(np.clip(field / (2 * softness) + 0.5, 0, 1))


def noise(rng: np.random.Generator, canvas: Canvas, cells: tuple[int, int]) -> Field:
    """Returns smooth noise of about -1 to 1. cells: random values across and down."""
    grid = rng.standard_normal((cells[1], cells[0]), dtype=np.float32) * 0.6
    return np.asarray(Image.fromarray(grid).resize((canvas.size, canvas.size), Image.Resampling.BICUBIC))


def fractal_noise(rng: np.random.Generator, canvas: Canvas, finest: int = 64, roughness: float = 0.5) -> Field:
    """Returns noise whose amplitude falls with frequency, as in photographs. roughness: the factor per octave."""
    total = np.zeros((canvas.size, canvas.size), dtype=np.float32)
    cells, amplitude = 3, 0.8
    while cells <= finest:
        total += noise(rng, canvas, (cells, cells)) * amplitude
        cells, amplitude = cells * 2, amplitude * roughness
    return total


_HUES = (0.0, 0.02, 0.06, 0.1, 0.13, 0.3, 0.38, 0.52, 0.57, 0.61, 0.65, 0.75, 0.92)
"""The hues of products and animals, of 1; red to yellow and blue are the most frequent."""


def random_rgb(rng: np.random.Generator) -> Field:
    """Returns a random colour: a neutral in 30 %, muted in 35 %, vivid in 35 %."""
    roll = rng.random()
    if roll < 0.3:
        value = pick(rng, (0.05, 0.12, 0.3, 0.55, 0.75, 0.9, 0.97))
        grey = value + rng.uniform(-0.03, 0.03, (3, 1, 1))
        return np.asarray(grey.clip(0, 1).astype(np.float32))
    muted = roll < 0.65
    hue = pick(rng, _HUES) + rng.normal(0, 0.02) if rng.random() < 0.75 else rng.random()
    saturation = rng.uniform(0.12, 0.5) if muted else rng.uniform(0.55, 0.95)
    value = rng.uniform(0.25, 0.9) if muted else rng.uniform(0.5, 0.98)
    return np.array(colorsys.hsv_to_rgb(hue % 1, saturation, value), dtype=np.float32).reshape(3, 1, 1)


def random_palette(rng: np.random.Generator) -> list[Field]:
    """Returns four colours; neighbours differ clearly."""
    palette = [random_rgb(rng)]
    while len(palette) < 4:
        colour = random_rgb(rng)
        if float(np.abs(colour - palette[-1]).sum()) > 0.5:
            palette.append(colour)
    return palette


Palette = Sequence[Field]
Texture = Callable[[np.random.Generator, Canvas, Palette], Field]


def _blend(share_SS: Field, first: Field, second: Field) -> Field:
    return first + share_SS * (second - first)


def _turned(rng: np.random.Generator, canvas: Canvas) -> Field:
    """Returns a coordinate at a random angle, often level or upright."""
    angle = pick(rng, (0.0, math.pi / 2, math.pi / 4, float(rng.uniform(0, math.pi))))
    return np.float32(math.cos(angle)) * canvas.x + np.float32(math.sin(angle)) * canvas.y


def _plain(rng: np.random.Generator, canvas: Canvas, palette: Palette) -> Field:
    return np.broadcast_to(palette[0], (3, canvas.size, canvas.size))


def _gradient(rng: np.random.Generator, canvas: Canvas, palette: Palette) -> Field:
    return _blend(np.clip(_turned(rng, canvas) * 0.6 + 0.5, 0, 1), palette[0], palette[1])


def _stripes(rng: np.random.Generator, canvas: Canvas, palette: Palette) -> Field:
    count, along = rng.uniform(2, 9), _turned(rng, canvas)
    if rng.random() < 0.35:
        along = along + noise(rng, canvas, (4, 4)) * np.float32(rng.uniform(0.05, 0.2))
    wave = np.abs((along * np.float32(count / 2) + np.float32(rng.random())) % 1 - 0.5) - np.float32(
        rng.uniform(0.15, 0.35)
    )
    return _blend(smooth_step(wave, count / canvas.size), palette[0], palette[1])


def _checks(rng: np.random.Generator, canvas: Canvas, palette: Palette) -> Field:
    count, steep = np.float32(rng.uniform(1.5, 5)), canvas.size / 8
    across, down = np.sin(canvas.x * count * np.pi), np.sin(canvas.y * count * np.pi)
    if rng.random() < 0.5:  # tartan
        light = np.clip(across * steep, -1, 1) + np.clip(down * steep, -1, 1)
        return _blend(light / 4 + 0.5, palette[0], palette[1])
    return _blend(np.clip(across * down * steep, -0.5, 0.5) + 0.5, palette[0], palette[1])


def _dots(rng: np.random.Generator, canvas: Canvas, palette: Palette) -> Field:
    count = np.float32(rng.uniform(2, 5.5))
    across, down = canvas.x * count, canvas.y * count
    across = across + np.floor(down) % 2 * 0.5
    across, down = across % 1 - 0.5, down % 1 - 0.5
    distance = np.sqrt(across * across + down * down)
    return _blend(
        smooth_step(np.float32(rng.uniform(0.15, 0.36)) - distance, float(count) / canvas.size), palette[0], palette[1]
    )


def _patches(rng: np.random.Generator, canvas: Canvas, palette: Palette) -> Field:
    cells = int(rng.integers(4, 11))
    field = noise(rng, canvas, (cells, cells))
    colours = _blend(smooth_step(field - 0.1, 4 / canvas.size), palette[0], palette[1])
    if rng.random() < 0.4:
        other = smooth_step(noise(rng, canvas, (cells, cells)) - 0.4, 4 / canvas.size)
        colours = colours + other * (palette[2] - colours)
    return colours


def _mottled(rng: np.random.Generator, canvas: Canvas, palette: Palette) -> Field:
    field = fractal_noise(rng, canvas, 64, float(rng.uniform(0.5, 0.9)))
    return _blend(np.clip(field * 0.5 + 0.4, 0, 1), palette[0], palette[1])


def _grain(rng: np.random.Generator, canvas: Canvas, palette: Palette) -> Field:
    """Returns wood, brushed metal, knitwear or fur: noise that is finer across than along."""
    long, fine = int(rng.integers(2, 9)), int(rng.integers(24, 65))
    cells = (fine, long) if rng.random() < 0.5 else (long, fine)
    field = noise(rng, canvas, cells) * np.float32(rng.uniform(0.1, 0.4))
    return _blend(np.clip(field + 0.25, 0, 1), palette[0], palette[1])


def _veins(rng: np.random.Generator, canvas: Canvas, palette: Palette) -> Field:
    """Returns marble, or the rings of wood."""
    field = fractal_noise(rng, canvas, 24, 0.6)
    wave = np.sin((_turned(rng, canvas) * np.float32(rng.uniform(1, 5)) + field) * np.float32(math.pi * 1.5))
    share = np.abs(wave)
    return _blend(pick(rng, (np.sqrt, np.abs, np.square))(share), palette[1], palette[0])


def _photograph(rng: np.random.Generator, canvas: Canvas, palette: Palette) -> Field:
    """Returns the statistics of photographs: noise of all scales in brightness, coarser noise in colour."""
    light = fractal_noise(rng, canvas, 96, float(rng.uniform(0.5, 0.75)))
    tint = _blend(smooth_step(noise(rng, canvas, (4, 4)), 0.4), palette[0], palette[1])
    if rng.random() < 0.5:
        tint = tint + smooth_step(noise(rng, canvas, (6, 6)) - 0.2, 0.25) * (palette[2] - tint)
    return np.asarray(tint * (1 + np.float32(rng.uniform(0.2, 0.6)) * light))


TEXTURES: tuple[tuple[Texture, int], ...] = (
    (_plain, 30), (_gradient, 10), (_stripes, 12), (_checks, 6), (_dots, 6), (_patches, 8), (_mottled, 7), (_grain, 9),
    (_veins, 5), (_photograph, 9),
)  # fmt: skip
_CUMULATED = np.cumsum([weight for _, weight in TEXTURES])


def random_texture(rng: np.random.Generator, canvas: Canvas, palette: Palette) -> Field:
    """Returns the colours, CSS, of a random texture."""
    index = int(np.searchsorted(_CUMULATED, rng.integers(_CUMULATED[-1]), "right"))
    return TEXTURES[index][0](rng, canvas, palette)
