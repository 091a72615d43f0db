"""Rooms of a home, and a study."""

from brandpress.model.nano.world.backdrop import Backdrop
from brandpress.model.nano.world.colours import Rgb, jittered, mixed
from brandpress.model.nano.world.props import (
    BLACK,
    BRIGHT,
    OAK,
    WHITE,
    books,
    bottles,
    curtain,
    pendant,
    plant,
    rug,
    shelf,
    steps,
    table,
    window,
)

_PAINTS: tuple[Rgb, ...] = (
    (232, 222, 206),
    (198, 210, 202),
    (226, 206, 204),
    (200, 208, 222),
    (240, 236, 228),
    (176, 190, 180),
)


def _wall(b: Backdrop, floor: float, paints: tuple[Rgb, ...] = _PAINTS) -> Rgb:
    """Draw a painted wall with a skirting board; returns its colour."""
    paint = jittered(b.rng, b.rng.choice(paints))
    b.surface("plaster", 0, paint, bottom=floor + 0.06, strength=0.3, far=0.1)
    b.glow(b.rng.random(), 0.2, 0.5, WHITE, 0.35)
    b.box(0, floor - 0.01, 1, floor + 0.06, mixed(paint, WHITE, 0.6))
    return paint


def kitchen(b: Backdrop) -> None:
    """Draw tiles, a shelf with jars and a worktop."""
    top = b.rng.uniform(0.66, 0.72)
    tile = jittered(
        b.rng, b.rng.choice(((214, 232, 230), (240, 232, 214), (200, 218, 236), (236, 238, 236), (178, 206, 190)))
    )
    b.surface(b.rng.choice(("tiles", "subway tiles")), 0, tile, bottom=top, strength=0.7, far=0.12)
    wood = jittered(b.rng, b.rng.choice(OAK), 6)
    shelf(b, 0.04, 0.96, 0.32, wood)
    jars: tuple[Rgb, ...] = ((206, 96, 70), (88, 140, 150), (236, 200, 110), (120, 150, 96), (236, 230, 220))
    bottles(b, 0.08, 0.42, 0.32, 0.16, jars)
    bottles(b, 0.6, 0.9, 0.32, 0.14, jars)
    plant(b, 0.52, 0.32, 0.06)
    for index in range(5):
        x = 0.1 + 0.05 * index * b.unit_x
        b.line([(x, 0.4), (x, 0.54)], (120, 116, 112), 0.008)
        b.disc(x, 0.55, 0.02, (120, 116, 112), 1.3)
    b.line([(0.08, 0.4), (0.12 + 0.24 * b.unit_x, 0.4)], (150, 146, 140), 0.008)
    b.soften(0.006, top)
    if b.rng.random() < 0.6:
        pendant(b, b.rng.uniform(0.3, 0.7), 0.16, 0.13, b.rng.choice(((60, 66, 70), (206, 160, 80), (230, 228, 222))))
    table(b, top, wood)


def living_room(b: Backdrop) -> None:
    """Draw a sofa, a framed picture, a lamp, plants and a wooden floor with a rug."""
    floor = b.rng.uniform(0.64, 0.7)
    _wall(b, floor)
    x = b.rng.uniform(0.3, 0.5)
    b.box(x, 0.08, x + 0.26 * b.unit_x, 0.28, (110, 78, 56))
    b.box(x + 0.02 * b.unit_x, 0.1, x + 0.24 * b.unit_x, 0.26, jittered(b.rng, (240, 232, 214)))
    for _ in range(3):
        b.disc(
            x + b.rng.uniform(0.08, 0.18) * b.unit_x,
            b.rng.uniform(0.14, 0.22),
            b.rng.uniform(0.02, 0.045),
            b.rng.choice(BRIGHT),
        )
    sofa = jittered(
        b.rng, b.rng.choice(((74, 120, 140), (150, 96, 90), (110, 130, 90), (130, 110, 150), (200, 180, 150)))
    )
    b.shape([(0.14, 0.4), (0.86, 0.4), (0.86, floor), (0.14, floor)], sofa, "weave", 0.4)
    b.line([(0.5, 0.41), (0.5, floor - 0.06)], mixed(sofa, BLACK, 0.3), 0.008)
    for left in (0.08, 0.82):
        b.shape(
            [(left, 0.48), (left + 0.1, 0.48), (left + 0.1, floor + 0.03), (left, floor + 0.03)],
            mixed(sofa, BLACK, 0.15),
            "weave",
            0.4,
        )
    b.shape(
        [(0.18, 0.56), (0.82, 0.56), (0.82, floor + 0.02), (0.18, floor + 0.02)], mixed(sofa, WHITE, 0.15), "weave", 0.4
    )
    for cx in (0.25, 0.75):
        cushion = b.rng.choice(BRIGHT)
        b.poly([(cx - 0.06, 0.46), (cx + 0.05, 0.44), (cx + 0.06, 0.57), (cx - 0.05, 0.58)], mixed(cushion, WHITE, 0.3))
    side = b.rng.choice((0.06, 0.94))
    b.line([(side, 0.2), (side, floor)], (90, 70, 60), 0.012)
    b.glow(side, 0.16, 0.3, (255, 230, 170), 0.7)
    b.poly([(side - 0.06, 0.24), (side - 0.035, 0.1), (side + 0.035, 0.1), (side + 0.06, 0.24)], (250, 232, 180))
    plant(b, 1 - side, floor + 0.03, 0.15)
    b.soften(0.005, floor + 0.03)
    b.surface("plank floor", floor + 0.03, jittered(b.rng, b.rng.choice(OAK), 6), strength=0.8)
    rug(b, jittered(b.rng, (216, 200, 178)))


def bedroom(b: Backdrop) -> None:
    """Draw a bed with pillows, a lamp and a window."""
    floor = b.rng.uniform(0.64, 0.7)
    _wall(b, floor)
    left, ux = b.rng.random() < 0.5, b.unit_x
    x0 = 0.3 if left else 0.04
    wx = 0.06 if left else 0.72
    window(b, wx, 0.08, wx + 0.2, 0.36)
    curtain(b, wx - 0.05, wx + 0.01, 0.44, (236, 228, 216))
    curtain(b, wx + 0.19, wx + 0.25, 0.44, (236, 228, 216))
    head = jittered(b.rng, b.rng.choice((*OAK, (130, 140, 150))))
    b.shape(
        [(x0, 0.28), (x0 + 0.64, 0.28), (x0 + 0.64, floor), (x0, floor)], head, b.rng.choice(("boards", "weave")), 0.6
    )
    for px in (x0 + 0.06, x0 + 0.34):
        b.disc(px + 0.12, 0.43, 0.14 / ux * 0.9, (240, 238, 234), 0.5 * ux)
        b.disc(px + 0.12, 0.42, 0.13 / ux * 0.85, (252, 250, 248), 0.45 * ux)
    blanket = jittered(b.rng, b.rng.choice(((150, 176, 196), (206, 160, 150), (176, 190, 160), (120, 130, 160))))
    b.shape(
        [(x0 - 0.02, 0.5), (x0 + 0.66, 0.5), (x0 + 0.68, floor + 0.06), (x0 - 0.04, floor + 0.06)],
        blanket,
        "weave",
        0.5,
    )
    b.box(x0 - 0.02, 0.48, x0 + 0.66, 0.53, (250, 248, 244))
    b.soften(0.006, floor + 0.06)
    b.surface("plank floor", floor + 0.05, jittered(b.rng, b.rng.choice(OAK), 6), strength=0.8)
    rug(b, jittered(b.rng, (230, 220, 206)), 0.89, 0.36)


def nursery(b: Backdrop) -> None:
    """Draw a cot, bunting and toys on a soft pastel wall."""
    floor = b.rng.uniform(0.64, 0.7)
    _wall(b, floor, ((250, 226, 226), (214, 232, 244), (252, 242, 206), (222, 240, 222)))
    for index in range(9):
        colour = mixed(BRIGHT[index % len(BRIGHT)], WHITE, 0.4)
        x0, x1, y = index / 9, (index + 1) / 9, 0.06 + 0.05 * (1 - (index / 4.5 - 1) ** 2)
        b.poly([(x0, y), (x1, y), ((x0 + x1) / 2, y + 0.09)], colour)
    x, ux = b.rng.choice((0.06, 0.52)), b.unit_x
    b.box(x, 0.52, x + 0.42, 0.57, (250, 246, 240))
    b.box(x, 0.54, x + 0.42, 0.6, mixed(b.rng.choice(BRIGHT), WHITE, 0.5))
    for y in (0.36, 0.6):
        b.box(x, y, x + 0.42, y + 0.02, (248, 244, 236))
    for bar in range(12):
        b.box(x + bar * 0.0365, 0.37, x + bar * 0.0365 + 0.01, 0.61, (248, 244, 236))
    for post in (x - 0.01, x + 0.41):
        b.box(post, 0.32, post + 0.02, floor + 0.03, (236, 226, 210))
    cx = 0.78 if x < 0.3 else 0.22
    for index, colour in enumerate(b.rng.sample(BRIGHT, 3)):
        size = 0.09
        bx, by = cx + ((-0.05, 0.05, 0.0)[index]) * ux, floor + (0.04, 0.04, 0.04 - size * b.unit_y)[index]
        b.box(bx - size / 2 * ux, by - size * b.unit_y, bx + size / 2 * ux, by, mixed(colour, WHITE, 0.25))
        b.box(
            bx - size * 0.3 * ux,
            by - size * 0.8 * b.unit_y,
            bx + size * 0.3 * ux,
            by - size * 0.2 * b.unit_y,
            mixed(colour, WHITE, 0.6),
        )
    for _ in range(8):
        b.disc(b.rng.random(), b.rng.uniform(0.2, 0.34), 0.012, (250, 214, 130))
    b.soften(0.005, floor + 0.03)
    b.surface("plank floor", floor + 0.02, jittered(b.rng, (226, 196, 156)), strength=0.6)
    rug(b, mixed(b.rng.choice(BRIGHT), WHITE, 0.55), 0.89, 0.38)


def bathroom(b: Backdrop) -> None:
    """Draw a tiled wall, a mirror, towels and a shelf in front."""
    top = b.rng.uniform(0.68, 0.74)
    tile = jittered(
        b.rng, b.rng.choice(((232, 240, 242), (200, 226, 230), (214, 230, 218), (240, 230, 226), (176, 206, 214)))
    )
    b.surface(b.rng.choice(("tiles", "subway tiles")), 0, tile, bottom=top, strength=0.7)
    x, ux = b.rng.uniform(0.36, 0.64), b.unit_x
    b.disc(x, 0.27, 0.2, (206, 176, 120))
    b.disc(x, 0.27, 0.185, (206, 226, 236))
    b.poly([(x - 0.1 * ux, 0.35), (x + 0.04 * ux, 0.12), (x + 0.1 * ux, 0.14), (x - 0.03 * ux, 0.41)], WHITE, 0.4)
    side = 0.1 if x > 0.5 else 0.9
    b.line([(side - 0.1 * ux, 0.26), (side + 0.1 * ux, 0.26)], (176, 180, 184), 0.012)
    towel = b.rng.choice(((236, 150, 150), (120, 170, 190), (250, 248, 244), (150, 180, 150)))
    b.shape(
        [(side - 0.08 * ux, 0.26), (side + 0.08 * ux, 0.26), (side + 0.08 * ux, 0.5), (side - 0.08 * ux, 0.5)],
        towel,
        "weave",
        0.6,
    )
    bottles(
        b,
        0.04 if side > 0.5 else 0.8,
        0.2 if side > 0.5 else 0.97,
        top,
        0.16,
        ((150, 190, 200), (236, 220, 200), (190, 160, 120), (240, 240, 238)),
    )
    plant(b, side, top, 0.07, (244, 242, 238))
    b.soften(0.007, top)
    stone = b.rng.choice(("marble", "wood", "speckles"))
    colour: Rgb = (196, 150, 104) if stone == "wood" else (238, 238, 236)
    table(b, top, jittered(b.rng, colour, 8), stone, 0.6)


def bookshelf(b: Backdrop) -> None:
    """Draw shelves full of books above a reading table."""
    wood = jittered(b.rng, b.rng.choice(((126, 84, 54), (96, 62, 42), (164, 120, 78))))
    b.gradient(0, 1, (0, mixed(wood, BLACK, 0.45)), (1, mixed(wood, BLACK, 0.55)))
    for low in (0.22, 0.47, 0.72):
        books(b, 0.02, 0.98, low, 0.19)
        shelf(b, 0, 1, low, wood, 0.03)
    for x in steps(b, 0.48, 0.48, start=0.0):
        b.box(x, 0, x + 0.03 * b.unit_x, 0.75, mixed(wood, BLACK, 0.1))
    b.soften(0.006, 0.75)
    b.glow(b.rng.uniform(0.3, 0.7), 0.3, 0.55, (255, 226, 170), 0.3)
    table(b, b.rng.uniform(0.72, 0.76), mixed(wood, (210, 160, 110), 0.4))


def fireplace(b: Backdrop) -> None:
    """Draw a burning fireplace with a mantelpiece."""
    floor = b.rng.uniform(0.66, 0.72)
    wall = jittered(b.rng, b.rng.choice(((150, 84, 64), (196, 186, 176), (120, 96, 84))))
    b.surface(b.rng.choice(("brick", "stones")), 0, wall, bottom=floor, strength=0.7)
    b.fade(0, floor, BLACK, 0.25, 0.35)
    x, ux = b.rng.uniform(0.42, 0.58), b.unit_x
    b.box(x - 0.36 * ux, 0.22, x + 0.36 * ux, 0.27, jittered(b.rng, (122, 82, 54)))
    b.box(x - 0.31 * ux, 0.27, x + 0.31 * ux, floor, mixed(wall, WHITE, 0.35))
    b.box(x - 0.23 * ux, 0.34, x + 0.23 * ux, floor, (34, 24, 24))
    b.glow(x, floor - 0.08, 0.36, (255, 150, 50), 0.9)
    for colour, tall, wide in (((226, 80, 30), 0.24, 0.1), ((250, 150, 40), 0.18, 0.08), ((255, 224, 120), 0.11, 0.05)):
        for dx in (-0.1, 0.0, 0.1):
            lean = b.rng.uniform(-0.03, 0.03)
            b.poly(
                [
                    (x + (dx - wide * 0.7) * ux, floor - 0.03),
                    (x + (dx - wide * 0.5) * ux, floor - tall * 0.5),
                    (x + (dx + lean) * ux, floor - tall * b.rng.uniform(0.8, 1.1)),
                    (x + (dx + wide * 0.5) * ux, floor - tall * 0.4),
                    (x + (dx + wide * 0.7) * ux, floor - 0.03),
                ],
                colour,
            )
    b.line([(x - 0.16 * ux, floor - 0.015), (x + 0.16 * ux, floor - 0.03)], (92, 60, 42), 0.04)
    for side in (-0.28, 0.26):
        cx = x + side * ux
        b.box(cx, 0.13, cx + 0.03 * ux, 0.22, (240, 232, 214))
        b.glow(cx + 0.015 * ux, 0.11, 0.07, (255, 210, 120))
    b.soften(0.007, floor)
    b.surface("plank floor", floor, jittered(b.rng, (132, 90, 60)), strength=0.8)
    b.glow(x, floor + 0.08, 0.4, (255, 170, 90), 0.5)


def window_sill(b: Backdrop) -> None:
    """Draw a window with a view and its sill."""
    sill = b.rng.uniform(0.68, 0.74)
    view = b.rng.choice(("green", "town", "rain"))
    b.gradient(0, sill, (0, (150, 196, 236) if view != "rain" else (130, 144, 160)), (1, (226, 238, 246)))
    b.ridge(
        sill - 0.06,
        0.26,
        b.rng.choice(((100, 150, 90), (150, 160, 176), (190, 150, 110))),
        "foliage",
        peaks=5,
        strength=0.8,
        bottom=sill,
    )
    b.soften(0.02, sill)
    if view == "rain":
        b.texture("rain", (0, 0, 1, sill), BLACK, WHITE, 0.9)
    frame: Rgb = b.rng.choice(((248, 246, 240), (150, 106, 70), (74, 84, 90)))
    for x0, x1 in ((0.1, 0.125), (0.49, 0.51), (0.875, 0.9)):
        b.box(x0, 0.0, x1, sill, frame)
        b.box(x1 - 0.004, 0.0, x1, sill, mixed(frame, BLACK, 0.25))
    for y in (0.04, 0.34, sill - 0.03):
        b.box(0.1, y, 0.9, y + 0.022, frame)
    wall = jittered(b.rng, b.rng.choice(_PAINTS))
    b.box(0, 0, 0.1, sill, wall)
    b.box(0.9, 0, 1, sill, wall)
    cloth = jittered(b.rng, b.rng.choice(((246, 240, 230), (206, 190, 170), (170, 190, 200))))
    curtain(b, 0, 0.14, sill, cloth)
    curtain(b, 0.86, 1, sill, cloth)
    table(b, sill, jittered(b.rng, mixed(frame, WHITE, 0.2), 6), b.rng.choice(("wood", "plaster")), 0.4)
    b.poly([(0.2, sill), (0.45, sill), (0.6, 1), (0.25, 1)], WHITE, 0.16)
    b.poly([(0.55, sill), (0.8, sill), (1.05, 1), (0.7, 1)], WHITE, 0.16)


def oak_desk(b: Backdrop) -> None:
    """Draw an oak desk before a wall with a lamp, books and a plant."""
    top = b.rng.uniform(0.64, 0.7)
    paint = _wall(b, top + 0.05, (*_PAINTS, (96, 112, 120), (120, 130, 116)))
    left, ux = b.rng.random() < 0.5, b.unit_x
    lamp, stack = (0.12, 0.86) if left else (0.88, 0.14)
    lean = 0.1 if left else -0.1
    books(b, stack - 0.12 * ux, stack + 0.12 * ux, top, 0.17)
    if b.rng.random() < 0.5:
        window(b, 0.5 - 0.2 * ux, 0.06, 0.5 + 0.2 * ux, 0.34)
    else:
        shelf(b, 0.3, 0.7, 0.26, mixed(paint, (120, 84, 54), 0.7))
        books(b, 0.34, 0.34 + 0.2 * ux, 0.26, 0.13)
        plant(b, 0.64, 0.26, 0.06)
    metal = b.rng.choice(((50, 54, 60), (206, 166, 84), (190, 70, 60)))
    b.line([(lamp, top), (lamp - lean * 0.4 * ux, top - 0.2), (lamp + lean * 0.8 * ux, top - 0.34)], metal, 0.014)
    b.disc(lamp, top, 0.06, metal, 0.25)
    hx, hy = lamp + lean * 0.8 * ux, top - 0.34
    b.glow(hx + lean * 0.6 * ux, hy + 0.1, 0.24, (255, 232, 170), 0.7)
    b.poly(
        [
            (hx - 0.03 * ux, hy - 0.03),
            (hx + 0.03 * ux, hy - 0.03),
            (hx + (0.07 + lean * 0.5) * ux, hy + 0.06),
            (hx + (-0.07 + lean * 0.5) * ux, hy + 0.06),
        ],
        metal,
    )
    b.soften(0.006, top)
    table(b, top, jittered(b.rng, b.rng.choice(OAK[:3]), 6), "planks", 0.8)
