"""Outdoor scenes. Each function draws on a backdrop; horizon, counts and hues come from the backdrop's generator."""

from brandpress.model.nano.world.backdrop import Backdrop
from brandpress.model.nano.world.colours import Rgb, jittered


def _sky(b: Backdrop, horizon: float, top: Rgb = (84, 164, 236), bottom: Rgb = (204, 232, 250)) -> None:
    b.gradient(0, horizon + 0.02, (0, jittered(b.rng, top)), (1, jittered(b.rng, bottom)))


def beach(b: Backdrop) -> None:
    """Draw sand, a strip of sea and the sun."""
    horizon = b.rng.uniform(0.4, 0.5)
    shore = horizon + b.rng.uniform(0.1, 0.16)
    _sky(b, horizon)
    b.disc(b.rng.uniform(0.15, 0.85), b.rng.uniform(0.1, 0.2), 0.08, (255, 224, 96))
    b.gradient(horizon, shore + 0.05, (0, (22, 104, 196)), (1, (72, 190, 214)))
    b.gradient(shore + 0.04, 1, (0, (248, 224, 164)), (1, jittered(b.rng, (228, 190, 120))))
    b.hill(shore + 0.03, 0.012, (246, 248, 246), 2)
    b.hill(shore + 0.06, 0.012, jittered(b.rng, (240, 210, 146)), 2)
    if b.rng.random() < 0.6:
        x = b.rng.choice((0.06, 0.94))
        lean = 0.06 if x < 0.5 else -0.06
        b.line([(x, shore + 0.1), (x + lean * 0.4, 0.36), (x + lean, 0.2)], (128, 88, 52), 0.025)
        for dx, dy in ((-0.14, 0.06), (-0.1, -0.06), (0.1, -0.06), (0.14, 0.06), (0.0, 0.1)):
            b.line(
                [(x + lean, 0.2), (x + lean + dx * 0.6, 0.2 + dy * 0.4 - 0.02), (x + lean + dx, 0.2 + dy)],
                (40, 142, 70),
                0.03,
            )


def snow(b: Backdrop) -> None:
    """Draw white mountains over a snowfield."""
    horizon = b.rng.uniform(0.5, 0.58)
    _sky(b, horizon, (122, 176, 230), (222, 238, 250))
    x = -0.1
    while x < 1.0:
        width, top = b.rng.uniform(0.3, 0.5), b.rng.uniform(0.14, 0.3)
        rock = jittered(b.rng, (112, 132, 164))
        b.poly([(x, horizon + 0.02), (x + width / 2, top), (x + width, horizon + 0.02)], rock)
        share = 0.45
        left, right = x + width / 2 * (1 - share), x + width / 2 * (1 + share)
        low = top + (horizon - top) * share
        b.poly(
            [
                (x + width / 2, top),
                (right, low),
                (x + width * 0.56, low - 0.05),
                (x + width / 2, low + 0.02),
                (x + width * 0.42, low - 0.05),
                (left, low),
            ],
            (250, 252, 255),
        )
        x += width * b.rng.uniform(0.55, 0.8)
    b.gradient(horizon, 1, (0, (220, 232, 246)), (1, (250, 252, 255)))
    b.hill(horizon + 0.06, 0.02, (238, 244, 252))


def _skyline(b: Backdrop, ground: float, walls: tuple[Rgb, ...], lit: Rgb, dark: Rgb, share: float) -> None:
    x = -0.03
    while x < 1.0:
        width, top = b.rng.uniform(0.12, 0.2) / max(1.0, b.aspect), b.rng.uniform(0.12, 0.36)
        b.box(x, top, x + width, ground, jittered(b.rng, b.rng.choice(walls)))
        columns = 3
        for row in range(int((ground - top - 0.05) / 0.075)):
            for column in range(columns):
                left = x + width * (0.16 + 0.27 * column)
                y = top + 0.035 + row * 0.075
                b.box(left, y, left + width * 0.16, y + 0.035, lit if b.rng.random() < share else dark)
        x += width + b.rng.uniform(-0.01, 0.025)


def city(b: Backdrop) -> None:
    """Draw towers by day over a grey square."""
    ground = b.rng.uniform(0.6, 0.66)
    _sky(b, ground)
    _skyline(
        b,
        ground,
        ((150, 164, 184), (196, 172, 150), (120, 142, 170), (206, 206, 204)),
        (226, 240, 250),
        (84, 108, 140),
        0.6,
    )
    b.gradient(ground, 1, (0, (176, 178, 182)), (1, (136, 138, 144)))
    b.box(0, ground, 1, ground + 0.02, (112, 160, 90))


def night_city(b: Backdrop) -> None:
    """Draw dark towers with lit windows."""
    ground = b.rng.uniform(0.62, 0.68)
    b.gradient(0, ground, (0, jittered(b.rng, (16, 18, 52))), (1, jittered(b.rng, (86, 50, 110))))
    if b.rng.random() < 0.5:
        b.disc(b.rng.uniform(0.1, 0.9), 0.1, 0.05, (244, 240, 214))
    _skyline(b, ground, ((34, 36, 66), (44, 42, 78), (28, 30, 54)), (255, 214, 106), (58, 56, 92), 0.6)
    b.gradient(ground, 1, (0, (58, 58, 78)), (1, (40, 40, 56)))


def forest(b: Backdrop) -> None:
    """Draw dark firs over green ground."""
    ground = b.rng.uniform(0.58, 0.66)
    _sky(b, ground, (150, 206, 224), (214, 238, 228))
    for depth, tone in ((0.0, (92, 156, 112)), (1.0, (28, 104, 62))):
        x = b.rng.uniform(-0.1, 0.0)
        while x < 1.05:
            width = b.rng.uniform(0.13, 0.19) / max(1.0, b.aspect**0.5)
            top = b.rng.uniform(0.04, 0.18) + 0.06 * depth
            colour = jittered(b.rng, tone)
            b.box(x + width * 0.42, ground - 0.08, x + width * 0.58, ground + 0.02, (92, 62, 40))
            for step in range(3):
                high = top + (ground - 0.05 - top) * step * 0.26
                reach = width * (0.3 + 0.12 * step)
                low = top + (ground - 0.04 - top) * (0.44 + 0.28 * step)
                b.poly([(x + width / 2 - reach, low), (x + width / 2, high), (x + width / 2 + reach, low)], colour)
            x += width * b.rng.uniform(0.8, 1.1)
    b.gradient(ground, 1, (0, (86, 146, 70)), (1, jittered(b.rng, (58, 116, 54))))


def desert(b: Backdrop) -> None:
    """Draw dunes under a pale sky."""
    horizon = b.rng.uniform(0.42, 0.52)
    _sky(b, horizon + 0.1, (110, 184, 232), (250, 232, 196))
    b.disc(b.rng.uniform(0.15, 0.85), 0.16, 0.08, (255, 240, 190))
    b.hill(horizon, 0.06, jittered(b.rng, (232, 170, 96)), 0.9)
    b.hill(horizon + 0.14, 0.06, jittered(b.rng, (214, 142, 70)), 0.7)
    b.hill(horizon + 0.26, 0.03, jittered(b.rng, (238, 184, 110)), 0.6)
    if b.rng.random() < 0.6:
        x = b.rng.choice((0.08, 0.92, 0.5))
        b.line([(x, 0.3), (x, horizon + 0.06)], (64, 128, 72), 0.04)
        b.line([(x - 0.06, 0.36), (x - 0.06, 0.42), (x + 0.05, 0.42), (x + 0.05, 0.34)], (64, 128, 72), 0.025)


def meadow(b: Backdrop) -> None:
    """Draw green hills with flowers."""
    horizon = b.rng.uniform(0.46, 0.56)
    _sky(b, horizon + 0.1)
    for _ in range(b.rng.randint(1, 3)):
        b.cloud(b.rng.random(), b.rng.uniform(0.1, 0.24), b.rng.uniform(0.05, 0.07), (255, 255, 255))
    b.hill(horizon, 0.04, jittered(b.rng, (132, 196, 92)), 0.9)
    b.hill(horizon + 0.12, 0.03, jittered(b.rng, (104, 182, 74)), 0.7)
    petals: tuple[Rgb, ...] = ((250, 240, 250), (250, 214, 70), (238, 106, 140), (176, 120, 220))
    for _ in range(b.rng.randint(16, 28)):
        x, y = b.rng.random(), b.rng.uniform(horizon + 0.2, 0.98)
        b.disc(x, y, 0.014, b.rng.choice(petals))


def underwater(b: Backdrop) -> None:
    """Draw blue water with light from above, bubbles, plants and a sandy floor."""
    b.gradient(0, 1, (0, jittered(b.rng, (64, 186, 226))), (1, jittered(b.rng, (12, 62, 136))))
    for _ in range(3):
        x, spread = b.rng.uniform(0.05, 0.95), b.rng.uniform(0.05, 0.1)
        b.poly([(x, 0), (x + spread * 0.6, 0), (x + spread * 1.6, 0.7), (x - spread, 0.7)], (88, 190, 226))
    b.soften(0.02)
    floor = b.rng.uniform(0.78, 0.84)
    for _ in range(b.rng.randint(4, 7)):
        x, tall = b.rng.random(), b.rng.uniform(0.12, 0.28)
        path = [(x + 0.02 * (-1) ** i, floor + 0.06 - tall * i / 4) for i in range(5)]
        b.line(path, b.rng.choice(((36, 142, 96), (26, 118, 98), (206, 92, 112))), 0.028)
    b.hill(floor, 0.02, jittered(b.rng, (196, 186, 142)))
    for _ in range(b.rng.randint(7, 14)):
        b.arc(b.rng.random(), b.rng.uniform(0.05, 0.7), b.rng.uniform(0.012, 0.028), 0, 360, (206, 240, 250), 0.008)


def space(b: Backdrop) -> None:
    """Draw stars, a planet and moon dust."""
    b.gradient(0, 1, (0, jittered(b.rng, (12, 10, 38))), (1, jittered(b.rng, (44, 26, 84))))
    for _ in range(b.rng.randint(30, 50)):
        b.disc(b.rng.random(), b.rng.uniform(0, 0.8), b.rng.choice((0.004, 0.007, 0.01)), (240, 240, 255))
    x, y, r = b.rng.uniform(0.15, 0.85), b.rng.uniform(0.14, 0.24), b.rng.uniform(0.08, 0.13)
    colour = b.rng.choice(((236, 150, 80), (110, 180, 220), (200, 110, 160)))
    b.disc(x, y, r, jittered(b.rng, colour))
    if b.rng.random() < 0.6:
        b.disc(x, y, r * 1.8, (236, 214, 170), 0.16)
        b.disc(x, y, r, jittered(b.rng, colour), 0.14)
    ground = b.rng.uniform(0.76, 0.84)
    b.hill(ground, 0.02, jittered(b.rng, (124, 122, 140)))
    for _ in range(5):
        b.disc(b.rng.random(), b.rng.uniform(ground + 0.05, 0.98), b.rng.uniform(0.03, 0.06), (100, 98, 116), 0.35)


def sunset(b: Backdrop) -> None:
    """Draw the sun sinking into the sea."""
    horizon = b.rng.uniform(0.5, 0.58)
    b.gradient(
        0, horizon, (0, jittered(b.rng, (72, 44, 110))), (0.6, (230, 104, 92)), (1, jittered(b.rng, (255, 190, 90)))
    )
    x = b.rng.uniform(0.2, 0.8)
    b.disc(x, horizon - 0.02, b.rng.uniform(0.12, 0.17), (255, 226, 120))
    b.gradient(horizon, 1, (0, (198, 92, 92)), (0.3, (104, 56, 108)), (1, (52, 34, 84)))
    for row in range(5):
        y, reach = horizon + 0.035 + row * 0.05, 0.14 - row * 0.012
        b.box(x - reach, y, x + reach, y + 0.014, (255, 196, 112))
    b.gradient(0.8, 1, (0, (70, 44, 62)), (1, (48, 30, 50)))


def street(b: Backdrop) -> None:
    """Draw shop fronts with awnings, a pavement and the road."""
    ground = b.rng.uniform(0.64, 0.7)
    _sky(b, 0.2)
    walls: tuple[Rgb, ...] = ((216, 130, 98), (236, 200, 140), (146, 178, 190), (206, 150, 170), (170, 190, 140))
    fronts = max(3, round(3 * b.aspect))
    for index in range(fronts):
        x0, x1 = index / fronts, (index + 1) / fronts
        step = x1 - x0
        b.box(x0, b.rng.uniform(0.04, 0.16), x1, ground, jittered(b.rng, b.rng.choice(walls)))
        b.box(x0 + step * 0.16, 0.2, x0 + step * 0.4, 0.32, (198, 224, 240))
        b.box(x0 + step * 0.6, 0.2, x0 + step * 0.84, 0.32, (198, 224, 240))
        b.box(x0 + step * 0.12, 0.48, x0 + step * 0.58, ground - 0.05, (176, 210, 228))
        b.box(x0 + step * 0.66, 0.48, x0 + step * 0.88, ground, (96, 66, 54))
        awning = b.rng.choice(((206, 60, 60), (50, 130, 90), (50, 90, 170), (230, 160, 50)))
        for stripe in range(6):
            left = x0 + step * (0.06 + 0.147 * stripe)
            b.box(left, 0.39, left + step * 0.147, 0.47, awning if stripe % 2 == 0 else (248, 246, 240))
    b.gradient(ground, 0.95, (0, (206, 200, 192)), (1, (178, 172, 166)))
    b.box(0, 0.95, 1, 1, (84, 84, 92))


def clouds(b: Backdrop) -> None:
    """Draw the sky above a sea of clouds."""
    b.gradient(0, 1, (0, jittered(b.rng, (62, 144, 228))), (1, (190, 224, 250)))
    for _ in range(b.rng.randint(3, 5)):
        b.cloud(b.rng.random(), b.rng.uniform(0.08, 0.5), b.rng.uniform(0.05, 0.08), (244, 250, 255))
    for row, tone in ((0.74, (226, 238, 252)), (0.84, (242, 248, 255)), (0.94, (255, 255, 255))):
        x = b.rng.uniform(-0.1, 0.0)
        while x < 1.1:
            b.disc(x, row + 0.06, b.rng.uniform(0.1, 0.14), tone)
            x += 0.13 / max(1.0, b.aspect)


def autumn(b: Backdrop) -> None:
    """Draw a park in autumn."""
    ground = b.rng.uniform(0.58, 0.66)
    _sky(b, ground, (176, 206, 226), (246, 232, 208))
    leaves: tuple[Rgb, ...] = ((226, 112, 40), (240, 172, 50), (198, 62, 44), (214, 140, 44))
    x = b.rng.uniform(-0.05, 0.08)
    while x < 1.05:
        b.box(x - 0.015, 0.28, x + 0.015, ground + 0.03, (98, 66, 48))
        colour = b.rng.choice(leaves)
        for dx, dy, r in ((-0.08, 0.05, 0.1), (0.08, 0.05, 0.1), (0.0, -0.05, 0.13), (0.0, 0.06, 0.12)):
            b.disc(x + dx / max(1.0, b.aspect), 0.24 + dy, r, jittered(b.rng, colour))
        x += b.rng.uniform(0.24, 0.34) / max(1.0, b.aspect**0.7)
    b.gradient(ground, 1, (0, (190, 148, 78)), (1, (160, 112, 58)))
    for _ in range(b.rng.randint(25, 40)):
        b.disc(b.rng.random(), b.rng.uniform(ground + 0.03, 0.98), 0.015, b.rng.choice(leaves), 0.6)


def lake(b: Backdrop) -> None:
    """Draw green mountains mirrored in a lake, a wooden pier in front."""
    horizon = b.rng.uniform(0.46, 0.54)
    _sky(b, horizon, (120, 184, 236), (226, 240, 250))
    b.gradient(horizon, 1, (0, (120, 176, 196)), (1, (48, 112, 156)))
    x = -0.15
    while x < 1.0:
        width, tall = b.rng.uniform(0.35, 0.55), b.rng.uniform(0.16, 0.28)
        colour = jittered(b.rng, (74, 130, 104))
        r, g, bl = colour
        b.poly([(x, horizon), (x + width / 2, horizon + tall * 0.7), (x + width, horizon)], (r - 10, g - 10, bl + 26))
        b.poly([(x, horizon), (x + width / 2, horizon - tall), (x + width, horizon)], colour)
        x += width * b.rng.uniform(0.5, 0.8)
    pier = b.rng.uniform(0.76, 0.8)
    b.box(0, pier, 1, 1, jittered(b.rng, (166, 118, 76)))
    for row in range(4):
        y = pier + (1 - pier) * row / 4
        b.line([(0, y), (1, y)], (120, 82, 52), 0.01)
