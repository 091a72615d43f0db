"""Indoor scenes and studio backdrops. `hue` is the backdrop's colour."""

from brandpress.model.nano.world.backdrop import Backdrop
from brandpress.model.nano.world.colours import Rgb, jittered, mixed

_WHITE: Rgb = (255, 255, 255)
_BLACK: Rgb = (20, 18, 28)


def studio(b: Backdrop, hue: Rgb) -> None:
    """Draw a plain backdrop with a soft light and a gentle floor."""
    wall = jittered(b.rng, hue, 8)
    floor = b.rng.uniform(0.68, 0.76)
    b.gradient(0, floor, (0, mixed(wall, _BLACK, 0.1)), (1, mixed(wall, _WHITE, 0.16)))
    b.gradient(floor, 1, (0, mixed(wall, _WHITE, 0.3)), (1, mixed(wall, _BLACK, 0.06)))
    b.soften(0.03)


def podium(b: Backdrop, hue: Rgb) -> None:
    """Draw a wall with an arch and a low round stage."""
    wall = jittered(b.rng, hue, 8)
    b.gradient(0, 1, (0, mixed(wall, _WHITE, 0.2)), (1, wall))
    x, tone = b.rng.uniform(0.4, 0.6), mixed(wall, _WHITE, 0.5)
    b.disc(x, 0.4, 0.3, tone)
    half = 0.3 * b.short / b.width
    b.box(x - half, 0.4, x + half, 0.76, tone)
    b.gradient(0.74, 1, (0, mixed(wall, _BLACK, 0.2)), (1, mixed(wall, _BLACK, 0.3)))
    b.disc(0.5, 0.92, 0.47 * b.width / b.short, mixed(wall, _BLACK, 0.1), 0.2 * b.short / b.width)
    b.disc(0.5, 0.88, 0.47 * b.width / b.short, mixed(wall, _WHITE, 0.35), 0.2 * b.short / b.width)


def stripes(b: Backdrop, hue: Rgb) -> None:
    """Draw a wall of wide stripes."""
    first, second = jittered(b.rng, hue, 8), mixed(hue, _WHITE, 0.62)
    b.gradient(0, 1, (0, second), (1, second))
    step = b.rng.uniform(0.14, 0.2) / max(1.0, b.aspect)
    lean = b.rng.choice((0.0, 0.35, -0.35))
    for index in range(-6, 20):
        x = index * step * 2
        b.poly([(x, 0), (x + step, 0), (x + step - lean, 1), (x - lean, 1)], first)


def kitchen(b: Backdrop) -> None:
    """Draw tiles, shelves and a wooden table."""
    table = b.rng.uniform(0.68, 0.74)
    tile = jittered(b.rng, b.rng.choice(((214, 232, 230), (240, 232, 214), (206, 222, 238))))
    b.gradient(0, table, (0, tile), (1, mixed(tile, _WHITE, 0.3)))
    rows = 8
    for index in range(rows + 1):
        b.line([(0, index * table / rows), (1, index * table / rows)], _WHITE, 0.008)
    columns = round(10 * b.aspect)
    for index in range(columns + 1):
        b.line([(index / columns, 0), (index / columns, table)], _WHITE, 0.008)
    b.box(0.05, 0.3, 0.95, 0.33, (150, 104, 66))
    for _ in range(b.rng.randint(4, 7)):
        x, tall = b.rng.uniform(0.08, 0.88), b.rng.uniform(0.08, 0.15)
        colour = b.rng.choice(((206, 96, 70), (88, 140, 150), (236, 200, 110), (120, 150, 96)))
        b.box(x, 0.3 - tall, x + 0.06, 0.3, jittered(b.rng, colour))
    b.gradient(table, 1, (0, jittered(b.rng, (196, 142, 90))), (1, (166, 112, 66)))
    b.box(0, table, 1, table + 0.02, (140, 92, 54))


def living_room(b: Backdrop) -> None:
    """Draw a sofa, a framed picture, a lamp and a wooden floor."""
    floor = b.rng.uniform(0.66, 0.72)
    wall = jittered(b.rng, b.rng.choice(((228, 214, 196), (190, 206, 200), (222, 200, 200), (196, 204, 220))))
    b.gradient(0, floor, (0, wall), (1, mixed(wall, _WHITE, 0.25)))
    b.gradient(floor, 1, (0, (180, 130, 84)), (1, (150, 102, 64)))
    x = b.rng.uniform(0.3, 0.5)
    b.box(x, 0.1, x + 0.26, 0.3, (110, 78, 56))
    b.box(x + 0.02, 0.12, x + 0.24, 0.28, jittered(b.rng, (236, 226, 206)))
    b.disc(x + 0.13, 0.2, 0.05, jittered(b.rng, (220, 130, 90), 40))
    sofa = jittered(b.rng, b.rng.choice(((74, 120, 140), (150, 96, 90), (110, 130, 90), (130, 110, 150))))
    b.box(0.12, 0.4, 0.88, floor + 0.02, sofa)
    b.box(0.06, 0.48, 0.18, floor + 0.04, mixed(sofa, _BLACK, 0.2))
    b.box(0.82, 0.48, 0.94, floor + 0.04, mixed(sofa, _BLACK, 0.2))
    b.box(0.18, 0.55, 0.82, floor + 0.03, mixed(sofa, _WHITE, 0.15))
    side = b.rng.choice((0.1, 0.9))
    b.line([(side, 0.2), (side, 0.5)], (90, 70, 60), 0.014)
    b.poly([(side - 0.06, 0.24), (side - 0.035, 0.1), (side + 0.035, 0.1), (side + 0.06, 0.24)], (250, 226, 160))
    b.disc(0.5, 0.88, 0.4 * b.width / b.short, jittered(b.rng, (216, 196, 170)), 0.2 * b.short / b.width)


def stage(b: Backdrop) -> None:
    """Draw a dark stage with curtains and spotlights."""
    floor = b.rng.uniform(0.72, 0.78)
    b.gradient(0, floor, (0, (30, 18, 44)), (1, (62, 34, 74)))
    colours: tuple[Rgb, ...] = ((255, 240, 190), (255, 150, 200), (150, 200, 255))
    for x in (0.3, 0.7):
        beam = mixed((62, 34, 74), b.rng.choice(colours), 0.45)
        aim = x + b.rng.uniform(-0.1, 0.1)
        b.poly([(x - 0.02, 0), (x + 0.02, 0), (aim + 0.2, floor + 0.1), (aim - 0.2, floor + 0.1)], beam)
    b.soften(0.012)
    b.gradient(floor, 1, (0, (120, 72, 56)), (1, (92, 52, 44)))
    for x in (0.28, 0.72):
        b.disc(x, 0.88, 0.22, (206, 158, 116), 0.3)
    curtain = jittered(b.rng, (176, 28, 44))
    for index in range(3):
        tone = curtain if index % 2 == 0 else mixed(curtain, _BLACK, 0.25)
        b.box(index * 0.045, 0, (index + 1) * 0.045, floor + 0.04, tone)
        b.box(1 - (index + 1) * 0.045, 0, 1 - index * 0.045, floor + 0.04, tone)
    b.box(0, 0, 1, 0.07, curtain)


def bricks(b: Backdrop) -> None:
    """Draw a brick wall over a wooden floor."""
    floor = b.rng.uniform(0.7, 0.76)
    brick = jittered(b.rng, b.rng.choice(((182, 90, 66), (168, 100, 80), (200, 196, 190))))
    joint = mixed(brick, (230, 220, 210), 0.45)
    b.gradient(0, floor, (0, joint), (1, joint))
    rows, columns = 10, round(5 * b.aspect)
    for row in range(rows):
        for column in range(-1, columns + 1):
            x = (column + 0.5 * (row % 2)) / columns
            y = row * floor / rows
            b.box(x + 0.006, y + 0.006, x + 1 / columns - 0.006, y + floor / rows - 0.006, jittered(b.rng, brick, 9))
    b.gradient(floor, 1, (0, (150, 108, 76)), (1, (122, 84, 58)))
    b.box(0, floor - 0.03, 1, floor, (236, 232, 226))


def bokeh(b: Backdrop) -> None:
    """Draw blurred party lights in the dark."""
    b.gradient(0, 1, (0, jittered(b.rng, (30, 20, 40))), (1, jittered(b.rng, (70, 40, 50))))
    lights: tuple[Rgb, ...] = ((255, 200, 110), (255, 150, 90), (250, 120, 160), (255, 230, 170), (120, 180, 240))
    for _ in range(b.rng.randint(14, 24)):
        x, y, r = b.rng.random(), b.rng.uniform(0.0, 0.72), b.rng.uniform(0.03, 0.075)
        b.disc(x, y, r, mixed((60, 36, 46), b.rng.choice(lights), b.rng.uniform(0.4, 0.85)))
    b.soften(0.014)
    b.gradient(0.76, 1, (0, (96, 62, 50)), (1, (60, 38, 36)))


def bookshelf(b: Backdrop) -> None:
    """Draw shelves full of books."""
    b.gradient(0, 1, (0, (104, 70, 46)), (1, (84, 56, 38)))
    spines: tuple[Rgb, ...] = (
        (176, 60, 56),
        (56, 96, 140),
        (220, 190, 120),
        (70, 120, 88),
        (120, 76, 130),
        (214, 120, 60),
    )
    for shelf in range(3):
        low = 0.22 + shelf * 0.25
        x = 0.03
        while x < 0.95:
            width = b.rng.uniform(0.03, 0.055) / max(1.0, b.aspect**0.6)
            tall = b.rng.uniform(0.13, 0.19)
            if b.rng.random() < 0.93:
                b.box(x, low - tall, x + width, low, jittered(b.rng, b.rng.choice(spines)))
            x += width + 0.005
        b.box(0, low, 1, low + 0.03, (142, 98, 64))
    b.gradient(0.78, 1, (0, (176, 128, 86)), (1, (146, 100, 64)))
