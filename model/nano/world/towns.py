"""Towns, traffic and harbours."""

from brandpress.model.nano.world.backdrop import Backdrop
from brandpress.model.nano.world.colours import Rgb, jittered, mixed
from brandpress.model.nano.world.props import (
    BLACK,
    BRIGHT,
    GREENS,
    WHITE,
    buildings,
    bulbs,
    plant,
    sky,
    steps,
    tree,
    window,
)

_WALLS: tuple[Rgb, ...] = ((150, 164, 184), (196, 172, 150), (120, 142, 170), (206, 206, 204), (176, 150, 136))
_NEON: tuple[Rgb, ...] = ((255, 70, 150), (70, 220, 255), (255, 200, 70), (150, 100, 255))


def city(b: Backdrop) -> None:
    """Draw towers by day over a paved square."""
    ground = b.rng.uniform(0.6, 0.66)
    sky(b, ground)
    buildings(
        b,
        ground,
        [mixed(wall, (200, 220, 240), 0.5) for wall in _WALLS],
        ((226, 240, 250), (150, 176, 206)),
        0.6,
        tall=(0.36, 0.56),
    )
    b.soften(0.008, ground)
    buildings(b, ground, _WALLS, ((214, 234, 248), (84, 108, 140)), 0.6, tall=(0.24, 0.46))
    b.soften(0.005, ground)
    for x in steps(b, 0.2, 0.34):
        tree(b, x, ground + 0.02, 0.15, GREENS)
    b.surface("tile floor", ground, jittered(b.rng, (170, 170, 172)), strength=0.8)


def night_city(b: Backdrop) -> None:
    """Draw dark towers with lit windows."""
    ground = b.rng.uniform(0.62, 0.68)
    b.gradient(0, ground, (0, jittered(b.rng, (14, 16, 48))), (1, jittered(b.rng, (92, 54, 116))))
    if b.rng.random() < 0.5:
        b.disc(b.rng.uniform(0.1, 0.9), 0.1, 0.05, (244, 240, 214))
    buildings(b, ground, ((40, 44, 86), (56, 50, 96)), ((226, 180, 110), (56, 56, 96)), 0.5, tall=(0.36, 0.56))
    b.soften(0.008, ground)
    buildings(
        b, ground, ((30, 32, 58), (38, 36, 66), (26, 28, 50)), ((255, 214, 106), (52, 52, 84)), 0.55, tall=(0.2, 0.46)
    )
    b.soften(0.005, ground)
    b.surface("asphalt", ground, jittered(b.rng, (62, 60, 84)), far=0.15)
    for _ in range(14):
        x, colour = b.rng.random(), b.rng.choice(((255, 206, 120), *_NEON))
        b.box(x, ground, x + 0.02 * b.unit_x, ground + b.rng.uniform(0.06, 0.2), colour, 0.18)


def _fronts(b: Backdrop, ground: float, lit: float) -> None:
    walls: tuple[Rgb, ...] = (
        (206, 130, 100),
        (232, 200, 146),
        (146, 174, 184),
        (202, 152, 168),
        (170, 186, 144),
        (226, 220, 208),
    )
    for x in steps(b, 0.3, 0.38, start=-0.2):
        wide = 0.38 * b.unit_x
        wall = mixed(jittered(b.rng, b.rng.choice(walls)), (30, 34, 56), lit)
        glass: tuple[Rgb, Rgb] = ((255, 214, 140), (255, 236, 180)) if lit > 0.3 else ((150, 186, 210), (206, 226, 238))
        b.shape(
            [(x, 0.0), (x + wide, 0.0), (x + wide, ground), (x, ground)],
            wall,
            b.rng.choice(("brick", "plaster", "stones")),
            0.5,
        )
        b.box(x, 0, x + 0.006, ground, BLACK, 0.35)
        for column in range(2):
            left = x + wide * (0.14 + 0.44 * column)
            window(
                b,
                left,
                0.06,
                left + wide * 0.26,
                0.25,
                light=glass if b.rng.random() < 0.7 else ((60, 70, 90), (90, 104, 124)),
            )
        b.box(x + wide * 0.05, 0.4, x + wide * 0.95, ground, mixed(wall, BLACK, 0.35))
        window(
            b, x + wide * 0.1, 0.44, x + wide * 0.6, ground - 0.05, light=glass, columns=2, rows=1, frame=(70, 60, 54)
        )
        b.box(x + wide * 0.68, 0.43, x + wide * 0.9, ground, b.rng.choice(((96, 66, 54), (44, 84, 80), (120, 44, 48))))
        b.box(x + wide * 0.72, 0.46, x + wide * 0.86, ground - 0.1, glass[0])
        awning = b.rng.choice(((206, 60, 60), (50, 130, 90), (50, 90, 170), (230, 160, 50)))
        for stripe in range(8):
            left = x + wide * (0.04 + 0.115 * stripe)
            tone = mixed(awning if stripe % 2 == 0 else (248, 246, 240), (40, 40, 60), lit * 0.6)
            b.poly(
                [(left + wide * 0.01, 0.34), (left + wide * 0.125, 0.34), (left + wide * 0.115, 0.42), (left, 0.42)],
                tone,
            )
            b.disc(left + wide * 0.0575, 0.42, wide * 0.0575 / b.unit_x, tone, 0.6)


def street(b: Backdrop) -> None:
    """Draw shop fronts with awnings and a paved pavement."""
    ground = b.rng.uniform(0.62, 0.68)
    _fronts(b, ground, 0.0)
    b.soften(0.006, ground)
    b.surface(b.rng.choice(("tile floor", "cobbles")), ground, jittered(b.rng, (190, 184, 176)), strength=0.7)
    b.fade(ground, ground + 0.05, BLACK, 0.3, 0.0)


def rain_street(b: Backdrop) -> None:
    """Draw a wet street at dusk with reflections and rain."""
    ground = b.rng.uniform(0.6, 0.66)
    _fronts(b, ground, 0.55)
    b.soften(0.012, ground)
    b.mirror(ground, (50, 56, 76), 0.5)
    b.soften(0.02)
    b.texture("cobbles", (0, ground, 1, 1), BLACK, (190, 200, 220), 0.55)
    b.texture("rain", (0, 0, 1, 1), BLACK, (226, 234, 246), 0.8)
    for _ in range(10):
        x, y = b.rng.random(), b.rng.uniform(ground + 0.05, 0.98)
        b.disc(x, y, b.rng.uniform(0.02, 0.06), (200, 210, 230), 0.25, 0.22)


def harbour(b: Backdrop) -> None:
    """Draw sailing boats, coloured houses and a quay."""
    horizon = b.rng.uniform(0.42, 0.48)
    sky(b, horizon)
    for x in steps(b, 0.11, 0.15):
        top, wall = (
            horizon - b.rng.uniform(0.1, 0.18),
            jittered(
                b.rng,
                b.rng.choice(((226, 150, 110), (240, 214, 150), (180, 200, 214), (220, 120, 110), (240, 236, 226))),
            ),
        )
        b.box(x, top, x + 0.13 * b.unit_x, horizon, wall)
        b.poly([(x, top), (x + 0.065 * b.unit_x, top - 0.05), (x + 0.13 * b.unit_x, top)], (170, 90, 70))
        for column in range(2):
            for row in range(2):
                b.box(
                    x + (0.025 + column * 0.055) * b.unit_x,
                    top + 0.02 + row * 0.05,
                    x + (0.05 + column * 0.055) * b.unit_x,
                    top + 0.045 + row * 0.05,
                    (70, 90, 110),
                )
    b.mirror(horizon, (60, 120, 160), 0.5)
    b.soften(0.006)
    b.texture("water", (0, horizon, 1, 1), (30, 80, 120), (210, 232, 246), 0.7)
    quay = b.rng.uniform(0.7, 0.76)
    for x in (0.14, 0.86, b.rng.uniform(0.3, 0.7)):
        y, s, hull = horizon + b.rng.uniform(0.1, 0.17), b.rng.uniform(0.12, 0.17), b.rng.choice((WHITE, *BRIGHT))
        ux, uy = b.unit_x, b.unit_y
        b.line([(x, y), (x, y - 2.6 * s * uy)], (110, 84, 66), 0.008)
        b.poly(
            [
                (x + 0.05 * s * ux, y - 2.5 * s * uy),
                (x + 0.9 * s * ux, y - 0.25 * s * uy),
                (x + 0.05 * s * ux, y - 0.25 * s * uy),
            ],
            (250, 248, 240),
        )
        b.poly(
            [
                (x - 0.05 * s * ux, y - 2.2 * s * uy),
                (x - 0.7 * s * ux, y - 0.25 * s * uy),
                (x - 0.05 * s * ux, y - 0.25 * s * uy),
            ],
            (230, 228, 222),
        )
        b.poly(
            [
                (x - s * ux, y - 0.12 * s * uy),
                (x + 1.1 * s * ux, y - 0.12 * s * uy),
                (x + 0.8 * s * ux, y + 0.22 * s * uy),
                (x - 0.8 * s * ux, y + 0.22 * s * uy),
            ],
            hull,
        )
        b.disc(x, y + 0.3 * s * uy, s * 0.9, (30, 70, 100), 0.14, 0.4)
    b.surface(
        b.rng.choice(("tile floor", "plank floor", "cobbles")), quay, jittered(b.rng, (176, 162, 144)), strength=0.8
    )
    b.box(0, quay, 1, quay + 0.014, (214, 204, 190))


def station(b: Backdrop) -> None:
    """Draw a train beside a platform."""
    ground = b.rng.uniform(0.64, 0.7)
    wall = jittered(b.rng, b.rng.choice(((214, 216, 214), (120, 130, 140), (226, 214, 190))))
    b.surface("subway tiles", 0, wall, bottom=ground, strength=0.5)
    b.gradient(0, 0.1, (0, (70, 74, 82)), (1, (96, 100, 108)))
    for x in steps(b, 0.3, 0.3):
        b.box(x, 0.05, x + 0.2 * b.unit_x, 0.075, (255, 252, 236))
        b.glow(x + 0.1 * b.unit_x, 0.08, 0.18, (255, 250, 230), 0.5)
    colour = jittered(b.rng, b.rng.choice(((200, 52, 50), (44, 96, 170), (60, 140, 110), (232, 180, 60))))
    b.gradient(
        0.2,
        ground + 0.01,
        (0, (236, 238, 240)),
        (0.55, (206, 210, 214)),
        (0.56, colour),
        (1, mixed(colour, BLACK, 0.3)),
    )
    b.box(0, 0.2, 1, 0.23, mixed(colour, BLACK, 0.1))
    for x in steps(b, 0.24, 0.24):
        b.box(x, 0.29, x + 0.17 * b.unit_x, 0.44, (58, 76, 96))
        b.poly(
            [(x + 0.02, 0.44), (x + 0.07 * b.unit_x, 0.29), (x + 0.13 * b.unit_x, 0.29), (x + 0.06 * b.unit_x, 0.44)],
            (150, 180, 200),
            0.5,
        )
        b.box(x + 0.2 * b.unit_x, 0.26, x + 0.207 * b.unit_x, ground, (90, 94, 100))
    b.soften(0.006, ground)
    b.surface("tile floor", ground, jittered(b.rng, (168, 166, 162)), strength=0.7)
    b.box(0, ground, 1, ground + 0.012, (60, 60, 64))
    b.box(0, ground + 0.03, 1, ground + 0.05, (244, 204, 64))


def airport(b: Backdrop) -> None:
    """Draw a departure hall with a plane behind large windows."""
    floor = b.rng.uniform(0.62, 0.68)
    sky(b, floor, (110, 174, 236), (232, 240, 246), 0.6)
    b.gradient(floor - 0.14, floor, (0, (172, 178, 182)), (1, (140, 146, 150)))
    x, y, s, ux, uy = b.rng.uniform(0.35, 0.6), floor - 0.16, 0.4, b.unit_x, b.unit_y
    tail = b.rng.choice(BRIGHT)
    b.poly(
        [
            (x - s * 0.92 * ux, y - 0.05 * s * uy),
            (x - s * 1.05 * ux, y - 0.5 * s * uy),
            (x - s * 0.85 * ux, y - 0.5 * s * uy),
            (x - s * 0.6 * ux, y - 0.08 * s * uy),
        ],
        tail,
    )
    b.disc(x, y, s, (246, 248, 250), 0.13)
    b.disc(x, y + 0.05 * s * uy, s * 0.95, (206, 212, 220), 0.07)
    for i in range(15):
        b.disc(x + (-0.66 + i * 0.09) * s * ux, y - 0.03 * s * uy, s * 0.02, (70, 96, 124))
    b.poly(
        [
            (x - 0.1 * s * ux, y + 0.04 * s * uy),
            (x + 0.2 * s * ux, y + 0.04 * s * uy),
            (x - 0.3 * s * ux, y + 0.32 * s * uy),
            (x - 0.42 * s * ux, y + 0.32 * s * uy),
        ],
        (180, 188, 198),
    )
    b.disc(x - 0.02 * s * ux, y + 0.15 * s * uy, s * 0.08, tail, 0.8)
    b.soften(0.007, floor)
    for column in steps(b, 0.3, 0.3):
        b.box(column, 0, column + 0.018 * ux, floor, (112, 120, 130))
    b.box(0, 0.0, 1, 0.06, (126, 134, 144))
    b.box(0, 0.3, 1, 0.312, (126, 134, 144))
    b.surface("tile floor", floor, jittered(b.rng, (196, 200, 206)), strength=0.5)
    b.fade(floor, 0.85, (220, 236, 250), 0.5, 0.0)


def highway(b: Backdrop) -> None:
    """Draw a road that runs towards mountains."""
    horizon = b.rng.uniform(0.46, 0.54)
    warm = b.rng.random() < 0.4
    sky(b, horizon, (120, 140, 200) if warm else (84, 160, 232), (255, 206, 160) if warm else (214, 234, 248))
    b.ridge(horizon, b.rng.uniform(0.14, 0.24), jittered(b.rng, (140, 130, 140)), "rock", peaks=3, strength=0.7)
    b.soften(0.006, horizon)
    land = jittered(b.rng, b.rng.choice(((206, 170, 116), (130, 160, 90), (190, 130, 90))))
    b.surface(b.rng.choice(("sand", "grass")), horizon, land, strength=0.8)
    x, ux = b.rng.uniform(0.4, 0.6), b.unit_x
    b.shape(
        [(x - 0.008 * ux, horizon), (x + 0.008 * ux, horizon), (x + 0.62 * ux, 1), (x - 0.62 * ux, 1)],
        (92, 92, 98),
        "asphalt",
        0.9,
    )
    for side in (-1, 1):
        b.poly(
            [(x + side * 0.007 * ux, horizon), (x + side * 0.58 * ux, 1), (x + side * 0.55 * ux, 1)], (238, 236, 226)
        )
    for dash in range(7):
        near, after = (dash / 7) ** 2, ((dash + 0.5) / 7) ** 2
        y0, y1 = horizon + (1 - horizon) * near, horizon + (1 - horizon) * after
        b.poly(
            [
                (x - 0.016 * near * ux, y0),
                (x + 0.016 * near * ux, y0),
                (x + 0.016 * after * ux, y1),
                (x - 0.016 * after * ux, y1),
            ],
            (244, 206, 80),
        )
    for step in range(6):
        share = ((step + 1) / 6) ** 2
        y = horizon + 0.4 * share * (1 - horizon)
        for side in (-1, 1):
            post = x + side * (0.02 + 0.7 * share * 0.62) * ux
            b.box(post, y - 0.05 * share - 0.01, post + 0.012 * share * ux, y, (236, 236, 232))


def bridge(b: Backdrop) -> None:
    """Draw a suspension bridge across a bay."""
    horizon = b.rng.uniform(0.5, 0.56)
    sky(b, horizon, (110, 166, 220), (240, 224, 206), 0.7)
    b.ridge(horizon, 0.12, (130, 150, 166), "rock", peaks=3, strength=0.4)
    b.soften(0.006, horizon)
    colour = jittered(b.rng, b.rng.choice(((196, 76, 56), (110, 120, 132))))
    deck, left, right = horizon - 0.04, 0.24, 0.76
    for x in (left, right):
        b.box(x - 0.014 * b.unit_x, 0.14, x + 0.014 * b.unit_x, horizon + 0.03, colour)
    for a, z in ((-0.28, left), (left, right), (right, 1.28)):
        path = [(a + (z - a) * i / 16, 0.15 + (deck - 0.19) * (1 - (2 * i / 16 - 1) ** 2)) for i in range(17)]
        b.line(path, colour, 0.009)
        for x, y in path:
            b.line([(x, y), (x, deck)], mixed(colour, WHITE, 0.2), 0.003)
    b.box(0, deck, 1, deck + 0.02, mixed(colour, BLACK, 0.15))
    b.surface("water", horizon, jittered(b.rng, (70, 130, 160)), strength=0.9)
    b.surface("plank floor", b.rng.uniform(0.72, 0.76), jittered(b.rng, (150, 130, 110)), strength=0.8)


def terrace(b: Backdrop) -> None:
    """Draw a rooftop terrace with plants, lights and a skyline."""
    evening = b.rng.random() < 0.5
    rail = b.rng.uniform(0.58, 0.64)
    sky(b, rail, (80, 80, 150) if evening else (100, 172, 236), (252, 178, 140) if evening else (220, 236, 248), 0.6)
    for x in steps(b, 0.08, 0.14):
        top, tone = rail - b.rng.uniform(0.06, 0.26), mixed((150, 160, 180), (90, 76, 110), 0.7 if evening else 0.1)
        b.box(x, top, x + 0.12 * b.unit_x, rail + 0.1, jittered(b.rng, tone))
        for row in range(3):
            for column in range(3):
                pane = (255, 220, 140) if evening and b.rng.random() < 0.6 else (206, 220, 236)
                b.box(
                    x + (0.015 + column * 0.034) * b.unit_x,
                    top + 0.02 + row * 0.04,
                    x + (0.035 + column * 0.034) * b.unit_x,
                    top + 0.04 + row * 0.04,
                    pane,
                )
    b.soften(0.012, rail + 0.1)
    b.box(0, rail + 0.02, 1, rail + 0.12, (220, 232, 238), 0.3)
    b.box(0, rail, 1, rail + 0.022, (70, 66, 66))
    for x in steps(b, 0.2, 0.2):
        b.box(x, rail, x + 0.014 * b.unit_x, rail + 0.13, (70, 66, 66))
    b.surface("plank floor", rail + 0.12, jittered(b.rng, (168, 132, 98)), strength=0.8)
    for x in (0.04, 0.96):
        plant(b, x, rail + 0.18, b.rng.uniform(0.15, 0.2))
    bulbs(b, b.rng.uniform(0.06, 0.1), 0.07, ((255, 220, 150),), count=13)
