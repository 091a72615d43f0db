"""Plain grounds and studio sets. `hue` is the backdrop's colour."""

import math

from brandpress.model.nano.world.backdrop import Backdrop
from brandpress.model.nano.world.colours import Rgb, mixed
from brandpress.model.nano.world.props import BLACK, WHITE, steps


def pure_white(b: Backdrop) -> None:
    """Fill the picture with pure white."""
    b.box(0, 0, 1, 1, WHITE)


def studio(b: Backdrop, hue: Rgb) -> None:
    """Draw a plain backdrop: flat in 40 %, or with a soft light and a gentle floor. White is flat always."""
    b.box(0, 0, 1, 1, hue)
    roll = b.rng.random()
    if hue == WHITE or roll < 0.4:
        return
    if roll < 0.7:
        floor = b.rng.uniform(0.66, 0.76)
        b.gradient(0, floor, (0, mixed(hue, BLACK, 0.07)), (1, mixed(hue, WHITE, 0.1)))
        b.gradient(floor, 1, (0, mixed(hue, WHITE, 0.18)), (1, mixed(hue, BLACK, 0.04)))
        b.soften(0.03)
    else:
        b.glow(b.rng.uniform(0.3, 0.7), b.rng.uniform(0.25, 0.5), 0.6, mixed(hue, WHITE, 0.35), b.rng.uniform(0.4, 0.9))
        b.fade(0.72, 1, BLACK, 0.0, 0.12)


def _platform(b: Backdrop, x: float, y: float, reach: float, side: Rgb, top: Rgb, kind: str | None = None) -> None:
    """Draw a low round platform."""
    flat = 0.2 * b.unit_x
    high = 0.09
    b.disc(x, y + high + 0.015, reach * 1.04, mixed(side, BLACK, 0.4), flat, 0.4)
    b.disc(x, y + high, reach, side, flat)
    b.box(x - reach * b.unit_x, y, x + reach * b.unit_x, y + high, side)
    b.disc(x, y, reach, top, flat)
    if kind:
        rim = [
            (
                x + math.cos(i * math.pi / 24) * reach * b.unit_x,
                y + math.sin(i * math.pi / 24) * reach * flat * b.unit_y,
            )
            for i in range(48)
        ]
        b.shape(rim, top, kind, 0.9)


def podium(b: Backdrop, hue: Rgb) -> None:
    """Draw a wall with an arch and a low round platform."""
    b.gradient(0, 0.74, (0, mixed(hue, WHITE, 0.2)), (1, hue))
    x, tone, radius = b.rng.uniform(0.4, 0.6), mixed(hue, WHITE, 0.5), b.rng.uniform(0.26, 0.32)
    if b.rng.random() < 0.7:
        half = radius * b.unit_x
        b.disc(x + 0.012, 0.4, radius, mixed(hue, BLACK, 0.14))
        b.disc(x, 0.4, radius, tone)
        b.box(x - half, 0.4, x + half, 0.76, tone)
    else:
        b.disc(x, 0.36, radius, tone)
    b.gradient(0.74, 1, (0, mixed(hue, BLACK, 0.08)), (1, mixed(hue, BLACK, 0.2)))
    b.fade(0.74, 0.78, BLACK, 0.2, 0.0)
    _platform(b, 0.5, 0.84, 0.46 / b.unit_x, mixed(hue, BLACK, 0.12), mixed(hue, WHITE, 0.36))


def marble_podium(b: Backdrop) -> None:
    """Draw a round marble platform before a plain wall with an arch."""
    wall = b.rng.choice(
        ((232, 224, 216), (206, 214, 206), (236, 212, 206), (196, 206, 218), (70, 80, 82), (226, 206, 176))
    )
    b.surface("plaster", 0, wall, bottom=0.74, strength=0.25)
    radius = b.rng.uniform(0.24, 0.3)
    x, half = b.rng.uniform(0.42, 0.58), radius * b.unit_x
    b.disc(x + 0.012, 0.4, radius, mixed(wall, BLACK, 0.16))
    b.disc(x, 0.4, radius, mixed(wall, WHITE, 0.4))
    b.box(x - half, 0.4, x + half, 0.74, mixed(wall, WHITE, 0.4))
    b.gradient(0.74, 1, (0, mixed(wall, WHITE, 0.12)), (1, mixed(wall, BLACK, 0.12)))
    b.fade(0.74, 0.78, BLACK, 0.2, 0.0)
    stone = b.rng.choice(((238, 238, 238), (238, 238, 238), (226, 216, 204), (70, 72, 78)))
    _platform(b, 0.5, 0.83, 0.45 / b.unit_x, mixed(stone, BLACK, 0.12), stone, "marble")


def stripes(b: Backdrop, hue: Rgb) -> None:
    """Draw a wall of wide stripes."""
    second = mixed(hue, WHITE, 0.62)
    b.gradient(0, 1, (0, second), (1, second))
    step = b.rng.uniform(0.1, 0.2) / max(1.0, b.aspect)
    lean = b.rng.choice((0.0, 0.35, -0.35))
    for index in range(-10, 30):
        x = index * step * 2
        b.poly([(x, 0), (x + step, 0), (x + step - lean, 1), (x - lean, 1)], hue)
    if b.rng.random() < 0.5:
        b.gradient(0.76, 1, (0, mixed(hue, WHITE, 0.4)), (1, mixed(hue, WHITE, 0.2)))
        b.fade(0.76, 0.8, BLACK, 0.15, 0.0)


def geometric(b: Backdrop, hue: Rgb) -> None:
    """Draw cubes, columns and steps in shades of one colour."""
    b.gradient(0, 0.76, (0, mixed(hue, WHITE, 0.3)), (1, mixed(hue, WHITE, 0.12)))
    for x in steps(b, 0.16, 0.26):
        wide, tall, tone = (
            b.rng.uniform(0.1, 0.2) * b.unit_x,
            b.rng.uniform(0.12, 0.5),
            mixed(hue, b.rng.choice((WHITE, BLACK)), b.rng.uniform(0.05, 0.3)),
        )
        b.box(x, 0.78 - tall, x + wide, 0.78, tone)
        b.box(x + wide * 0.7, 0.78 - tall, x + wide, 0.78, mixed(tone, BLACK, 0.14))
        b.poly(
            [(x, 0.78 - tall), (x + wide * 0.3, 0.745 - tall), (x + wide, 0.745 - tall), (x + wide, 0.78 - tall)],
            mixed(tone, WHITE, 0.3),
        )
    b.soften(0.005, 0.78)
    b.gradient(0.76, 1, (0, mixed(hue, WHITE, 0.36)), (1, mixed(hue, WHITE, 0.1)))
    b.fade(0.76, 0.81, BLACK, 0.2, 0.0)
