"""Gardens, parks, farmland and days out."""

from brandpress.model.nano.world.backdrop import Backdrop
from brandpress.model.nano.world.colours import Rgb, jittered, mixed
from brandpress.model.nano.world.props import (
    BLACK,
    BRIGHT,
    GREENS,
    WHITE,
    fir,
    mountains,
    plant,
    sky,
    steps,
    tree,
)

_PETALS: tuple[Rgb, ...] = ((250, 240, 250), (250, 214, 70), (238, 106, 140), (176, 120, 220), (232, 72, 72))


def _flowers(b: Backdrop, count: int, y0: float, y1: float, size: float, colours: tuple[Rgb, ...] = _PETALS) -> None:
    for index in range(count):
        y = y0 + (y1 - y0) * (index / count)
        x, r, colour = b.rng.random(), size * (0.45 + 0.55 * index / count), b.rng.choice(colours)
        b.line([(x, y), (x, y + 2.2 * r * b.unit_y)], (70, 124, 58), r * 0.25)
        b.disc(x, y, r, colour, 0.75)
        b.disc(x, y, r * 0.4, (250, 220, 110) if colour != _PETALS[1] else (180, 110, 40), 0.75)


def meadow(b: Backdrop) -> None:
    """Draw green hills with flowers."""
    horizon = b.rng.uniform(0.46, 0.54)
    sky(b, horizon + 0.1)
    b.ridge(horizon, 0.07, (132, 176, 132), "foliage", peaks=3, rough=0.3, strength=0.3)
    b.hill(horizon + 0.02, 0.03, jittered(b.rng, (140, 196, 96)), 0.9)
    b.soften(0.006)
    b.hill(horizon + 0.09, 0.015, jittered(b.rng, (118, 182, 80)), 0.7)
    b.surface("grass", horizon + 0.1, jittered(b.rng, (102, 170, 66)), far=0.12, strength=1.0)
    _flowers(b, b.rng.randint(44, 70), horizon + 0.1, 0.98, 0.014)


def autumn(b: Backdrop) -> None:
    """Draw a park in autumn with fallen leaves."""
    ground = b.rng.uniform(0.58, 0.64)
    sky(b, ground, (176, 206, 226), (250, 234, 208), 0.5)
    leaves: tuple[Rgb, ...] = ((226, 112, 40), (240, 172, 50), (198, 62, 44), (214, 140, 44))
    b.ridge(ground, 0.3, (206, 140, 72), "foliage", peaks=6, bottom=ground + 0.02, strength=0.8)
    b.fade(ground - 0.3, ground, (250, 226, 180), 0.5, 0.3)
    b.soften(0.014, ground)
    for x in steps(b, 0.26, 0.36, start=-0.08):
        tree(b, x, ground + 0.04, b.rng.uniform(0.55, 0.66), leaves)
    b.surface("leaf litter", ground + 0.02, jittered(b.rng, (192, 134, 62)), far=0.15, strength=1.0)
    for index in range(40):
        y = ground + 0.04 + (0.94 - ground) * index / 40
        b.disc(b.rng.random(), y, 0.007 + 0.008 * index / 40, b.rng.choice(leaves), 0.5)


def blossom(b: Backdrop) -> None:
    """Draw cherry trees in blossom in spring."""
    ground = b.rng.uniform(0.58, 0.64)
    sky(b, ground, (150, 200, 240), (236, 240, 250), 0.5)
    pinks: tuple[Rgb, ...] = ((250, 190, 212), (244, 166, 196), (252, 214, 226), (250, 230, 238))
    b.ridge(ground, 0.28, (242, 196, 214), "foliage", peaks=5, bottom=ground + 0.02, strength=0.5)
    b.soften(0.014, ground)
    for x in steps(b, 0.26, 0.36, start=-0.08):
        tree(b, x, ground + 0.04, b.rng.uniform(0.55, 0.66), pinks, (92, 70, 66))
    b.surface("grass", ground + 0.02, jittered(b.rng, (132, 184, 98)), far=0.15, strength=0.9)
    for _ in range(60):
        y = b.rng.random()
        b.disc(b.rng.random(), y, 0.006 + 0.004 * y, b.rng.choice(pinks), 0.6)


def garden(b: Backdrop) -> None:
    """Draw a hedge, flower beds, a lawn and terrace slabs."""
    lawn = b.rng.uniform(0.5, 0.56)
    sky(b, lawn)
    for x in steps(b, 0.3, 0.5):
        tree(b, x, lawn, b.rng.uniform(0.4, 0.55), GREENS)
    b.soften(0.012, lawn)
    b.shape(
        [(0, lawn - 0.2), (1, lawn - 0.2), (1, lawn + 0.02), (0, lawn + 0.02)],
        jittered(b.rng, (72, 122, 62)),
        "foliage",
        0.8,
    )
    if b.rng.random() < 0.5:
        fence = b.rng.choice(((246, 244, 238), (176, 136, 96)))
        for x in steps(b, 0.062, 0.062):
            b.box(x, lawn - 0.12, x + 0.036 * b.unit_x, lawn + 0.01, fence)
        b.box(0, lawn - 0.08, 1, lawn - 0.06, mixed(fence, BLACK, 0.08))
    b.soften(0.006, lawn)
    b.surface("grass", lawn, jittered(b.rng, (108, 164, 74)), far=0.1, strength=0.9)
    _flowers(b, 46, lawn - 0.02, lawn + 0.07, 0.017)
    b.surface(
        b.rng.choice(("tile floor", "grass")),
        0.72,
        jittered(b.rng, b.rng.choice(((196, 186, 170), (112, 166, 78)))),
        strength=0.8,
    )


def greenhouse(b: Backdrop) -> None:
    """Draw the inside of a glass house full of plants."""
    floor = b.rng.uniform(0.68, 0.74)
    b.gradient(0, floor, (0, (206, 230, 240)), (1, (214, 236, 214)))
    b.texture("foliage", (0, 0.1, 1, floor), (110, 160, 110), WHITE, 0.35, 1.3)
    b.soften(0.02, floor)
    frame = jittered(b.rng, b.rng.choice(((246, 248, 244), (66, 84, 76))), 6)
    for x in steps(b, 0.19, 0.19):
        b.line([(x, 0.22), (x, floor)], frame, 0.01)
        b.line([(x, 0.22), (0.5 + (x - 0.5) * 0.5, 0)], frame, 0.01)
    for y in (0.22, 0.45):
        b.line([(0, y), (1, y)], frame, 0.012)
    b.surface("tile floor", floor, jittered(b.rng, (186, 170, 148)), strength=0.8)
    for x in (0.02, 0.12, 0.22, 0.8, 0.9, 0.98):
        plant(b, x, floor + b.rng.uniform(0.01, 0.05), b.rng.uniform(0.13, 0.22))
    b.fade(0, 0.5, WHITE, 0.3, 0.0)


def farm(b: Backdrop) -> None:
    """Draw a red barn behind fields and a fence."""
    horizon = b.rng.uniform(0.5, 0.56)
    sky(b, horizon)
    b.ridge(horizon, 0.1, (120, 160, 104), "foliage", peaks=3, strength=0.4, bottom=horizon + 0.02)
    b.soften(0.006, horizon)
    x, wide, ux = b.rng.choice((0.2, 0.3, 0.7, 0.8)), 0.2 * b.unit_x, b.unit_x
    red = jittered(b.rng, (176, 54, 46))
    b.shape(
        [
            (x - wide, horizon + 0.03),
            (x - wide, 0.34),
            (x - wide * 0.7, 0.22),
            (x, 0.15),
            (x + wide * 0.7, 0.22),
            (x + wide, 0.34),
            (x + wide, horizon + 0.03),
        ],
        red,
        "boards",
        0.7,
    )
    b.line(
        [(x - wide * 1.1, 0.36), (x - wide * 0.72, 0.21), (x, 0.14), (x + wide * 0.72, 0.21), (x + wide * 1.1, 0.36)],
        (90, 84, 84),
        0.022,
    )
    b.box(x - 0.06 * ux, 0.4, x + 0.06 * ux, horizon + 0.03, mixed(red, BLACK, 0.3))
    for ends in (((-0.06, 0.4), (0.06, horizon + 0.03)), ((0.06, 0.4), (-0.06, horizon + 0.03))):
        b.line([(x + dx * ux, y) for dx, y in ends], WHITE, 0.01)
    b.line(
        [(x - 0.06 * ux, horizon + 0.03), (x - 0.06 * ux, 0.4), (x + 0.06 * ux, 0.4), (x + 0.06 * ux, horizon + 0.03)],
        WHITE,
        0.01,
    )
    b.box(x - 0.035 * ux, 0.24, x + 0.035 * ux, 0.31, WHITE)
    b.surface(
        b.rng.choice(("rows", "grass")),
        horizon + 0.02,
        jittered(b.rng, b.rng.choice(((206, 178, 92), (120, 160, 70)))),
        strength=0.8,
    )
    for post in steps(b, 0.14, 0.14):
        b.box(post, horizon + 0.02, post + 0.02 * ux, horizon + 0.14, (150, 118, 88))
    for y in (0.045, 0.09):
        b.box(0, horizon + y, 1, horizon + y + 0.014, (168, 134, 100))


def vineyard(b: Backdrop) -> None:
    """Draw rows of vines on hills in warm light."""
    horizon = b.rng.uniform(0.4, 0.48)
    sky(b, horizon, (120, 176, 226), (252, 236, 206), 0.5)
    b.ridge(horizon, 0.1, (134, 156, 150), "foliage", peaks=2, rough=0.3, strength=0.3)
    b.ridge(horizon + 0.05, 0.08, (140, 164, 96), "foliage", peaks=2, rough=0.3, strength=0.4)
    b.soften(0.006)
    soil = jittered(b.rng, (176, 140, 96))
    b.surface("rows", horizon + 0.05, soil, strength=0.5)
    x0, green = b.rng.uniform(0.4, 0.6), jittered(b.rng, b.rng.choice(((92, 134, 56), (120, 140, 54), (164, 120, 50))))
    for row in range(-7, 8):
        near, far, half = x0 + (row + 0.5) * 0.17 * b.unit_x, x0 + (row + 0.5) * 0.012, 0.055 * b.unit_x
        b.shape(
            [(far, horizon + 0.045), (near - half, 0.72), (near - half, 0.8), (near + half, 0.8), (near + half, 0.72)],
            mixed(green, BLACK, 0.08 * (row % 2)),
            "foliage",
            0.9,
        )
    b.surface("grass", 0.78, mixed(soil, green, 0.4), far=0.1, strength=0.8)


def castle(b: Backdrop) -> None:
    """Draw a castle with towers on a hill."""
    horizon = b.rng.uniform(0.54, 0.6)
    sky(b, horizon)
    mountains(b, horizon, 0.18, (140, 164, 186), peaks=3)
    b.soften(0.006)
    x, stone, ux = b.rng.uniform(0.4, 0.6), jittered(b.rng, (196, 188, 176)), b.unit_x
    b.shape(
        [(x - 0.28 * ux, 0.36), (x + 0.28 * ux, 0.36), (x + 0.3 * ux, horizon), (x - 0.3 * ux, horizon)],
        stone,
        "stones",
        0.5,
    )
    for i in range(9):
        left = x + (-0.28 + i * 0.065) * ux
        b.box(left, 0.335, left + 0.036 * ux, 0.365, stone)
    roof = b.rng.choice(((70, 92, 150), (170, 66, 56), (96, 84, 120)))
    for dx, top, wide in ((-0.3, 0.26, 0.055), (0.3, 0.26, 0.055), (-0.12, 0.18, 0.045), (0.12, 0.14, 0.05)):
        left, right = x + (dx - wide) * ux, x + (dx + wide) * ux
        b.shape([(left, top), (right, top), (right, horizon), (left, horizon)], mixed(stone, WHITE, 0.1), "stones", 0.5)
        b.box(x + (dx + wide * 0.4) * ux, top, right, horizon, BLACK, 0.14)
        b.poly([(left - 0.015 * ux, top), (x + dx * ux, top - 0.14), (right + 0.015 * ux, top)], roof)
        b.poly([(x + dx * ux, top), (x + dx * ux, top - 0.14), (right + 0.015 * ux, top)], mixed(roof, BLACK, 0.2))
        b.line([(x + dx * ux, top - 0.14), (x + dx * ux, top - 0.18)], (90, 84, 84), 0.004)
        b.poly(
            [(x + dx * ux, top - 0.18), (x + dx * ux + 0.04 * ux, top - 0.168), (x + dx * ux, top - 0.155)],
            (220, 70, 66),
        )
        b.box(x + (dx - 0.012) * ux, top + 0.05, x + (dx + 0.012) * ux, top + 0.09, (66, 60, 66))
    b.box(x - 0.05 * ux, horizon - 0.1, x + 0.05 * ux, horizon, (84, 62, 48))
    b.disc(x, horizon - 0.1, 0.05, (84, 62, 48))
    b.hill(horizon, 0.012, jittered(b.rng, (116, 164, 84)), 0.8)
    b.surface("grass", horizon + 0.03, jittered(b.rng, (112, 162, 76)), strength=0.9)
    b.poly(
        [(x - 0.03 * ux, horizon), (x + 0.03 * ux, horizon), (x + 0.35 * ux, 1), (x - 0.35 * ux, 1)],
        (206, 190, 158),
        0.75,
    )


def campsite(b: Backdrop) -> None:
    """Draw a tent between firs."""
    evening = b.rng.random() < 0.4
    ground = b.rng.uniform(0.58, 0.64)
    sky(b, ground, (60, 70, 130) if evening else (110, 176, 226), (240, 170, 140) if evening else (220, 236, 230), 0.4)
    mountains(b, ground, 0.26, (110, 126, 150), snow=0.25, peaks=3)
    for x in steps(b, 0.09, 0.15):
        fir(b, x, ground + 0.02, b.rng.uniform(0.25, 0.4), jittered(b.rng, (52, 100, 78)))
    b.soften(0.006, ground)
    b.surface("grass", ground, jittered(b.rng, (96, 136, 68)), strength=0.9)
    x, colour, ux = (
        b.rng.choice((0.2, 0.28, 0.72, 0.8)),
        jittered(b.rng, b.rng.choice(((236, 140, 50), (66, 140, 170), (206, 72, 62), (226, 196, 90)))),
        b.unit_x,
    )
    base, top = ground + 0.08, ground - 0.14
    b.poly([(x - 0.2 * ux, base), (x - 0.02 * ux, top), (x + 0.1 * ux, base)], colour)
    b.poly(
        [(x + 0.1 * ux, base), (x - 0.02 * ux, top), (x + 0.08 * ux, top + 0.01), (x + 0.23 * ux, base - 0.02)],
        mixed(colour, BLACK, 0.22),
    )
    b.poly(
        [(x - 0.1 * ux, base), (x - 0.025 * ux, top + 0.05), (x + 0.03 * ux, base)],
        (255, 226, 150) if evening else mixed(colour, BLACK, 0.6),
    )
    for guy in (-0.27, 0.3):
        b.line([(x + guy * 0.1 * ux, top), (x + guy * ux, base + 0.015)], (226, 220, 206), 0.004)
    if evening:
        b.glow(x - 0.03 * ux, base - 0.06, 0.22, (255, 214, 130), 0.6)


def picnic(b: Backdrop) -> None:
    """Draw a chequered blanket on a lawn with trees behind."""
    lawn = b.rng.uniform(0.46, 0.54)
    sky(b, lawn)
    for x in steps(b, 0.2, 0.32):
        tree(b, x, lawn + 0.02, b.rng.uniform(0.36, 0.5), GREENS)
    b.soften(0.014, lawn)
    b.surface("grass", lawn, jittered(b.rng, (112, 170, 76)), strength=0.9)
    cloth = jittered(b.rng, b.rng.choice(((206, 50, 54), (52, 100, 170), (232, 160, 60))))
    top = lawn + 0.18
    b.surface("checked floor", top, cloth, far=0.0, strength=0.0)
    b.texture("checked floor", (0, top, 1, 1), mixed(cloth, BLACK, 0.1), WHITE, 0.9)
    b.texture("weave", (0, top, 1, 1), BLACK, WHITE, 0.25)
    x = b.rng.choice((0.1, 0.9))
    b.shape(
        [
            (x - 0.12 * b.unit_x, top - 0.08),
            (x + 0.12 * b.unit_x, top - 0.08),
            (x + 0.1 * b.unit_x, top + 0.06),
            (x - 0.1 * b.unit_x, top + 0.06),
        ],
        (184, 136, 84),
        "weave",
        1.5,
    )
    b.arc(x, top - 0.07, 0.1, 180, 360, (150, 104, 62), 0.014)


def cabin(b: Backdrop) -> None:
    """Draw a wooden cabin in the snow."""
    ground = b.rng.uniform(0.56, 0.62)
    evening = b.rng.random() < 0.5
    sky(b, ground, (70, 90, 150) if evening else (130, 180, 226), (226, 190, 200) if evening else (226, 238, 248), 0.4)
    for x in steps(b, 0.08, 0.14):
        fir(b, x, ground + 0.02, b.rng.uniform(0.2, 0.36), mixed((60, 100, 96), WHITE, b.rng.uniform(0.15, 0.45)))
    b.soften(0.008, ground)
    x, ux = b.rng.choice((0.22, 0.3, 0.7, 0.78)), b.unit_x
    wood = jittered(b.rng, (140, 92, 60))
    b.shape(
        [(x - 0.17 * ux, 0.4), (x + 0.17 * ux, 0.4), (x + 0.17 * ux, ground + 0.04), (x - 0.17 * ux, ground + 0.04)],
        wood,
        "planks",
        0.9,
    )
    b.shape([(x - 0.17 * ux, 0.4), (x, 0.25), (x + 0.17 * ux, 0.4)], wood, "boards", 0.9)
    b.box(x + 0.07 * ux, 0.24, x + 0.11 * ux, 0.34, (120, 84, 76))
    b.line([(x - 0.21 * ux, 0.43), (x, 0.25), (x + 0.21 * ux, 0.43)], (246, 250, 254), 0.035)
    for dx in (-0.11, 0.05):
        b.box(x + dx * ux, 0.45, x + (dx + 0.065) * ux, 0.52, (255, 220, 130))
        b.line([(x + (dx + 0.032) * ux, 0.45), (x + (dx + 0.032) * ux, 0.52)], (96, 64, 44), 0.006)
        b.glow(x + (dx + 0.03) * ux, 0.49, 0.08, (255, 220, 140), 0.5)
    b.box(x - 0.03 * ux, 0.47, x + 0.03 * ux, ground + 0.04, mixed(wood, BLACK, 0.4))
    b.surface("snow", ground + 0.015, (224, 232, 246) if evening else (236, 243, 251), far=0.1, strength=0.8)
    for _ in range(50):
        b.disc(b.rng.random(), b.rng.random(), b.rng.choice((0.003, 0.005, 0.007)), WHITE, alpha=0.85)


def playground(b: Backdrop) -> None:
    """Draw a slide and swings on a lawn."""
    ground = b.rng.uniform(0.54, 0.6)
    sky(b, ground)
    for x in steps(b, 0.24, 0.36):
        tree(b, x, ground + 0.01, b.rng.uniform(0.36, 0.48), GREENS)
    b.soften(0.012, ground)
    b.surface("grass", ground - 0.01, jittered(b.rng, (120, 176, 84)), strength=0.8)
    first, second, third = b.rng.sample(BRIGHT, 3)
    ux, left = b.unit_x, b.rng.random() < 0.5
    x = 0.2 if left else 0.8
    sign = 1 if left else -1
    for dx in (-0.06, 0.06):
        b.line([(x + dx * ux, ground + 0.08), (x + dx * ux, 0.26)], first, 0.018)
    b.poly([(x - 0.1 * ux, 0.28), (x, 0.18), (x + 0.1 * ux, 0.28)], second)
    b.box(x - 0.07 * ux, 0.39, x + 0.07 * ux, 0.42, third)
    b.line(
        [(x + sign * 0.06 * ux, 0.4), (x + sign * 0.2 * ux, ground + 0.03), (x + sign * 0.28 * ux, ground + 0.07)],
        second,
        0.036,
    )
    for rung in range(4):
        y = 0.45 + rung * 0.05
        b.line([(x - sign * 0.06 * ux, y), (x - sign * 0.1 * ux, y)], third, 0.01)
    x = 1 - x
    for dx in (-0.16, 0.16):
        b.line(
            [(x + (dx - 0.03) * ux, ground + 0.08), (x + dx * ux, 0.27), (x + (dx + 0.03) * ux, ground + 0.08)],
            third,
            0.014,
        )
    b.line([(x - 0.17 * ux, 0.27), (x + 0.17 * ux, 0.27)], third, 0.018)
    for dx in (-0.08, 0.05):
        for rope in (0.0, 0.05):
            b.line([(x + (dx + rope) * ux, 0.27), (x + (dx + rope) * ux, 0.52)], (110, 110, 116), 0.004)
        b.box(x + (dx - 0.01) * ux, 0.52, x + (dx + 0.06) * ux, 0.535, first)
    b.surface("sand", 0.7, jittered(b.rng, (224, 196, 148)), far=0.1, strength=0.7)
