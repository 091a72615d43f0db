"""The canvas that scenes are drawn on. Positions are fractions of the picture."""

import random
from collections.abc import Sequence
from functools import cache

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from brandpress.model.nano.world.colours import Rgb, mixed
from brandpress.model.nano.world.ground_textures import GROUNDS, SIDE, tone_maps

_WHITE: Rgb = (255, 255, 255)
_BLACK: Rgb = (20, 18, 28)
_NEAREST = Image.Resampling.NEAREST
Stop = tuple[float, Rgb]


class Backdrop:
    """A picture drawn at twice its size. x and y range from 0 to 1; lengths are fractions of the shorter side.

    unit_x, unit_y: the shorter side as a fraction of the width and of the height.
    """

    def __init__(self, rng: random.Random, width: int, height: int) -> None:
        self.rng = rng
        self.width, self.height = 2 * width, 2 * height
        self.short = min(self.width, self.height)
        self.aspect = width / height
        self.unit_x, self.unit_y = self.short / self.width, self.short / self.height
        self.picture = Image.new("RGB", (self.width, self.height))
        self._draw = ImageDraw.Draw(self.picture, "RGBA")

    def gradient(self, top: float, bottom: float, *stops: Stop) -> None:
        """Fill the rows from `top` to `bottom` with a gradient; a stop's position is a fraction of that range."""
        first, last = round(top * self.height), round(bottom * self.height)
        if last <= first:
            return
        at = np.linspace(0, 1, last - first)
        positions = [position for position, _ in stops]
        rows = np.stack([np.interp(at, positions, [rgb[c] for _, rgb in stops]) for c in range(3)], -1)
        band = Image.fromarray(rows[:, None].astype(np.uint8)).resize((self.width, last - first), _NEAREST)
        self.picture.paste(band, (0, first))

    def box(self, x0: float, y0: float, x1: float, y1: float, fill: Rgb, alpha: float = 1.0) -> None:
        """Draw a rectangle."""
        corners = (x0 * self.width, y0 * self.height, x1 * self.width, y1 * self.height)
        self._draw.rectangle(corners, fill=(*fill, round(255 * alpha)))

    def disc(self, x: float, y: float, radius: float, fill: Rgb, flat: float = 1.0, alpha: float = 1.0) -> None:
        """Draw a disc centred on (x, y), with its height scaled by `flat`."""
        rx, ry = radius * self.short, radius * self.short * flat
        cx, cy = x * self.width, y * self.height
        self._draw.ellipse((cx - rx, cy - ry, cx + rx, cy + ry), fill=(*fill, round(255 * alpha)))

    def poly(self, points: Sequence[tuple[float, float]], fill: Rgb, alpha: float = 1.0) -> None:
        """Draw a polygon."""
        path = [(x * self.width, y * self.height) for x, y in points]
        self._draw.polygon(path, fill=(*fill, round(255 * alpha)))

    def line(self, points: Sequence[tuple[float, float]], fill: Rgb, width: float = 0.01, alpha: float = 1.0) -> None:
        """Draw a polyline."""
        path = [(x * self.width, y * self.height) for x, y in points]
        colour = (*fill, round(255 * alpha))
        self._draw.line(path, fill=colour, width=max(1, round(width * self.short)), joint="curve")

    def arc(self, x: float, y: float, radius: float, start: float, end: float, fill: Rgb, width: float = 0.01) -> None:
        """Draw an arc between two angles in degrees."""
        r, cx, cy = radius * self.short, x * self.width, y * self.height
        box = (cx - r, cy - r, cx + r, cy + r)
        self._draw.arc(box, start, end, fill=fill, width=max(1, round(width * self.short)))

    def texture(
        self,
        kind: str,
        box: tuple[float, float, float, float],
        dark: Rgb,
        light: Rgb,
        strength: float = 1.0,
        zoom: float = 1.0,
        mask: Image.Image | None = None,
    ) -> None:
        """Darken and lighten a box (x0, y0, x1, y1) with a texture towards two colours.

        zoom enlarges the texture. mask: an L picture of the box's pixels; the texture is drawn only where it is white.
        """
        left, top, right, bottom = self.pixels(box)
        width, height = right - left, bottom - top
        if width < 1 or height < 1:
            return
        at_x, at_y, flip = self.rng.random(), self.rng.random(), self.rng.random() < 0.5
        for tones, colour in zip(tone_maps(kind), (dark, light), strict=True):
            if tones is None:
                continue
            texels = SIDE / 2 / zoom / self.short
            if kind in GROUNDS:
                wide, high = min(SIDE, SIDE / 2 * (box[2] - box[0]) * max(1.0, self.aspect)), float(tones.height)
                start = (SIDE - wide) * (0.3 + 0.4 * at_x)
            else:
                wide, high = min(tones.width, width * texels), min(tones.height, height * texels)
                start = (tones.width - wide) * at_x
            low = (tones.height - high) * at_y
            sampling = _NEAREST if width > 0.7 * wide else Image.Resampling.BOX
            part = tones.resize((width, height), sampling, box=(start, low, start + wide, low + high))
            if flip:
                part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            if strength != 1.0:
                part = part.point(_scaled(strength))
            self.picture.paste(colour, (left, top), ImageChops.multiply(part, mask) if mask else part)

    def surface(
        self,
        kind: str,
        top: float,
        fill: Rgb,
        *,
        bottom: float = 1.0,
        strength: float = 0.6,
        far: float = 0.12,
        zoom: float = 1.0,
    ) -> None:
        """Fill the rows from `top` to `bottom` with a textured colour; it is lighter by `far` at the top."""
        self.gradient(top, bottom, (0, mixed(fill, _WHITE, far)), (1, mixed(fill, _BLACK, far * 0.6)))
        dark, light = mixed(fill, _BLACK, 0.5), mixed(fill, _WHITE, 0.5)
        self.texture(kind, (0, top, 1, bottom), dark, light, strength, zoom)

    def shape(self, points: Sequence[tuple[float, float]], fill: Rgb, kind: str, strength: float = 0.6) -> None:
        """Draw a polygon filled with a textured colour."""
        xs, ys = [min(1.0, max(0.0, x)) for x, _ in points], [min(1.0, max(0.0, y)) for _, y in points]
        box = (min(xs), min(ys), max(xs), max(ys))
        left, top, right, bottom = self.pixels(box)
        if right - left < 1 or bottom - top < 1:
            return
        mask = Image.new("L", (right - left, bottom - top))
        path = [(x * self.width - left, y * self.height - top) for x, y in points]
        ImageDraw.Draw(mask).polygon(path, fill=255)
        self.picture.paste(fill, (left, top), mask)
        self.texture(kind, box, mixed(fill, _BLACK, 0.55), mixed(fill, _WHITE, 0.45), strength, mask=mask)

    def ridge(
        self,
        base: float,
        height: float,
        fill: Rgb,
        kind: str = "rock",
        *,
        peaks: int = 4,
        rough: float = 0.5,
        strength: float = 0.5,
        bottom: float | None = None,
    ) -> list[tuple[float, float]]:
        """Draw a jagged textured ridge that rises up to `height` above `base`; returns its upper edge.

        bottom: its lower edge, 0.1 below `base` by default.
        """
        across = np.linspace(0, 1, 97)
        edge, size, share = np.zeros(97), 1.0, peaks + 1
        while share < 100:
            knots = [self.rng.random() for _ in range(share)]
            edge += size * np.interp(across, np.linspace(0, 1, share), knots)
            size, share = size * rough, share * 2
        edge = base - height * (edge - edge.min()) / max(1e-6, float(np.ptp(edge)))
        points = list(zip(across.tolist(), edge.tolist(), strict=True))
        low = base + 0.1 if bottom is None else bottom
        self.shape([(0.0, low), *points, (1.0, low)], fill, kind, strength)
        return points

    def fade(self, top: float, bottom: float, colour: Rgb, first: float, last: float) -> None:
        """Cover the rows from `top` to `bottom` with a colour whose opacity goes from `first` to `last`."""
        _, start, _, end = self.pixels((0, top, 1, bottom))
        if end <= start:
            return
        rows = np.linspace(255 * first, 255 * last, end - start).astype(np.uint8)
        mask = Image.fromarray(rows[:, None]).resize((self.width, end - start), _NEAREST)
        self.picture.paste(colour, (0, start), mask)

    def mirror(self, line: float, colour: Rgb, share: float) -> None:
        """Fill the rows below `line` with the mirrored rows above it, mixed with a colour."""
        _, start, _, end = self.pixels((0, line, 1, 1))
        rows = min(start, end - start)
        above = self.picture.crop((0, start - rows, self.width, start)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        above = above.resize((self.width, end - start))
        self.picture.paste(Image.blend(above, Image.new("RGB", above.size, colour), share), (0, start))

    def pixels(self, box: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
        """Returns the pixels of a box given in fractions, clipped to the picture: left, top, right, bottom."""
        x0, y0, x1, y1 = (
            round(min(1.0, max(0.0, value)) * side)
            for value, side in zip(box, (self.width, self.height) * 2, strict=True)
        )
        return x0, y0, x1, y1

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
        mask = _SPOT.resize((side, side), Image.Resampling.BILINEAR).point(_scaled(strength))
        corner = (round(x * self.width - side / 2), round(y * self.height - side / 2))
        self.picture.paste(colour, corner, mask)

    def soften(self, radius: float, bottom: float = 1.0) -> None:
        """Blur everything drawn so far above `bottom`."""
        step = max(2, round(radius * self.short))
        _, _, _, rows = self.pixels((0, 0, 1, bottom))
        area = (0, 0, self.width, rows)
        small = self.picture.reduce(step, area)
        self.picture.paste(small.resize((area[2], area[3]), Image.Resampling.BILINEAR), (0, 0))

    def finish(self, shade: float = 0.0) -> Image.Image:
        """Returns the picture at its final size, its corners darkened by `shade` (0 to 1)."""
        picture = self.picture.reduce(2)
        if shade > 0:
            mask = _CORNERS.resize(picture.size, Image.Resampling.BILINEAR).point(_scaled(shade))
            picture.paste(_BLACK, (0, 0), mask)
        return picture


@cache
def _scaled(strength: float) -> list[int]:
    return [min(255, round(v * strength)) for v in range(256)]


def spot(power: float) -> Image.Image:
    """Returns a 64 x 64 mask that fades from 255 at its centre to 0 at its rim."""
    across = np.linspace(-1, 1, 64)
    reach = np.sqrt(across[:, None] ** 2 + across[None] ** 2)
    return Image.fromarray((255 * np.clip(1 - reach, 0, 1) ** power).astype(np.uint8))


def _corners() -> Image.Image:
    """Returns a 64 x 64 mask that rises smoothly from 0 around its centre to 255 in its corners."""
    across = np.linspace(-1, 1, 64) ** 2
    reach = (across[:, None] + across[None]) / 2
    return Image.fromarray((255 * reach**1.5).astype(np.uint8))


_SPOT = spot(1.5)
_CORNERS = _corners()
