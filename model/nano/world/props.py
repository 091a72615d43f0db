"""Parts that several scenes share. x and y are fractions of the picture, sizes fractions of its shorter side."""

import math
from collections.abc import Sequence

from brandpress.model.nano.world.backdrop import Backdrop
from brandpress.model.nano.world.colours import Rgb, jittered, mixed

WHITE: Rgb = (255, 255, 255)
BLACK: Rgb = (20, 18, 28)
OAK: tuple[Rgb, ...] = ((196, 150, 98), (176, 126, 78), (206, 168, 120), (150, 104, 66))
GREENS: tuple[Rgb, ...] = ((58, 122, 58), (84, 150, 66), (44, 100, 62), (112, 160, 76))
BRIGHT: tuple[Rgb, ...] = (
    (222, 70, 66),
    (52, 128, 196),
    (244, 190, 66),
    (74, 160, 102),
    (238, 132, 60),
    (150, 96, 176),
)


def steps(b: Backdrop, low: float, high: float, *, start: float = -0.1, end: float = 1.1) -> list[float]:
    """Returns positions across the picture that are `low` to `high` shorter sides apart.

    Their number doesn't depend on the picture's size, only on its aspect.
    """
    xs, x = [], start + b.rng.random() * low * b.unit_x * 0.5
    while x < end:
        xs.append(x)
        x += b.rng.uniform(low, high) * b.unit_x
    return xs


def sky(
    b: Backdrop, horizon: float, top: Rgb = (84, 160, 232), bottom: Rgb = (208, 232, 248), cover: float = 0.8
) -> None:
    """Fill the sky down to `horizon`; cover: the opacity of its clouds."""
    b.gradient(0, horizon + 0.02, (0, jittered(b.rng, top)), (1, jittered(b.rng, bottom)))
    if cover > 0:
        b.texture("clouds", (0, 0, 1, horizon), WHITE, mixed(bottom, WHITE, 0.8), cover * b.rng.uniform(0.3, 1.0))


def mountains(b: Backdrop, base: float, tall: float, rock: Rgb, *, snow: float = 0.0, peaks: int = 3) -> None:
    """Draw a mountain range; snow: the share of its height that is white."""
    edge = b.ridge(base, tall, jittered(b.rng, rock), "rock", peaks=peaks, bottom=base + 0.05, strength=0.75)
    if snow <= 0:
        return
    line = base - tall * (1 - snow)
    jag = [0.02 * math.sin(i * 1.7) + 0.018 * math.sin(i * 0.6 + 1) for i in range(len(edge))]
    lower = [(x, max(y, min(line + jag[i], y + tall * snow))) for i, (x, y) in enumerate(edge)]
    b.shape([*edge, *reversed(lower)], (244, 248, 254), "rock", 0.3)


def fir(b: Backdrop, x: float, base: float, tall: float, colour: Rgb) -> None:
    """Draw a fir."""
    wide = tall * 0.2 * b.unit_x / b.unit_y
    b.box(x - wide * 0.1, base - tall * 0.12, x + wide * 0.1, base, (82, 58, 42))
    for step in range(6):
        high, low = base - tall * (1 - 0.15 * step), base - tall * (0.76 - 0.136 * step)
        reach = wide * (0.28 + 0.145 * step)
        tone = mixed(colour, BLACK if step % 2 else WHITE, 0.08)
        b.poly([(x - reach, low), (x, high), (x + reach, low), (x + reach * 0.4, low - 0.01), (x, low + 0.012)], tone)
        b.poly([(x, high), (x + reach, low), (x + reach * 0.1, low)], mixed(colour, BLACK, 0.22))


def tree(b: Backdrop, x: float, base: float, tall: float, leaves: Sequence[Rgb], trunk: Rgb = (96, 68, 48)) -> None:
    """Draw a round tree with a crown of many leaves."""
    ux, uy = b.unit_x, b.unit_y
    b.poly(
        [
            (x - 0.03 * tall * ux, base),
            (x - 0.014 * tall * ux, base - tall * 0.6 * uy),
            (x + 0.014 * tall * ux, base - tall * 0.6 * uy),
            (x + 0.03 * tall * ux, base),
        ],
        trunk,
    )
    colour = b.rng.choice(list(leaves))
    middle = base - tall * 0.68 * uy
    for ring in range(34):
        turn, reach = b.rng.random() * 6.28, b.rng.random() ** 0.5 * 0.3 * tall
        dx, dy = math.cos(turn) * reach, math.sin(turn) * reach
        tone = mixed(colour, WHITE if dy < 0 else BLACK, min(0.35, abs(dy) / tall * 0.9))
        size = tall * (0.13 if ring < 12 else 0.06)
        b.disc(x + dx * ux, middle + dy * uy, size, jittered(b.rng, tone, 10), 0.85)


def palm(b: Backdrop, x: float, base: float, tall: float, lean: float) -> None:
    """Draw a palm that leans by `lean` shorter sides."""
    ux, uy = b.unit_x, b.unit_y
    top_x, top_y = x + lean * ux, base - tall * uy
    b.line([(x, base), (x + lean * 0.35 * ux, base - tall * 0.5 * uy), (top_x, top_y)], (126, 92, 60), 0.024)
    for frond in range(9):
        turn = math.pi * (1.12 - frond * 0.155 + b.rng.uniform(-0.04, 0.04)) * -1
        reach = tall * 0.42
        ex, ey = math.cos(turn) * reach, math.sin(turn) * reach * 0.55
        bend = [
            (top_x, top_y),
            (top_x + ex * 0.55 * ux, top_y + (ey * 0.85 - 0.02) * uy),
            (top_x + ex * ux, top_y + (ey * 0.6 + 0.1) * uy),
        ]
        b.line(bend, b.rng.choice(GREENS), 0.022)
        b.poly(
            [bend[0], (bend[1][0], bend[1][1] - 0.016 * uy), bend[2], (bend[1][0], bend[1][1] + 0.04 * uy)],
            b.rng.choice(GREENS),
        )


def plant(b: Backdrop, x: float, base: float, size: float, pot: Rgb | None = None) -> None:
    """Draw a potted plant that is about twice `size` tall."""
    ux, uy = b.unit_x, b.unit_y
    for _ in range(11):
        turn = b.rng.uniform(-1.25, 1.25)
        tip = (
            x + math.sin(turn) * size * 1.05 * ux,
            base - size * (0.75 + math.cos(turn) * b.rng.uniform(0.7, 1.2)) * uy,
        )
        root = (x, base - size * 0.7 * uy)
        mid = ((tip[0] + root[0]) / 2, (tip[1] + root[1]) / 2)
        wide = size * 0.17
        green = jittered(b.rng, b.rng.choice(GREENS))
        b.poly(
            [
                root,
                (mid[0] - wide * math.cos(turn) * ux, mid[1] - wide * math.sin(turn) * uy),
                tip,
                (mid[0] + wide * math.cos(turn) * ux, mid[1] + wide * math.sin(turn) * uy),
            ],
            green,
        )
        b.line([root, tip], mixed(green, WHITE, 0.25), 0.003)
    colour = pot or b.rng.choice(((206, 120, 84), (232, 228, 220), (90, 96, 104)))
    b.poly(
        [
            (x - size * 0.42 * ux, base - size * 0.75 * uy),
            (x + size * 0.42 * ux, base - size * 0.75 * uy),
            (x + size * 0.3 * ux, base),
            (x - size * 0.3 * ux, base),
        ],
        colour,
    )
    b.poly(
        [
            (x + size * 0.1 * ux, base - size * 0.75 * uy),
            (x + size * 0.42 * ux, base - size * 0.75 * uy),
            (x + size * 0.3 * ux, base),
            (x + size * 0.1 * ux, base),
        ],
        mixed(colour, BLACK, 0.18),
    )


def window(
    b: Backdrop,
    x0: float,
    y0: float,
    x1: float,
    y1: float,
    *,
    frame: Rgb = (246, 244, 238),
    light: tuple[Rgb, Rgb] = ((176, 212, 240), (232, 242, 248)),
    columns: int = 2,
    rows: int = 2,
) -> None:
    """Draw a window with panes."""
    thick_x, thick_y = 0.016 * b.unit_x, 0.016 * b.unit_y
    b.box(x0 - thick_x, y0 - thick_y, x1 + thick_x, y1 + thick_y, mixed(frame, BLACK, 0.1))
    shares = 8
    for index in range(shares):
        low, high = (y0 + (y1 - y0) * part / shares for part in (index, index + 1))
        b.box(x0, low, x1, high, mixed(*light, index / (shares - 1)))
    b.poly([(x0, y1), (x0, y1 - (y1 - y0) * 0.3), (x0 + (x1 - x0) * 0.7, y0), (x1, y0)], WHITE, 0.16)
    for column in range(columns + 1):
        x = x0 + (x1 - x0) * column / columns
        b.box(x - thick_x / 2, y0, x + thick_x / 2, y1, frame)
    for row in range(rows + 1):
        y = y0 + (y1 - y0) * row / rows
        b.box(x0, y - thick_y / 2, x1, y + thick_y / 2, frame)


def pendant(b: Backdrop, x: float, y: float, size: float, colour: Rgb, light: Rgb = (255, 226, 160)) -> None:
    """Draw a hanging lamp with its glow."""
    ux, uy = b.unit_x, b.unit_y
    b.line([(x, 0), (x, y - size * 0.5 * uy)], (40, 36, 38), 0.004)
    b.glow(x, y + size * 0.2 * uy, size * 2.6, light, 0.5)
    b.poly(
        [
            (x - size * 0.15 * ux, y - size * 0.55 * uy),
            (x + size * 0.15 * ux, y - size * 0.55 * uy),
            (x + size * 0.6 * ux, y),
            (x - size * 0.6 * ux, y),
        ],
        colour,
    )
    b.disc(x, y, size * 0.6, mixed(light, WHITE, 0.5), 0.18)


def bulbs(b: Backdrop, y: float, sag: float, colours: Sequence[Rgb], *, count: int = 14, size: float = 0.013) -> None:
    """Draw a string of lights across the picture."""
    points = [(i / (count - 1), y + sag * math.sin(math.pi * ((i / (count - 1) * 2) % 1))) for i in range(count)]
    b.line(points, (50, 44, 44), 0.004)
    for index, (px, py) in enumerate(points):
        colour = colours[index % len(colours)]
        b.glow(px, py + 0.01, size * 4, colour, 0.7)
        b.disc(px, py + 0.012, size, mixed(colour, WHITE, 0.55))


def pennants(b: Backdrop, y: float, sag: float, colours: Sequence[Rgb] = BRIGHT) -> None:
    """Draw a garland of pennants across the picture."""
    count = round(11 * b.unit_y / b.unit_x)
    for index in range(count):
        x0, x1 = index / count, (index + 1) / count
        y0, y1 = (y + sag * math.sin(math.pi * x) for x in (x0, x1))
        colour = colours[index % len(colours)]
        b.poly([(x0, y0), (x1, y1), ((x0 + x1) / 2, (y0 + y1) / 2 + 0.09 * b.unit_y)], colour)
        b.line([(x0, y0), (x1, y1)], mixed(colour, WHITE, 0.5), 0.006)


def books(b: Backdrop, x0: float, x1: float, base: float, tall: float) -> None:
    """Draw a row of books."""
    spines: tuple[Rgb, ...] = (
        (166, 62, 56),
        (56, 92, 134),
        (214, 186, 120),
        (70, 116, 86),
        (112, 74, 122),
        (206, 118, 64),
        (232, 224, 206),
        (60, 60, 72),
    )
    x = x0
    while x < x1 - 0.05 * b.unit_x:
        wide, high = b.rng.uniform(0.022, 0.046) * b.unit_x, tall * b.rng.uniform(0.68, 1.0)
        colour = jittered(b.rng, b.rng.choice(spines))
        b.box(x, base - high, x + wide, base, colour)
        b.box(x + wide * 0.75, base - high, x + wide, base, mixed(colour, BLACK, 0.25))
        b.box(x, base - high * 0.85, x + wide, base - high * 0.78, mixed(colour, (250, 220, 150), 0.6))
        x += wide + 0.002 * b.unit_x


def bottles(b: Backdrop, x0: float, x1: float, base: float, tall: float, colours: Sequence[Rgb]) -> None:
    """Draw a row of bottles."""
    x = x0
    while x < x1 - 0.03 * b.unit_x:
        wide, high = tall * b.rng.uniform(0.28, 0.38) * b.unit_x / b.unit_y, tall * b.rng.uniform(0.75, 1.0)
        colour = jittered(b.rng, b.rng.choice(list(colours)))
        b.box(x, base - high * 0.62, x + wide, base, colour)
        b.box(x + wide * 0.34, base - high, x + wide * 0.66, base - high * 0.6, mixed(colour, BLACK, 0.1))
        b.box(x + wide * 0.12, base - high * 0.56, x + wide * 0.26, base - high * 0.08, mixed(colour, WHITE, 0.45))
        b.box(x, base - high * 0.4, x + wide, base - high * 0.16, mixed(colour, WHITE, 0.75))
        x += wide * b.rng.uniform(1.15, 1.6)


def packets(b: Backdrop, x0: float, x1: float, base: float, tall: float, colours: Sequence[Rgb] = BRIGHT) -> None:
    """Draw a row of packets and tins in groups of the same product."""
    x = x0
    while x < x1 - 0.02 * b.unit_x:
        colour, wide = jittered(b.rng, b.rng.choice(list(colours))), b.rng.uniform(0.04, 0.075) * b.unit_x
        high = tall * b.rng.uniform(0.6, 0.95)
        for _ in range(b.rng.randint(2, 4)):
            if x + wide > x1:
                break
            b.box(x, base - high, x + wide * 0.94, base, colour)
            b.box(x + wide * 0.1, base - high * 0.72, x + wide * 0.84, base - high * 0.4, mixed(colour, WHITE, 0.7))
            b.box(x + wide * 0.84, base - high, x + wide * 0.94, base, mixed(colour, BLACK, 0.25))
            x += wide
        x += 0.008 * b.unit_x


def shelf(b: Backdrop, x0: float, x1: float, y: float, colour: Rgb, thick: float = 0.022) -> None:
    """Draw a shelf board with its shadow below."""
    b.box(x0, y + thick * b.unit_y, x1, y + thick * 2.4 * b.unit_y, BLACK, 0.18)
    b.box(x0, y, x1, y + thick * b.unit_y, colour)
    b.box(x0, y, x1, y + thick * 0.3 * b.unit_y, mixed(colour, WHITE, 0.35))


def table(b: Backdrop, top: float, colour: Rgb, kind: str = "planks", strength: float = 0.7) -> None:
    """Fill the picture below `top` with a table top seen from slightly above."""
    b.fade(top - 0.03, top, BLACK, 0.0, 0.25)
    b.surface(kind, top, colour, strength=strength, far=0.2, zoom=1.0)
    b.box(0, top, 1, top + 0.006, mixed(colour, WHITE, 0.45))
    b.glow(b.rng.uniform(0.2, 0.8), top + 0.1, 0.5, mixed(colour, WHITE, 0.7), 0.35)


def curtain(b: Backdrop, x0: float, x1: float, y1: float, colour: Rgb) -> None:
    """Draw a curtain with folds from the top of the picture down to `y1`."""
    b.shape([(x0, 0), (x1, 0), (x1, y1), (x0, y1)], colour, "folds", 0.9)


def lights(b: Backdrop, count: int, colours: Sequence[Rgb], y0: float, y1: float, low: float, high: float) -> None:
    """Draw blurred round lights (bokeh)."""
    for _ in range(count):
        x, y, r = b.rng.random(), b.rng.uniform(y0, y1), b.rng.uniform(low, high)
        colour, alpha = b.rng.choice(list(colours)), b.rng.uniform(0.25, 0.75)
        b.disc(x, y, r, colour, alpha=alpha)
        b.arc(x, y, r, 0, 360, mixed(colour, WHITE, 0.3), r * 0.12)


def buildings(
    b: Backdrop,
    ground: float,
    walls: Sequence[Rgb],
    glass: Sequence[Rgb],
    share: float,
    *,
    tall: tuple[float, float] = (0.28, 0.52),
) -> None:
    """Draw a row of towers with windows; share: how many windows have the first colour of `glass`."""
    for x in steps(b, 0.12, 0.19):
        wide, top = b.rng.uniform(0.12, 0.2) * b.unit_x, ground - b.rng.uniform(*tall)
        wall = jittered(b.rng, b.rng.choice(list(walls)))
        b.box(x, top, x + wide, ground, wall)
        b.box(x + wide * 0.8, top, x + wide, ground, mixed(wall, BLACK, 0.2))
        if b.rng.random() < 0.3:
            b.box(x + wide * 0.3, top - 0.03, x + wide * 0.6, top, mixed(wall, BLACK, 0.12))
        columns, pitch = b.rng.choice((3, 4)), b.rng.choice((0.035, 0.05))
        for row in range(int((ground - top - 0.04) / pitch)):
            for column in range(columns):
                left = x + wide * (0.08 + 0.7 / columns * column)
                y = top + 0.02 + row * pitch
                pane = glass[0] if b.rng.random() < share else glass[1]
                b.box(left, y, left + wide * 0.42 / columns, y + pitch * 0.55, pane)


def rug(b: Backdrop, colour: Rgb, y: float = 0.88, wide: float = 0.4) -> None:
    """Draw an oval rug on the floor."""
    reach = wide / b.unit_x
    b.disc(0.5, y, reach, mixed(colour, BLACK, 0.15), 0.2 * b.unit_x / b.unit_y if b.aspect > 1 else 0.2)
    b.disc(0.5, y, reach * 0.93, colour, 0.2 * b.unit_x / b.unit_y if b.aspect > 1 else 0.2)
    b.disc(0.5, y, reach * 0.7, mixed(colour, WHITE, 0.2), 0.2 * b.unit_x / b.unit_y if b.aspect > 1 else 0.2)
