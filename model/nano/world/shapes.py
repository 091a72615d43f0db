"""Shapes as plain tuples on a canvas of 100 x 100 units, drawn with Pillow at any scale."""

import math
from collections.abc import Sequence

from PIL import ImageDraw

Point = tuple[float, float]
Shape = tuple[object, ...]
"""("ellipse", x0, y0, x1, y1), ("box", x0, y0, x1, y1, radius), ("poly", (x, y), ...), ("blob", (x, y), ...), which is
a polygon with round corners, ("line", width, (x, y), ...) or ("ring", x0, y0, x1, y1, width)."""


def _points(values: Sequence[object], scale: float, dx: float = 0.0, dy: float = 0.0) -> list[Point]:
    points: list[Point] = []
    for value in values:
        assert isinstance(value, tuple)  # noqa: S101
        points.append(((value[0] + dx) * scale, (value[1] + dy) * scale))
    return points


def _smoothed(points: list[Point]) -> list[Point]:
    """Returns the closed Catmull-Rom curve through the points, six segments for each."""
    curve: list[Point] = []
    count = len(points)
    for index in range(count):
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = (points[(index + step) % count] for step in (-1, 0, 1, 2))
        for step in range(6):
            t = step / 6
            first, second = -0.5 * t**3 + t**2 - 0.5 * t, 1.5 * t**3 - 2.5 * t**2 + 1
            third, fourth = -1.5 * t**3 + 2 * t**2 + 0.5 * t, 0.5 * t**3 - 0.5 * t**2
            x = first * ax + second * bx + third * cx + fourth * dx
            y = first * ay + second * by + third * cy + fourth * dy
            curve.append((x, y))
    return curve


def draw_shape(draw: ImageDraw.ImageDraw, shape: Shape, fill: int | tuple[int, ...], scale: float) -> None:
    """Draw one shape with `scale` pixels per unit. Raises ValueError for an unknown shape."""
    name, *values = shape
    if name == "poly":
        draw.polygon(_points(values, scale), fill=fill)
        return
    if name == "blob":
        draw.polygon(_smoothed(_points(values, scale)), fill=fill)
        return
    if name == "line":
        width = max(1, round(float(str(values[0])) * scale))
        points = _points(values[1:], scale)
        draw.line(points, fill=fill, width=width, joint="curve")
        radius = width / 2 - 0.5
        for x, y in (points[0], points[-1]):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)
        return
    numbers = [float(str(value)) * scale for value in values]
    if name == "ellipse":
        draw.ellipse(tuple(numbers[:4]), fill=fill)
    elif name == "box":
        draw.rounded_rectangle(tuple(numbers[:4]), radius=numbers[4], fill=fill)
    elif name == "ring":
        draw.ellipse(tuple(numbers[:4]), outline=fill, width=max(1, round(numbers[4])))
    else:
        raise ValueError(f"shape: unknown shape {name!r}; allowed: blob, box, ellipse, line, poly, ring")


def star(x: float, y: float, radius: float, tips: int = 5, inner: float = 0.45) -> Shape:
    """Returns a star around (x, y) with one tip pointing up."""
    corners = []
    for index in range(2 * tips):
        angle = math.pi * index / tips - math.pi / 2
        reach = radius if index % 2 == 0 else radius * inner
        corners.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
    return ("poly", *corners)


def heart(x: float, y: float, radius: float) -> Shape:
    """Returns a heart around (x, y); curve: https://mathworld.wolfram.com/HeartCurve.html."""
    corners = []
    for index in range(36):
        t = 2 * math.pi * index / 36
        across = 16 * math.sin(t) ** 3
        up = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        corners.append((x + across * radius / 16, y - (up + 2) * radius / 16))
    return ("poly", *corners)


def moon(x: float, y: float, radius: float) -> Shape:
    """Returns a crescent open to the right."""
    outer = [math.pi * (0.28 + 1.44 * index / 20) for index in range(21)]
    corners = [(x + radius * math.cos(a), y + radius * math.sin(a)) for a in outer]
    start, end = corners[-1], corners[0]
    for index in range(1, 14):
        share = index / 14
        px, py = start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
        corners.append((px - radius * 0.95 * math.sin(math.pi * share), py))
    return ("poly", *corners)


def logo_shapes(name: str, x: float, y: float, radius: float) -> tuple[Shape, ...]:
    """Returns the shapes of a logo around (x, y). Raises ValueError for an unknown logo."""
    r = radius
    if name == "star":
        return (star(x, y, r * 1.15),)
    if name == "heart":
        return (heart(x, y, r),)
    if name == "circle":
        return (("ellipse", x - r * 0.9, y - r * 0.9, x + r * 0.9, y + r * 0.9),)
    if name == "triangle":
        return (("poly", (x, y - r), (x + r, y + r * 0.8), (x - r, y + r * 0.8)),)
    if name == "square":
        return (("box", x - r * 0.8, y - r * 0.8, x + r * 0.8, y + r * 0.8, 0),)
    if name == "moon":
        return (moon(x + r * 0.15, y, r),)
    if name == "bolt":
        zigzag = ((0.25, -1.15), (-0.75, 0.2), (-0.1, 0.2), (-0.3, 1.15), (0.75, -0.25), (0.1, -0.25))
        return (("poly", *((x + px * r, y + py * r) for px, py in zigzag)),)
    if name == "leaf":
        side = [(math.sin(math.pi * i / 12) * 0.6, i / 12 * 2 - 1) for i in range(13)]
        tilted = [(a * 0.8 - b * 0.6, a * 0.6 + b * 0.8) for a, b in side + [(-a, b) for a, b in reversed(side)]]
        return (("poly", *((x + a * r, y + b * r) for a, b in tilted)),)
    raise ValueError(f"logo: unknown logo {name!r}; allowed: {', '.join(LOGOS)}")


LOGOS = ("star", "heart", "circle", "triangle", "square", "moon", "bolt", "leaf")
