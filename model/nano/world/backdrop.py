"""The canvas that scenes are drawn on. Positions are fractions of the picture."""

import random
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from brandpress.model.nano.world.colours import Rgb

Stop = tuple[float, Rgb]


class Backdrop:
    """A picture drawn at twice its size. x and y range from 0 to 1; lengths are fractions of the shorter side."""

    def __init__(self, rng: random.Random, width: int, height: int) -> None:
        self.rng = rng
        self.width, self.height = 2 * width, 2 * height
        self.short = min(self.width, self.height)
        self.aspect = width / height
        self.picture = Image.new("RGB", (self.width, self.height))
        self._draw = ImageDraw.Draw(self.picture)

    def gradient(self, top: float, bottom: float, *stops: Stop) -> None:
        """Fill the rows from `top` to `bottom` with a gradient; a stop's position is a fraction of that range."""
        first, last = round(top * self.height), round(bottom * self.height)
        if last <= first:
            return
        at = np.linspace(0, 1, last - first)
        positions = [position for position, _ in stops]
        rows = np.stack([np.interp(at, positions, [rgb[c] for _, rgb in stops]) for c in range(3)], -1)
        band = Image.fromarray(rows[:, None].astype(np.uint8)).resize((self.width, last - first))
        self.picture.paste(band, (0, first))

    def box(self, x0: float, y0: float, x1: float, y1: float, fill: Rgb) -> None:
        """Draw a rectangle."""
        self._draw.rectangle((x0 * self.width, y0 * self.height, x1 * self.width, y1 * self.height), fill=fill)

    def disc(self, x: float, y: float, radius: float, fill: Rgb, flat: float = 1.0) -> None:
        """Draw a disc centred on (x, y), with its height scaled by `flat`."""
        rx, ry = radius * self.short, radius * self.short * flat
        cx, cy = x * self.width, y * self.height
        self._draw.ellipse((cx - rx, cy - ry, cx + rx, cy + ry), fill=fill)

    def poly(self, points: Sequence[tuple[float, float]], fill: Rgb) -> None:
        """Draw a polygon."""
        self._draw.polygon([(x * self.width, y * self.height) for x, y in points], fill=fill)

    def line(self, points: Sequence[tuple[float, float]], fill: Rgb, width: float = 0.01) -> None:
        """Draw a polyline."""
        path = [(x * self.width, y * self.height) for x, y in points]
        self._draw.line(path, fill=fill, width=max(1, round(width * self.short)), joint="curve")

    def arc(self, x: float, y: float, radius: float, start: float, end: float, fill: Rgb, width: float = 0.01) -> None:
        """Draw an arc between two angles in degrees."""
        r, cx, cy = radius * self.short, x * self.width, y * self.height
        box = (cx - r, cy - r, cx + r, cy + r)
        self._draw.arc(box, start, end, fill=fill, width=max(1, round(width * self.short)))

    def cloud(self, x: float, y: float, size: float, fill: Rgb) -> None:
        """Draw a cloud that is about three times `size` wide."""
        for dx, dy, part in ((-1.0, 0.15, 0.6), (-0.3, -0.2, 0.85), (0.5, -0.05, 0.7), (1.1, 0.2, 0.5)):
            step_x, step_y = dx * size * self.short / self.width, dy * size * self.short / self.height
            self.disc(x + step_x, y + step_y, size * part, fill)
        rx, ry = 1.5 * size * self.short / self.width, size * self.short / self.height
        self.box(x - rx * 0.8, y + ry * 0.2, x + rx * 0.8, y + ry * 0.68, fill)

    def hill(self, base: float, height: float, fill: Rgb, waves: float = 1.0) -> None:
        """Draw rolling ground whose upper edge varies by `height` around `base`."""
        phase, other = self.rng.random() * 6.28, self.rng.random() * 6.28
        across = np.linspace(0, 1, 25)
        edge = base - height * (0.7 * np.sin(across * 6.28 * waves + phase) + 0.3 * np.sin(across * 15 * waves + other))
        self.poly([(0.0, 1.0), *zip(across.tolist(), edge.tolist(), strict=True), (1.0, 1.0)], fill)

    def glow(self, x: float, y: float, radius: float, colour: Rgb, strength: float = 1.0) -> None:
        """Draw a soft round light."""
        side = max(2, round(2 * radius * self.short))
        mask = _SPOT.resize((side, side)).point([round(v * strength) for v in range(256)])
        corner = (round(x * self.width - side / 2), round(y * self.height - side / 2))
        self.picture.paste(colour, corner, mask)

    def soften(self, radius: float) -> None:
        """Blur everything drawn so far."""
        step = max(2, round(radius * self.short))
        small = self.picture.reduce(step)
        self.picture = small.resize(self.picture.size, Image.Resampling.BICUBIC)
        self._draw = ImageDraw.Draw(self.picture)

    def finish(self) -> Image.Image:
        """Returns the picture at its final size."""
        return self.picture.reduce(2)


def spot(power: float) -> Image.Image:
    """Returns a 64 x 64 mask that fades from 255 at its centre to 0 at its rim."""
    across = np.linspace(-1, 1, 64)
    reach = np.sqrt(across[:, None] ** 2 + across[None] ** 2)
    return Image.fromarray((255 * np.clip(1 - reach, 0, 1) ** power).astype(np.uint8))


_SPOT = spot(1.5)
