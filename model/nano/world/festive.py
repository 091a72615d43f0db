"""Festivities and lights in the dark."""

import math

from brandpress.model.nano.world.backdrop import Backdrop
from brandpress.model.nano.world.colours import Rgb, jittered, mixed
from brandpress.model.nano.world.props import BLACK, BRIGHT, WHITE, bulbs, fir, lights, pennants, steps, table


def _pumpkins(b: Backdrop, y: float, sides: tuple[float, ...]) -> None:
    """Draw carved pumpkins standing at `y`."""
    for x in sides:
        r = b.rng.uniform(0.065, 0.09)
        for part in (-0.5, 0.5, 0.0):
            b.disc(x + part * r * b.unit_x, y - r * 0.75 * b.unit_y, r * 0.8, jittered(b.rng, (236, 122, 30), 8), 0.95)
        b.line([(x, y - r * 1.45 * b.unit_y), (x + 0.01, y - r * 1.8 * b.unit_y)], (84, 110, 50), 0.02)
        glow: Rgb = (255, 222, 90)
        for dx in (-0.4, 0.4):
            cx, cy = x + dx * r * b.unit_x, y - r * b.unit_y
            b.poly(
                [
                    (cx - 0.22 * r * b.unit_x, cy + 0.15 * r * b.unit_y),
                    (cx, cy - 0.25 * r * b.unit_y),
                    (cx + 0.22 * r * b.unit_x, cy + 0.15 * r * b.unit_y),
                ],
                glow,
            )
        grin = [
            (x + math.cos(a) * r * 0.65 * b.unit_x, y - r * (0.62 - 0.4 * math.sin(a)) * b.unit_y)
            for a in (0.0, 0.6, 1.2, 1.9, 2.5, 3.14)
        ]
        b.poly(grin, glow)
        b.glow(x, y - r * 0.7 * b.unit_y, r * 2, (255, 170, 60), 0.35)


def halloween(b: Backdrop) -> None:
    """Draw a foggy night with a full moon, bare trees, bats and pumpkins."""
    ground = b.rng.uniform(0.6, 0.66)
    b.gradient(0, ground, (0, jittered(b.rng, (36, 20, 62))), (1, jittered(b.rng, (150, 74, 90))))
    b.texture("clouds", (0, 0, 1, ground), BLACK, (190, 110, 90), 0.4)
    x = b.rng.uniform(0.25, 0.75)
    b.glow(x, 0.22, 0.32, (255, 214, 140), 0.8)
    b.disc(x, 0.22, 0.12, (255, 232, 176))
    b.ridge(ground, 0.1, (44, 28, 60), "rock", peaks=4, strength=0.2)
    for side in (0.06, 0.94):
        top = ground - b.rng.uniform(0.4, 0.5)
        b.line([(side, ground + 0.04), (side + 0.01, ground - 0.2), (side, top)], (24, 16, 32), 0.03)
        for _ in range(7):
            y, reach = b.rng.uniform(top, ground - 0.1), b.rng.uniform(0.06, 0.16) * b.rng.choice((-1, 1)) * b.unit_x
            b.line([(side, y), (side + reach * 0.6, y - 0.05), (side + reach, y - 0.12)], (24, 16, 32), 0.01)
    for _ in range(5):
        bx, by, s = b.rng.random(), b.rng.uniform(0.08, 0.4), b.rng.uniform(0.02, 0.04)
        wings = (
            (-1.4, -0.5),
            (-0.5, -0.3),
            (0, 0.1),
            (0.5, -0.3),
            (1.4, -0.5),
            (0.9, 0.3),
            (0.4, 0.15),
            (0, 0.6),
            (-0.4, 0.15),
            (-0.9, 0.3),
        )
        b.poly([(bx + dx * s * b.unit_x, by + dy * s * b.unit_y) for dx, dy in wings], (20, 14, 28))
    b.surface("grass", ground, jittered(b.rng, (64, 50, 62)), far=0.12, strength=0.9)
    b.fade(ground - 0.06, ground + 0.12, (170, 110, 120), 0.35, 0.0)
    _pumpkins(b, ground + 0.1, b.rng.choice(((0.1, 0.9), (0.08, 0.2, 0.92), (0.12, 0.82, 0.94))))


def bokeh(b: Backdrop) -> None:
    """Draw blurred lights in the dark above a dark table."""
    hue = b.rng.choice(((34, 22, 42), (20, 26, 52), (46, 26, 22), (20, 40, 40)))
    b.gradient(0, 1, (0, jittered(b.rng, hue)), (1, mixed(hue, (120, 70, 60), 0.4)))
    warm: tuple[Rgb, ...] = ((255, 200, 110), (255, 150, 90), (250, 120, 160), (255, 230, 170), (120, 180, 240))
    lights(b, b.rng.randint(18, 30), warm, 0.0, 0.7, 0.025, 0.08)
    b.soften(0.006, 0.76)
    top = b.rng.uniform(0.72, 0.78)
    table(b, top, mixed(hue, (150, 104, 80), 0.5), b.rng.choice(("wood", "plaster")), 0.5)


def party(b: Backdrop) -> None:
    """Draw confetti, streamers and balloons above a bright floor."""
    floor = b.rng.uniform(0.7, 0.76)
    paint = jittered(
        b.rng, b.rng.choice(((250, 226, 170), (196, 224, 246), (250, 206, 220), (206, 236, 214), (120, 90, 170)))
    )
    b.gradient(0, floor, (0, paint), (1, mixed(paint, WHITE, 0.4)))
    lights(b, 10, (WHITE, (255, 240, 190)), 0.0, 0.7, 0.03, 0.08)
    b.soften(0.02, floor)
    _balloons(b, b.rng.randint(3, 5))
    b.gradient(floor, 1, (0, mixed(paint, WHITE, 0.25)), (1, mixed(paint, BLACK, 0.12)))
    for _ in range(90):
        x, y, s, turn = b.rng.random(), b.rng.random(), b.rng.uniform(0.008, 0.016), b.rng.random() < 0.5
        dx, dy = (s, s * 0.5) if turn else (s * 0.5, s)
        b.poly(
            [(x - dx * b.unit_x, y), (x, y - dy * b.unit_y), (x + dx * b.unit_x, y), (x, y + dy * b.unit_y)],
            b.rng.choice(BRIGHT),
        )


def _balloons(b: Backdrop, count: int) -> None:
    for index in range(count):
        side = index % 2
        x, y, r = (
            (b.rng.uniform(0.02, 0.16), b.rng.uniform(0.84, 0.98))[side],
            b.rng.uniform(0.12, 0.42),
            b.rng.uniform(0.07, 0.1),
        )
        colour = b.rng.choice(BRIGHT)
        b.line([(x, y + r * b.unit_y), (x + 0.01, y + 0.2), (x - 0.008, y + 0.34)], (150, 150, 150), 0.003)
        b.disc(x, y, r, colour, 1.2)
        b.poly(
            [
                (x, y + r * 1.15 * b.unit_y),
                (x - 0.014 * b.unit_x, y + r * 1.35 * b.unit_y),
                (x + 0.014 * b.unit_x, y + r * 1.35 * b.unit_y),
            ],
            colour,
        )
        b.disc(x - r * 0.3 * b.unit_x, y - r * 0.4 * b.unit_y, r * 0.22, mixed(colour, WHITE, 0.6), 1.3)


def birthday(b: Backdrop) -> None:
    """Draw a birthday: pennants, balloons, presents and a table cloth."""
    top = b.rng.uniform(0.68, 0.74)
    b.surface(
        "plaster",
        0,
        jittered(b.rng, b.rng.choice(((226, 236, 246), (252, 236, 226), (238, 228, 246), (228, 244, 232)))),
        bottom=top,
        strength=0.2,
    )
    pennants(b, 0.04, 0.1)
    _balloons(b, b.rng.randint(3, 5))
    for x in (0.1, 0.9):
        first, second = b.rng.sample(BRIGHT, 2)
        half, tall, ux = 0.08 * b.unit_x, b.rng.uniform(0.1, 0.15), b.unit_x
        b.box(x - half, top - tall, x + half, top, first)
        b.box(x + half * 0.7, top - tall, x + half, top, mixed(first, BLACK, 0.18))
        b.box(x - 0.012 * ux, top - tall, x + 0.012 * ux, top, second)
        for dx in (-0.03, 0.03):
            b.disc(x + dx * ux, top - tall - 0.018, 0.03, second, 0.6)
    b.soften(0.005, top)
    table(b, top, jittered(b.rng, b.rng.choice(((250, 246, 240), (250, 214, 220), (206, 226, 240)))), "weave", 0.4)


def christmas_market(b: Backdrop) -> None:
    """Draw wooden huts with lights, a fir and snow on the ground."""
    ground = b.rng.uniform(0.62, 0.68)
    b.gradient(0, ground, (0, jittered(b.rng, (20, 28, 66))), (1, jittered(b.rng, (84, 74, 120))))
    ux = b.unit_x
    for x in steps(b, 0.42, 0.5, start=-0.16):
        wood = jittered(b.rng, (142, 92, 56))
        b.shape([(x, 0.3), (x + 0.36 * ux, 0.3), (x + 0.36 * ux, ground), (x, ground)], wood, "boards", 0.8)
        b.box(x + 0.04 * ux, 0.36, x + 0.32 * ux, 0.5, (255, 206, 120))
        b.glow(x + 0.18 * ux, 0.43, 0.22, (255, 196, 100), 0.6)
        for index in range(7):
            gx = x + (0.055 + 0.04 * index) * ux
            b.disc(gx, 0.47, 0.018, b.rng.choice(BRIGHT))
            b.line([(gx, 0.36), (gx, 0.4)], (120, 80, 50), 0.004)
            b.disc(gx, 0.405, 0.012, b.rng.choice(((206, 50, 50), (240, 200, 80), (60, 140, 90))))
        b.box(x, 0.5, x + 0.36 * ux, 0.53, mixed(wood, WHITE, 0.25))
        b.poly([(x - 0.04 * ux, 0.31), (x + 0.18 * ux, 0.15), (x + 0.4 * ux, 0.31)], mixed(wood, BLACK, 0.3))
        b.line([(x - 0.05 * ux, 0.31), (x + 0.18 * ux, 0.15), (x + 0.41 * ux, 0.31)], (244, 248, 252), 0.03)
        for index in range(9):
            lx = x + (-0.02 + 0.05 * index) * ux
            b.glow(lx, 0.33, 0.035, (255, 220, 130))
            b.disc(lx, 0.33, 0.009, (255, 246, 206))
    tx = b.rng.choice((0.06, 0.94, 0.5))
    fir(b, tx, ground + 0.03, 0.56, (36, 88, 62))
    for _ in range(26):
        y = b.rng.uniform(0.18, ground)
        reach = (y - 0.08) * 0.13 * ux
        b.disc(
            tx + b.rng.uniform(-reach, reach), y, 0.009, b.rng.choice(((255, 226, 140), (236, 80, 70), (255, 250, 226)))
        )
    b.glow(tx, 0.09, 0.09, (255, 230, 130))
    b.disc(tx, 0.09, 0.02, (255, 240, 180))
    b.soften(0.006, ground)
    bulbs(b, b.rng.uniform(0.03, 0.07), 0.06, ((255, 220, 140),), count=15)
    b.surface(b.rng.choice(("snow", "cobbles")), ground, jittered(b.rng, (206, 208, 226)), strength=0.6)
    b.fade(ground, 0.86, (255, 200, 120), 0.4, 0.0)
    for _ in range(45):
        b.disc(b.rng.random(), b.rng.random(), b.rng.choice((0.003, 0.005, 0.007)), WHITE, alpha=0.85)
