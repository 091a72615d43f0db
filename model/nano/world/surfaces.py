"""Table tops, fabrics and materials, seen from above or with a blurred room behind."""

from collections.abc import Sequence

from brandpress.model.nano.world.backdrop import Backdrop
from brandpress.model.nano.world.colours import Rgb, jittered, mixed
from brandpress.model.nano.world.props import BLACK, GREENS, OAK, WHITE, lights, table

_ROOMS: tuple[Rgb, ...] = (
    (206, 190, 170),
    (176, 190, 196),
    (226, 220, 212),
    (150, 136, 124),
    (190, 204, 190),
    (96, 104, 110),
)


def _room(b: Backdrop, top: float, rooms: Sequence[Rgb] = _ROOMS) -> None:
    """Draw a blurred room down to `top`."""
    paint = jittered(b.rng, b.rng.choice(list(rooms)))
    b.gradient(0, top, (0, mixed(paint, WHITE, 0.2)), (1, mixed(paint, BLACK, 0.12)))
    for _ in range(7):
        x, wide, high = b.rng.random(), b.rng.uniform(0.06, 0.24) * b.unit_x, b.rng.uniform(0.1, 0.5)
        tone = b.rng.choice(
            (mixed(paint, BLACK, 0.35), mixed(paint, WHITE, 0.55), b.rng.choice(GREENS), b.rng.choice(OAK))
        )
        b.box(x - wide, top - high, x + wide, top - b.rng.choice((0.0, 0.0, high * 0.4)), mixed(paint, tone, 0.6))
    b.soften(0.035, top)
    b.soften(0.025, top)
    if b.rng.random() < 0.4:
        lights(b, 9, ((255, 226, 170), (255, 244, 220)), 0.02, top - 0.1, 0.02, 0.05)
        b.soften(0.008, top)
    b.glow(b.rng.choice((0.1, 0.9)), 0.15, 0.5, WHITE, 0.5)


def _top(b: Backdrop) -> float:
    """Returns where a table begins: at the top of the picture in 30 %."""
    return 0.0 if b.rng.random() < 0.3 else b.rng.uniform(0.52, 0.66)


def _slab(b: Backdrop, colour: Rgb, kind: str, strength: float) -> None:
    top = _top(b)
    if top > 0:
        _room(b, top)
        table(b, top, colour, kind, strength)
        return
    b.surface(kind, 0, colour, strength=strength, far=0.06)
    b.glow(b.rng.choice((0.2, 0.8)), 0.15, 0.6, mixed(colour, WHITE, 0.8), 0.5)


def wooden_table(b: Backdrop) -> None:
    """Draw a table of wooden planks."""
    _slab(
        b,
        jittered(b.rng, b.rng.choice((*OAK, (104, 70, 48), (216, 196, 170)))),
        b.rng.choice(("planks", "planks", "wood")),
        1.0,
    )


def marble_table(b: Backdrop) -> None:
    """Draw a marble table top."""
    colour = b.rng.choice(((240, 240, 240), (240, 240, 240), (236, 228, 218), (206, 222, 216), (62, 64, 70)))
    _slab(b, jittered(b.rng, colour, 6), "marble", 0.9)


def concrete(b: Backdrop) -> None:
    """Draw a concrete floor and wall."""
    grey = jittered(b.rng, b.rng.choice(((176, 176, 174), (150, 150, 150), (196, 192, 186), (110, 112, 116))), 8)
    floor = b.rng.uniform(0.6, 0.72)
    b.surface("concrete", 0, grey, bottom=floor, strength=0.8, far=0.1)
    b.glow(b.rng.random(), 0.2, 0.55, WHITE, 0.4)
    b.surface("concrete", floor, mixed(grey, WHITE, 0.12), strength=0.8, far=0.15)
    b.fade(floor, floor + 0.05, BLACK, 0.3, 0.0)
    b.fade(floor - 0.02, floor, BLACK, 0.0, 0.2)


def linen(b: Backdrop) -> None:
    """Draw a linen cloth."""
    colour = jittered(
        b.rng, b.rng.choice(((226, 214, 194), (240, 236, 228), (176, 186, 180), (196, 176, 160), (150, 166, 186)))
    )
    b.surface("weave", 0, colour, strength=0.55, far=0.06)
    b.texture("silk", (0, 0, 1, 1), mixed(colour, BLACK, 0.4), WHITE, 0.3)
    b.glow(b.rng.choice((0.2, 0.8)), 0.2, 0.6, WHITE, 0.35)


def silk(b: Backdrop) -> None:
    """Draw shining silk in folds."""
    colour = jittered(
        b.rng,
        b.rng.choice(
            ((206, 60, 80), (236, 214, 190), (90, 110, 180), (190, 150, 206), (60, 130, 120), (226, 180, 120))
        ),
    )
    b.surface("silk", 0, colour, strength=1.0, far=0.05, zoom=1.0)
    b.texture("silk", (0, 0, 1, 1), mixed(colour, BLACK, 0.5), mixed(colour, WHITE, 0.7), 0.5, 0.7)


def sand(b: Backdrop) -> None:
    """Draw rippled sand with nothing behind it."""
    colour = jittered(b.rng, (226, 198, 152))
    if b.rng.random() < 0.6:
        b.gradient(0, 0.4, (0, mixed(colour, WHITE, 0.5)), (1, mixed(colour, WHITE, 0.3)))
        b.surface("sand ripples", b.rng.uniform(0.1, 0.4), colour, strength=0.7, far=0.3)
    else:
        b.surface("sand ripples", -0.5, colour, strength=0.7)
    b.fade(0, 0.3, WHITE, 0.3, 0.0)


def terrazzo(b: Backdrop) -> None:
    """Draw a terrazzo counter and wall."""
    base = jittered(b.rng, b.rng.choice(((236, 228, 220), (214, 222, 220), (240, 214, 206))), 8)
    _slab(b, base, "speckles", 1.0)


def moss(b: Backdrop) -> None:
    """Draw moss and leaves on the ground, blurred greenery behind."""
    top = b.rng.uniform(0.5, 0.62)
    b.gradient(0, top, (0, (196, 220, 170)), (1, (90, 130, 80)))
    lights(b, 16, ((220, 240, 180), (150, 196, 120), (250, 250, 210)), 0.0, top, 0.03, 0.08)
    b.soften(0.02, top)
    b.surface("leaf litter", top, jittered(b.rng, (86, 130, 60)), strength=1.0, far=0.15)
    b.glow(0.5, top + 0.1, 0.5, (230, 250, 190), 0.35)


def leaves(b: Backdrop) -> None:
    """Draw a wall of green leaves above a pale table."""
    top = b.rng.uniform(0.62, 0.72)
    green = jittered(b.rng, b.rng.choice(GREENS))
    b.surface("foliage", 0, green, bottom=top, strength=0.9, zoom=1.3)
    b.soften(0.006, top)
    table(
        b, top, jittered(b.rng, b.rng.choice(((236, 232, 224), *OAK))), b.rng.choice(("wood", "plaster", "marble")), 0.5
    )
