"""Cafés, shops and markets."""

from brandpress.model.nano.world.backdrop import Backdrop
from brandpress.model.nano.world.colours import Rgb, jittered, mixed
from brandpress.model.nano.world.props import (
    BLACK,
    BRIGHT,
    OAK,
    WHITE,
    bottles,
    packets,
    pendant,
    plant,
    shelf,
    steps,
    table,
    window,
)

_GLASS: tuple[Rgb, ...] = ((90, 130, 80), (150, 90, 50), (200, 170, 90), (120, 150, 160), (150, 50, 50))
_FRUIT: tuple[Rgb, ...] = ((206, 52, 46), (240, 150, 40), (120, 170, 60), (244, 206, 70), (120, 60, 120), (226, 96, 60))


def cafe(b: Backdrop) -> None:
    """Draw a cosy café: a counter, a blackboard, lamps, and a table in front."""
    top = b.rng.uniform(0.68, 0.74)
    wall = jittered(
        b.rng, b.rng.choice(((150, 104, 80), (96, 112, 100), (222, 204, 180), (116, 84, 70), (88, 100, 112)))
    )
    b.surface(b.rng.choice(("brick", "plaster", "subway tiles", "boards")), 0, wall, bottom=top, strength=0.5, far=0.1)
    x, ux = b.rng.choice((0.1, 0.52)), b.unit_x
    b.box(x - 0.012, 0.12, x + 0.392, 0.37, (120, 82, 54))
    b.box(x, 0.135, x + 0.38, 0.355, (44, 48, 48))
    for row in range(5):
        y = 0.165 + row * 0.036
        reach = b.rng.uniform(0.1, 0.2)
        b.line([(x + 0.03, y), (x + 0.03 + reach, y)], (226, 226, 218), 0.008)
        b.line([(x + 0.3, y), (x + 0.35, y)], (240, 206, 130), 0.008)
    other = 0.08 if x > 0.3 else 0.56
    for y in (0.2, 0.34):
        shelf(b, other, other + 0.36, y, (140, 98, 64))
        bottles(b, other + 0.02, other + 0.34, y, 0.09, (WHITE, (230, 220, 206), (180, 110, 80), (110, 140, 130)))
    counter = jittered(b.rng, b.rng.choice(OAK), 6)
    b.shape([(0, 0.47), (1, 0.47), (1, top), (0, top)], counter, "boards", 0.6)
    b.box(0, 0.455, 1, 0.485, mixed(counter, WHITE, 0.3))
    mx = x + 0.2
    b.box(mx - 0.09 * ux, 0.36, mx + 0.09 * ux, 0.455, (176, 180, 184))
    b.box(mx - 0.1 * ux, 0.34, mx + 0.1 * ux, 0.37, (206, 210, 212))
    b.box(mx - 0.05 * ux, 0.4, mx + 0.05 * ux, 0.42, (40, 40, 44))
    plant(b, other + 0.06, 0.455, 0.06)
    b.soften(0.008, top)
    shade = b.rng.choice(((40, 44, 46), (196, 150, 80), (150, 60, 50)))
    for lamp in (0.2, 0.5, 0.8):
        pendant(b, lamp, b.rng.uniform(0.12, 0.2), 0.11, shade)
    table(b, top, jittered(b.rng, b.rng.choice(OAK), 6), b.rng.choice(("planks", "wood")))


def bakery(b: Backdrop) -> None:
    """Draw baskets of bread on shelves and a flour-white counter."""
    top = b.rng.uniform(0.68, 0.74)
    b.surface(b.rng.choice(("plaster", "subway tiles")), 0, jittered(b.rng, (238, 222, 196)), bottom=top, strength=0.4)
    wood = jittered(b.rng, (170, 118, 72))
    for y in (0.22, 0.4, 0.58):
        for x in steps(b, 0.12, 0.17):
            crust = jittered(b.rng, b.rng.choice(((206, 146, 82), (176, 108, 54), (226, 176, 110))))
            if b.rng.random() < 0.5:
                b.disc(x, y - 0.035, 0.065, crust, 0.62)
                for cut in (-0.03, 0.0, 0.03):
                    b.line(
                        [(x + (cut - 0.01) * b.unit_x, y - 0.05), (x + (cut + 0.012) * b.unit_x, y - 0.02)],
                        mixed(crust, WHITE, 0.5),
                        0.008,
                    )
            else:
                for loaf in (-0.03, 0.0, 0.03):
                    b.line(
                        [(x + loaf * b.unit_x, y - 0.13), (x + loaf * b.unit_x, y - 0.02)],
                        mixed(crust, BLACK, abs(loaf) * 4),
                        0.034,
                    )
                b.box(x - 0.055 * b.unit_x, y - 0.07, x + 0.055 * b.unit_x, y, (150, 104, 62))
        shelf(b, 0, 1, y, wood)
    b.soften(0.006, top)
    for lamp in (0.25, 0.75):
        pendant(b, lamp, 0.1, 0.1, (60, 56, 54))
    table(
        b, top, jittered(b.rng, b.rng.choice(((226, 196, 156), (240, 236, 228)))), b.rng.choice(("wood", "marble")), 0.6
    )


def supermarket(b: Backdrop) -> None:
    """Draw shelves full of packets under bright light."""
    floor = b.rng.uniform(0.72, 0.78)
    b.gradient(0, floor, (0, (232, 236, 238)), (1, (206, 210, 214)))
    for y in (0.22, 0.4, 0.58, floor - 0.02):
        packets(b, -0.02, 1.02, y, 0.14)
        shelf(b, 0, 1, y, (244, 246, 246))
        for x in steps(b, 0.11, 0.16):
            b.box(x, y + 0.003, x + 0.05 * b.unit_x, y + 0.019, b.rng.choice(((250, 214, 60), (230, 70, 60), WHITE)))
    b.box(0, 0, 1, 0.06, b.rng.choice(BRIGHT))
    b.soften(0.008, floor)
    b.surface("tile floor", floor, jittered(b.rng, (218, 218, 214)), strength=0.5)
    b.fade(floor, floor + 0.06, BLACK, 0.25, 0.0)


def market_stall(b: Backdrop) -> None:
    """Draw a market stall: a striped awning, crates of fruit and a wooden counter."""
    top = b.rng.uniform(0.68, 0.74)
    b.gradient(0, top, (0, (190, 206, 214)), (1, (226, 214, 196)))
    for x in steps(b, 0.2, 0.3):
        b.box(
            x,
            0.12,
            x + 0.2 * b.unit_x,
            top,
            jittered(b.rng, b.rng.choice(((206, 160, 130), (180, 190, 180), (226, 206, 170)))),
        )
    b.soften(0.03, top)
    for y in (0.46, 0.6):
        for x in steps(b, 0.27, 0.27, start=-0.06):
            colour, wide = b.rng.choice(_FRUIT), 0.25 * b.unit_x
            for _ in range(34):
                fx, fy = x + b.rng.uniform(0.02, 0.23) * b.unit_x, y - b.rng.random() * 0.05
                b.disc(fx, fy, 0.024, jittered(b.rng, mixed(colour, BLACK, b.rng.choice((0.0, 0.12)))))
                b.disc(fx - 0.007 * b.unit_x, fy - 0.007, 0.006, mixed(colour, WHITE, 0.5))
            b.shape([(x, y), (x + wide, y), (x + wide, y + 0.1), (x, y + 0.1)], (186, 140, 92), "planks", 0.9)
    b.soften(0.006, top)
    first: Rgb = b.rng.choice(((206, 60, 56), (60, 140, 96), (56, 106, 176), (236, 170, 60)))
    stripes = round(12 * b.unit_y / b.unit_x)
    for index in range(stripes):
        tone = first if index % 2 == 0 else (250, 246, 238)
        x0, x1 = index / stripes, (index + 1) / stripes
        b.poly([(x0, 0), (x1, 0), (x1, 0.15), (x0, 0.15)], tone)
        b.disc((x0 + x1) / 2, 0.15, 0.5 / stripes / b.unit_x, tone, 0.7)
    b.fade(0.0, 0.15, BLACK, 0.0, 0.2)
    table(b, top, jittered(b.rng, b.rng.choice(OAK), 6))


def flower_shop(b: Backdrop) -> None:
    """Draw buckets full of flowers and a wooden counter."""
    top = b.rng.uniform(0.68, 0.74)
    b.surface(
        "plaster",
        0,
        jittered(b.rng, b.rng.choice(((206, 216, 206), (236, 228, 220), (110, 130, 122)))),
        bottom=top,
        strength=0.4,
    )
    for y in (0.36, 0.64):
        for x in steps(b, 0.17, 0.22):
            colour = b.rng.choice(
                ((238, 106, 140), (250, 214, 90), (250, 246, 244), (176, 120, 220), (232, 84, 72), (246, 170, 190))
            )
            for _ in range(9):
                dx, dy = b.rng.uniform(-0.09, 0.09) * b.unit_x, b.rng.uniform(0.1, 0.2)
                b.line([(x, y - 0.05), (x + dx, y - dy)], (76, 130, 66), 0.007)
                b.disc(x + dx, y - dy, 0.03, jittered(b.rng, colour))
                b.disc(x + dx, y - dy, 0.014, mixed(colour, BLACK, 0.16))
            b.poly(
                [
                    (x - 0.06 * b.unit_x, y - 0.09),
                    (x + 0.06 * b.unit_x, y - 0.09),
                    (x + 0.045 * b.unit_x, y),
                    (x - 0.045 * b.unit_x, y),
                ],
                (150, 160, 164),
            )
        shelf(b, 0, 1, y, (150, 112, 78))
    b.soften(0.007, top)
    table(b, top, jittered(b.rng, b.rng.choice(OAK), 6))


def boutique(b: Backdrop) -> None:
    """Draw a clothes shop: a rail, shelves, a mirror and warm spots."""
    floor = b.rng.uniform(0.66, 0.72)
    wall = jittered(b.rng, b.rng.choice(((238, 230, 222), (214, 206, 200), (226, 212, 204), (90, 96, 100))))
    b.surface("plaster", 0, wall, bottom=floor, strength=0.3)
    x = b.rng.choice((0.05, 0.5))
    b.line([(x, 0.24), (x + 0.45, 0.24)], (196, 160, 90), 0.012)
    for index in range(10):
        cx, cloth = (
            x + 0.03 + index * 0.042,
            jittered(
                b.rng, b.rng.choice(((206, 190, 170), (96, 110, 130), (190, 120, 110), (70, 70, 76), (226, 220, 210)))
            ),
        )
        low = 0.24 + b.rng.uniform(0.2, 0.3)
        b.poly([(cx - 0.022, 0.28), (cx, 0.25), (cx + 0.022, 0.28), (cx + 0.026, low), (cx - 0.026, low)], cloth)
        b.line([(cx + 0.02, 0.29), (cx + 0.024, low)], mixed(cloth, BLACK, 0.25), 0.005)
    other = 0.56 if x < 0.3 else 0.08
    for y in (0.22, 0.38, 0.54):
        for dx in (0.03, 0.15, 0.27):
            for fold in range(3):
                tone = jittered(
                    b.rng, b.rng.choice(((206, 190, 170), (120, 140, 160), (226, 220, 210), (170, 110, 100)))
                )
                b.box(other + dx, y - 0.03 * (fold + 1), other + dx + 0.09, y - 0.03 * fold - 0.004, tone)
        shelf(b, other, other + 0.38, y, (176, 134, 92))
    for spot in (0.2, 0.5, 0.8):
        b.glow(spot, 0.05, 0.2, (255, 240, 210), 0.8)
    b.soften(0.007, floor)
    b.surface(b.rng.choice(("plank floor", "tile floor")), floor, jittered(b.rng, (206, 180, 150)), strength=0.7)


def bar(b: Backdrop) -> None:
    """Draw a night club bar: bottles, neon tubes and a glossy counter."""
    top = b.rng.uniform(0.68, 0.74)
    b.surface(
        b.rng.choice(("brick", "boards", "plaster")),
        0,
        jittered(b.rng, (52, 38, 66)),
        bottom=top,
        strength=0.6,
        far=0.0,
    )
    first, second = b.rng.sample(((255, 60, 150), (60, 210, 255), (255, 180, 60), (150, 90, 255), (80, 255, 160)), 2)
    for y in (0.42, 0.58):
        b.fade(y - 0.13, y, second, 0.0, 0.4)
        bottles(b, 0.04, 0.97, y, 0.13, _GLASS)
        shelf(b, 0, 1, y, (64, 48, 60))
        b.box(0, y + 0.02, 1, y + 0.026, mixed(second, WHITE, 0.4))
    b.soften(0.006, top)
    x, ux = b.rng.uniform(0.3, 0.7), b.unit_x
    shape = b.rng.choice(("circle", "zigzag", "glass"))
    b.glow(x, 0.17, 0.34, first, 0.7)
    if shape == "circle":
        for radius in (0.11, 0.075):
            b.arc(x, 0.17, radius, 0, 360, first if radius > 0.1 else second, 0.016)
            b.arc(x, 0.17, radius - 0.005, 0, 360, mixed(first if radius > 0.1 else second, WHITE, 0.7), 0.006)
    else:
        path = (
            [(-0.2, 0.2), (-0.12, 0.1), (-0.04, 0.22), (0.04, 0.1), (0.12, 0.22), (0.2, 0.1)]
            if shape == "zigzag"
            else [
                (-0.09, 0.08),
                (0.09, 0.08),
                (0.0, 0.18),
                (-0.09, 0.08),
                (0.0, 0.18),
                (0.0, 0.26),
                (-0.05, 0.26),
                (0.05, 0.26),
            ]
        )
        points = [(x + dx * ux, y) for dx, y in path]
        b.line(points, first, 0.018)
        b.line(points, mixed(first, WHITE, 0.75), 0.007)
    table(b, top, jittered(b.rng, (70, 46, 56)), b.rng.choice(("wood", "marble")), 0.5)
    b.glow(0.25, top + 0.08, 0.3, first, 0.45)
    b.glow(0.75, top + 0.08, 0.3, second, 0.45)


def laboratory(b: Backdrop) -> None:
    """Draw a bright laboratory with flasks and a white bench."""
    top = b.rng.uniform(0.66, 0.72)
    b.surface("tiles", 0, jittered(b.rng, (222, 234, 238)), bottom=top, strength=0.5)
    window(b, 0.08, 0.06, 0.4, 0.26, columns=3, rows=1)
    for y in (0.36, 0.54):
        shelf(b, 0.04, 0.96, y, (196, 206, 212))
        for x in steps(b, 0.1, 0.16, start=0.06, end=0.92):
            liquid, s = (
                b.rng.choice(((80, 190, 220), (150, 210, 90), (236, 130, 160), (250, 200, 80), (160, 120, 220))),
                0.05,
            )
            b.poly(
                [
                    (x - 0.3 * s * b.unit_x, y - 2.2 * s),
                    (x + 0.3 * s * b.unit_x, y - 2.2 * s),
                    (x + 0.3 * s * b.unit_x, y - 1.4 * s),
                    (x + s * b.unit_x, y),
                    (x - s * b.unit_x, y),
                    (x - 0.3 * s * b.unit_x, y - 1.4 * s),
                ],
                (240, 248, 250),
            )
            b.poly(
                [
                    (x - 0.6 * s * b.unit_x, y - 0.8 * s),
                    (x + 0.6 * s * b.unit_x, y - 0.8 * s),
                    (x + s * b.unit_x, y),
                    (x - s * b.unit_x, y),
                ],
                liquid,
            )
    b.soften(0.006, top)
    table(b, top, jittered(b.rng, (236, 240, 242), 5), "plaster", 0.2)
