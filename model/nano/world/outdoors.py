"""Natural landscapes. Each function draws on a backdrop, whose generator decides horizon, counts and hues."""

import math

from brandpress.model.nano.world.backdrop import Backdrop
from brandpress.model.nano.world.colours import Rgb, jittered, mixed
from brandpress.model.nano.world.props import BLACK, GREENS, WHITE, fir, mountains, palm, sky, steps


def beach(b: Backdrop) -> None:
    """Draw sand, a strip of sea, the sun and palms."""
    horizon = b.rng.uniform(0.38, 0.48)
    shore = horizon + b.rng.uniform(0.12, 0.18)
    sky(b, horizon)
    b.glow(b.rng.uniform(0.15, 0.85), b.rng.uniform(0.08, 0.18), 0.3, (255, 244, 190), 0.9)
    b.surface("water", horizon, (38, 140, 196), bottom=shore + 0.04, strength=0.7, far=0.1)
    b.fade(horizon + 0.06, shore + 0.04, (120, 220, 220), 0.0, 0.75)
    b.soften(0.006)
    b.surface("sand", shore + 0.03, jittered(b.rng, (234, 204, 148)), far=0.15, strength=0.9)
    b.hill(shore + 0.045, 0.012, (246, 250, 248), 1.5)
    sand = jittered(b.rng, (232, 202, 146), 6)
    b.hill(shore + 0.065, 0.012, mixed(sand, (160, 130, 90), 0.35), 1.5)
    b.surface("sand", shore + 0.085, sand, far=0.08, strength=0.9)
    for side in b.rng.choice(((0.05,), (0.95,), (0.04, 0.97), ())):
        lean = b.rng.uniform(0.04, 0.14) * (1 if side < 0.5 else -1)
        palm(b, side, shore + 0.16, b.rng.uniform(0.5, 0.62) / b.unit_y * min(1.0, b.unit_y), lean)


def snow(b: Backdrop) -> None:
    """Draw white mountains and firs over a snowfield."""
    horizon = b.rng.uniform(0.5, 0.58)
    sky(b, horizon, (112, 168, 228), (220, 236, 250), 0.6)
    mountains(b, horizon, b.rng.uniform(0.36, 0.46), (112, 130, 160), snow=0.6, peaks=3)
    b.fade(horizon - 0.12, horizon + 0.02, (226, 236, 248), 0.0, 0.6)
    b.soften(0.005)
    for x in steps(b, 0.07, 0.22):
        if b.rng.random() < 0.7:
            fir(b, x, horizon + 0.03, b.rng.uniform(0.1, 0.2), mixed((52, 92, 84), WHITE, b.rng.uniform(0.1, 0.4)))
    b.surface("snow", horizon + 0.015, (228, 237, 248), far=0.05, strength=0.75)
    b.hill(horizon + 0.05, 0.016, (240, 246, 253), 0.8)
    b.surface("snow", horizon + 0.1, (240, 245, 252), far=0.1, strength=0.6)


def forest(b: Backdrop) -> None:
    """Draw dark firs in mist over a mossy ground."""
    ground = b.rng.uniform(0.58, 0.66)
    sky(b, ground, (150, 206, 220), (222, 240, 226), 0.0)
    for depth in range(3):
        tone = mixed((24, 84, 54), (176, 214, 196), 0.62 - 0.31 * depth)
        for x in steps(b, 0.11, 0.17):
            fir(b, x, ground + 0.02, ground - b.rng.uniform(0.0, 0.16) - 0.03 * depth, jittered(b.rng, tone))
        if depth < 2:
            b.soften(0.012 - 0.005 * depth)
        b.fade(ground - 0.25, ground + 0.02, (136, 174, 128), 0.0, 0.4)
    b.surface("grass", ground - 0.01, jittered(b.rng, (84, 128, 62)), far=0.15, strength=0.9)
    b.texture("leaf litter", (0, ground, 1, 1), (50, 70, 34), (150, 176, 96), 0.35)


def desert(b: Backdrop) -> None:
    """Draw dunes under a pale sky."""
    horizon = b.rng.uniform(0.42, 0.5)
    sky(b, horizon + 0.12, (96, 172, 230), (250, 232, 196), 0.3)
    b.glow(b.rng.uniform(0.15, 0.85), 0.16, 0.26, (255, 244, 200))
    sand = jittered(b.rng, (226, 166, 96))
    for row, (drop, tall) in enumerate(((0.02, 0.1), (0.12, 0.08), (0.2, 0.05))):
        colour = mixed(sand, (250, 224, 184), 0.35 - 0.15 * row)
        edge = b.ridge(horizon + drop, tall, colour, "plaster", peaks=2, rough=0.14, strength=0.5)
        b.poly(
            [*edge, *((x, y + 0.05 + 0.05 * (i % 50) / 50) for i, (x, y) in reversed(list(enumerate(edge))))],
            mixed(colour, (120, 60, 30), 0.5),
            0.28,
        )
    b.surface("sand ripples", horizon + 0.2, sand, far=0.16, strength=0.65)
    for x in b.rng.choice(((0.07,), (0.93,), (0.06, 0.9), ())):
        green = jittered(b.rng, (74, 128, 76))
        base, tall = horizon + 0.22, b.rng.uniform(0.22, 0.3)
        b.line([(x, base), (x, base - tall)], green, 0.045)
        b.disc(x, base - tall, 0.022, green)
        b.line(
            [
                (x - 0.065 * b.unit_x, base - tall * 0.8),
                (x - 0.065 * b.unit_x, base - tall * 0.5),
                (x, base - tall * 0.45),
            ],
            green,
            0.03,
        )
        b.line(
            [
                (x + 0.06 * b.unit_x, base - tall * 0.9),
                (x + 0.06 * b.unit_x, base - tall * 0.6),
                (x, base - tall * 0.55),
            ],
            green,
            0.03,
        )
        b.line([(x + 0.008, base), (x + 0.008, base - tall)], mixed(green, WHITE, 0.3), 0.006)


def underwater(b: Backdrop) -> None:
    """Draw blue water with light from above, corals, bubbles and a sandy floor."""
    b.gradient(0, 1, (0, jittered(b.rng, (92, 206, 232))), (0.4, (38, 140, 204)), (1, jittered(b.rng, (12, 66, 136))))
    for _ in range(5):
        x, spread = b.rng.uniform(0.0, 1.0), b.rng.uniform(0.03, 0.09)
        b.poly([(x, 0), (x + spread, 0), (x + spread * 2.6, 0.75), (x - spread * 1.4, 0.75)], (190, 240, 250), 0.16)
    floor = b.rng.uniform(0.68, 0.76)
    b.ridge(floor + 0.04, 0.16, (26, 92, 140), "rock", peaks=4, strength=0.4)
    b.soften(0.012)
    b.surface("sand ripples", floor, jittered(b.rng, (176, 186, 158)), far=-0.1, strength=0.6)
    b.fade(floor, floor + 0.14, (38, 116, 160), 0.75, 0.0)
    for x in (*steps(b, 0.06, 0.14, start=-0.05, end=0.25), *steps(b, 0.06, 0.14, start=0.78, end=1.05)):
        colour, tall = (
            b.rng.choice(((36, 142, 96), (232, 104, 116), (240, 160, 80), (170, 92, 170))),
            b.rng.uniform(0.1, 0.26),
        )
        for _ in range(5):
            tip = x + b.rng.uniform(-0.06, 0.06) * b.unit_x
            sway = [(x, floor + 0.08), (x + (tip - x) * 0.2, floor + 0.08 - tall * 0.5), (tip, floor + 0.08 - tall)]
            b.line(sway, jittered(b.rng, colour), 0.014)
            b.disc(tip, floor + 0.08 - tall, 0.012, mixed(colour, WHITE, 0.25))
    for _ in range(b.rng.randint(8, 16)):
        x, y, r = b.rng.random(), b.rng.uniform(0.05, 0.6), b.rng.uniform(0.008, 0.022)
        b.disc(x, y, r, (206, 240, 250), alpha=0.25)
        b.arc(x, y, r, 0, 360, (226, 246, 252), 0.005)


def space(b: Backdrop) -> None:
    """Draw stars, a nebula, a planet and moon dust."""
    b.gradient(0, 1, (0, jittered(b.rng, (10, 9, 32))), (1, jittered(b.rng, (40, 26, 78))))
    nebula = b.rng.choice(((150, 70, 170), (60, 100, 190), (190, 80, 120)))
    b.texture("clouds", (0, 0, 1, 0.8), BLACK, nebula, 0.5)
    for _ in range(b.rng.randint(60, 90)):
        b.disc(b.rng.random(), b.rng.uniform(0, 0.8), b.rng.choice((0.002, 0.003, 0.005)), (240, 240, 255))
    x, y, r = (
        b.rng.choice((b.rng.uniform(0.12, 0.3), b.rng.uniform(0.7, 0.88))),
        b.rng.uniform(0.14, 0.24),
        b.rng.uniform(0.1, 0.15),
    )
    colour = jittered(b.rng, b.rng.choice(((236, 150, 80), (110, 180, 220), (200, 110, 160))))
    ringed = b.rng.random() < 0.6
    b.disc(x, y, r, colour)
    for band in range(-3, 4):
        b.disc(
            x,
            y + band * r * 0.25 * b.unit_y,
            r * (1 - (band / 4) ** 2) ** 0.5,
            mixed(colour, WHITE if band % 2 else BLACK, 0.16),
            0.14,
        )
    b.disc(x + r * 0.25 * b.unit_x, y + r * 0.2 * b.unit_y, r * 0.8, BLACK, alpha=0.22)
    if ringed:
        b.arc(x, y, r * 1.02, 0, 360, mixed(colour, WHITE, 0.4), 0.004)
        b.disc(x, y, r * 1.8, (236, 214, 170), 0.14, alpha=0.5)
    ground = b.rng.uniform(0.66, 0.74)
    b.ridge(ground + 0.02, 0.08, (96, 94, 112), "rock", peaks=4, strength=0.4)
    b.surface("sand", ground + 0.01, jittered(b.rng, (134, 132, 148)), far=0.1, strength=0.8)
    for _ in range(7):
        cx, cy, size = b.rng.random(), b.rng.uniform(ground + 0.06, 0.98), b.rng.uniform(0.03, 0.07)
        b.disc(cx, cy, size, (150, 148, 164), 0.35)
        b.disc(cx, cy + 0.004, size * 0.9, (104, 102, 120), 0.33)


def sunset(b: Backdrop) -> None:
    """Draw the sun sinking into the sea."""
    horizon = b.rng.uniform(0.5, 0.58)
    low = jittered(b.rng, (255, 184, 92))
    b.gradient(0, horizon, (0, jittered(b.rng, (84, 58, 124))), (0.55, (232, 112, 96)), (1, low))
    b.texture("clouds", (0, 0, 1, horizon), BLACK, (255, 170, 130), b.rng.uniform(0.2, 0.7))
    x = b.rng.uniform(0.2, 0.8)
    b.glow(x, horizon - 0.02, 0.6, (255, 220, 130), 0.9)
    b.disc(x, horizon - 0.02, b.rng.uniform(0.09, 0.13), (255, 240, 180))
    b.gradient(horizon, 1, (0, (214, 116, 96)), (0.35, (122, 68, 108)), (1, (60, 42, 88)))
    b.texture("water", (0, horizon, 1, 1), (60, 36, 84), (255, 190, 120), 0.8)
    for row in range(14):
        y, reach = horizon + 0.012 + row * 0.02, (0.11 - row * 0.004) * b.rng.uniform(0.5, 1.1) * b.unit_x
        b.box(x - reach, y, x + reach, y + 0.007, (255, 214, 140), 0.7)
    b.surface("sand", b.rng.uniform(0.74, 0.8), (120, 82, 84), far=0.2, strength=0.7)


def clouds(b: Backdrop) -> None:
    """Draw the sky above a sea of clouds."""
    b.gradient(0, 1, (0, jittered(b.rng, (58, 140, 226))), (0.7, (190, 224, 250)), (1, (214, 234, 250)))
    b.texture("clouds", (0, 0, 1, 0.7), WHITE, WHITE, 0.8)
    b.glow(b.rng.random(), 0.1, 0.5, (255, 250, 226), 0.8)
    for row in range(4):
        y = 0.66 + 0.075 * row
        for x in steps(b, 0.08, 0.14):
            r = b.rng.uniform(0.06, 0.11)
            b.disc(x, y + 0.05, r * 1.3, mixed((178, 204, 236), WHITE, 0.2 + 0.2 * row), 0.7)
            b.disc(x - 0.01, y + 0.035, r * 1.1, mixed((226, 238, 252), WHITE, 0.3 * row), 0.7)
    b.soften(0.012)
    b.fade(0.8, 1, WHITE, 0.0, 0.6)


def lake(b: Backdrop) -> None:
    """Draw green mountains mirrored in a lake, a wooden pier in front."""
    horizon = b.rng.uniform(0.44, 0.5)
    sky(b, horizon, (112, 178, 236), (226, 240, 250), 0.7)
    mountains(b, horizon, b.rng.uniform(0.24, 0.32), (130, 150, 176), snow=b.rng.choice((0.0, 0.4)), peaks=3)
    b.ridge(horizon, 0.14, jittered(b.rng, (70, 122, 92)), "foliage", peaks=5, bottom=horizon + 0.03, strength=0.5)
    b.mirror(horizon, (70, 130, 160), 0.35)
    b.texture("water", (0, horizon, 1, 1), (40, 90, 120), (220, 240, 250), 0.5)
    b.soften(0.005)
    b.surface("plank floor", b.rng.uniform(0.7, 0.76), jittered(b.rng, (166, 124, 84)), far=0.15, strength=0.8)


def mountain_top(b: Backdrop) -> None:
    """Draw a rocky summit above ranges that fade into haze."""
    horizon = b.rng.uniform(0.5, 0.6)
    sky(b, horizon + 0.1, (92, 156, 224), (232, 240, 248), 0.6)
    far = jittered(b.rng, (150, 172, 204))
    for row in range(3):
        tone = mixed(far, (72, 92, 116), 0.35 * row)
        mountains(b, horizon + 0.07 * row, 0.26 - 0.05 * row, tone, snow=b.rng.choice((0.0, 0.35)) if row == 0 else 0.0)
        b.fade(horizon - 0.1 + 0.07 * row, horizon + 0.1 + 0.07 * row, (228, 236, 246), 0.0, 0.55)
    b.soften(0.007)
    stone = jittered(b.rng, (140, 134, 128))
    b.ridge(horizon + 0.19, 0.1, stone, "boulders", peaks=5, strength=0.7, bottom=1.0)
    b.fade(horizon + 0.19, 1.0, BLACK, 0.2, 0.0)


def river(b: Backdrop) -> None:
    """Draw a river between green banks."""
    horizon = b.rng.uniform(0.4, 0.48)
    sky(b, horizon)
    b.ridge(horizon, 0.14, jittered(b.rng, (96, 148, 110)), "foliage", peaks=4, strength=0.5)
    b.soften(0.006)
    b.surface("grass", horizon, jittered(b.rng, (104, 160, 76)), far=0.12, strength=0.9)
    x, bend = b.rng.uniform(0.35, 0.65), b.rng.choice((-0.12, 0.12))
    banks: list[list[tuple[float, float]]] = [[], []]
    for step in range(15):
        near = step / 14
        middle, half = x + bend * math.sin(near * 5.5) * near**0.5, 0.008 + 0.3 * near**1.7
        for bank, side in zip(banks, (-1, 1), strict=True):
            bank.append((middle + side * half, horizon + 0.32 * near))
    outline = [*banks[0], *reversed(banks[1])]
    b.line(outline, (196, 186, 150), 0.014)
    b.shape(outline, (76, 148, 196), "water", 1.0)
    for index in range(26):
        y = horizon + 0.03 + 0.27 * (index / 26) ** 1.3
        at = x + bend * math.sin((y - horizon) / 0.32 * 5.5) + b.rng.uniform(-0.6, 0.6) * (y - horizon)
        b.line([(at, y), (at + 0.03 * b.unit_x, y)], (206, 230, 244), 0.004, 0.7)
    b.surface("grass", horizon + 0.3, jittered(b.rng, (98, 150, 66)), far=0.1, strength=1.0)
    for x in (*steps(b, 0.02, 0.06, end=0.22), *steps(b, 0.02, 0.06, start=0.8)):
        base = horizon + b.rng.uniform(0.3, 0.36)
        b.line(
            [(x, base), (x + b.rng.uniform(-0.02, 0.02), base - b.rng.uniform(0.06, 0.15))], b.rng.choice(GREENS), 0.008
        )


def waterfall(b: Backdrop) -> None:
    """Draw a waterfall between mossy cliffs and its pool."""
    sky(b, 0.3, (150, 200, 230), (226, 240, 240), 0.3)
    cliff = jittered(b.rng, (96, 110, 98))
    b.ridge(0.3, 0.24, cliff, "rock", peaks=3, strength=1.0, bottom=0.7)
    b.texture("foliage", (0, 0.31, 1, 0.62), BLACK, (96, 150, 72), 0.2)
    pool, x, wide = b.rng.uniform(0.62, 0.68), b.rng.uniform(0.3, 0.7), b.rng.uniform(0.09, 0.14) * b.unit_x
    b.shape(
        [(x - wide, 0.14), (x + wide, 0.14), (x + wide * 1.25, pool), (x - wide * 1.25, pool)],
        (226, 240, 248),
        "folds",
        0.5,
    )
    for _ in range(22):
        dx = b.rng.uniform(-wide, wide)
        top = b.rng.uniform(0.14, 0.5)
        b.line([(x + dx, top), (x + dx * 1.2, top + 0.14)], WHITE, 0.007, 0.7)
    b.soften(0.005)
    b.surface("water", pool, (72, 142, 152), far=0.15, strength=0.9)
    b.glow(x, pool + 0.01, 0.3, WHITE, 0.95)
    stone = mixed(cliff, (120, 114, 104), 0.6)
    b.ridge(0.8, 0.05, stone, "boulders", peaks=6, strength=0.7, bottom=1.0)


def jungle(b: Backdrop) -> None:
    """Draw dense tropical leaves around a clearing."""
    b.gradient(0, 1, (0, (46, 104, 62)), (0.5, (126, 176, 104)), (1, (60, 100, 52)))
    b.texture("foliage", (0, 0, 1, 0.75), (16, 60, 38), (150, 196, 104), 0.8, 1.4)
    b.glow(b.rng.uniform(0.35, 0.65), 0.35, 0.55, (226, 240, 176), 0.7)
    b.soften(0.014)
    ground = b.rng.uniform(0.66, 0.72)
    b.surface("leaf litter", ground, jittered(b.rng, (96, 100, 56)), far=0.1, strength=0.8)
    b.fade(ground, ground + 0.08, (40, 80, 44), 0.6, 0.0)
    for side in (0.0, 1.0):
        for _ in range(8):
            y, reach, drop = (
                b.rng.uniform(-0.05, 0.72),
                b.rng.uniform(0.18, 0.36) * b.unit_x,
                b.rng.uniform(-0.12, 0.14),
            )
            tip_x = side + reach * (1 if side == 0 else -1)
            green = jittered(b.rng, b.rng.choice(GREENS))
            mid_x, tip_y = (side + tip_x) / 2, y + drop + 0.06
            b.poly([(side, y), (mid_x, y + drop * 0.3 - 0.05), (tip_x, tip_y), (mid_x, y + drop * 0.5 + 0.06)], green)
            b.line([(side, y + 0.01), (mid_x, y + drop * 0.4), (tip_x, tip_y)], mixed(green, WHITE, 0.3), 0.005)
            for part in range(1, 6):
                px, py = side + (tip_x - side) * part / 6, y + 0.01 + (tip_y - y) * part / 6
                b.line([(px, py), (px + (tip_x - side) * 0.1, py - 0.025)], mixed(green, BLACK, 0.25), 0.004)


def sunrise(b: Backdrop) -> None:
    """Draw the sun rising behind mountain ranges in haze."""
    horizon = b.rng.uniform(0.54, 0.62)
    b.gradient(0, horizon, (0, jittered(b.rng, (110, 150, 206))), (0.6, (250, 200, 176)), (1, (255, 226, 160)))
    b.texture("clouds", (0, 0, 1, horizon * 0.7), WHITE, (255, 206, 190), 0.6)
    x = b.rng.uniform(0.25, 0.75)
    b.glow(x, horizon - 0.2, 0.6, (255, 236, 170))
    b.disc(x, horizon - 0.18, 0.06, (255, 250, 226))
    for row in range(3):
        tone = mixed((226, 160, 140), (92, 82, 112), 0.2 + 0.35 * row)
        b.ridge(horizon + 0.05 * row, 0.2 - 0.03 * row, jittered(b.rng, tone), "rock", peaks=3 + row, strength=0.35)
        b.fade(horizon - 0.1 + 0.05 * row, horizon + 0.06 * row + 0.04, (255, 214, 170), 0.0, 0.5)
    b.soften(0.006)
    b.surface("grass", horizon + 0.12, jittered(b.rng, (146, 130, 80)), far=0.25, strength=0.9)


def starry_night(b: Backdrop) -> None:
    """Draw a starry sky above dark hills."""
    horizon = b.rng.uniform(0.6, 0.66)
    b.gradient(0, horizon, (0, jittered(b.rng, (12, 18, 52))), (1, jittered(b.rng, (64, 88, 150))))
    b.texture("clouds", (0, 0, 1, horizon * 0.9), BLACK, (140, 140, 210), 0.35)
    for _ in range(120):
        b.disc(
            b.rng.random(), b.rng.random() ** 1.3 * horizon, b.rng.choice((0.002, 0.003, 0.003, 0.006)), (250, 248, 230)
        )
    if b.rng.random() < 0.5:
        b.disc(b.rng.uniform(0.1, 0.9), 0.14, 0.06, (250, 244, 214))
    b.ridge(horizon, 0.14, (36, 50, 86), "rock", peaks=3, strength=0.4)
    for x in steps(b, 0.05, 0.12):
        fir(b, x, horizon + 0.03, b.rng.uniform(0.08, 0.16), (20, 34, 52))
    b.surface("grass", horizon + 0.015, jittered(b.rng, (44, 66, 84)), far=0.12, strength=0.9)


def northern_lights(b: Backdrop) -> None:
    """Draw green lights in a polar night above snow."""
    horizon = b.rng.uniform(0.56, 0.64)
    b.gradient(0, horizon, (0, (10, 16, 44)), (1, jittered(b.rng, (30, 66, 96))))
    for colour in ((70, 230, 150), (90, 240, 190), b.rng.choice(((170, 90, 220), (90, 160, 250)))):
        base, phase = b.rng.uniform(0.24, 0.44), b.rng.random() * 6
        for i in range(48):
            x = i / 47
            y = base + 0.07 * ((x * 3 + phase) % 2 - 1) * ((x * 1.7 + phase) % 2 - 1)
            b.box(x - 0.012, y - 0.24, x + 0.012, y - 0.08, colour, 0.14)
            b.box(x - 0.012, y - 0.12, x + 0.012, y, colour, 0.3)
    b.soften(0.03)
    for _ in range(60):
        b.disc(b.rng.random(), b.rng.random() * horizon * 0.9, b.rng.choice((0.002, 0.003, 0.004)), (240, 246, 250))
    mountains(b, horizon, 0.14, (52, 72, 108), snow=0.4, peaks=4)
    b.surface("snow", horizon + 0.01, jittered(b.rng, (166, 196, 214)), far=0.1, strength=0.7)
    b.fade(horizon + 0.01, 0.85, (90, 220, 170), 0.3, 0.0)


def rocky_coast(b: Backdrop) -> None:
    """Draw cliffs by a rough sea."""
    horizon = b.rng.uniform(0.4, 0.48)
    sky(b, horizon, (140, 168, 196), (222, 230, 236), 1.0)
    b.surface("water", horizon, jittered(b.rng, (54, 110, 136)), strength=1.0, far=0.15)
    left = b.rng.random() < 0.5
    cliff: Rgb = jittered(b.rng, (128, 112, 98))
    points = [(0.0, 0.24), (0.12, 0.28), (0.2, 0.4), (0.24, 0.52), (0.36, 0.6), (0.0, 0.66)]
    b.shape(points if left else [(1 - x, y) for x, y in points], cliff, "rock", 1.0)
    for _ in range(26):
        b.disc(b.rng.random(), 0.66 + b.rng.uniform(-0.03, 0.03), b.rng.uniform(0.01, 0.035), (240, 246, 248), 0.4, 0.6)
    b.soften(0.005)
    b.ridge(0.72, 0.06, cliff, "boulders", peaks=6, strength=0.8, bottom=1.0)
