"""Abstract scenes of random colours, shapes and textures, which only a reference picture can specify."""

from collections.abc import Callable

from brandpress.model.nano.world.backdrop import Backdrop
from brandpress.model.nano.world.colours import Rgb, mixed, random_colour
from brandpress.model.nano.world.props import lights

_WALLS = (
    "plaster",
    "clouds",
    "marble",
    "weave",
    "silk",
    "concrete",
    "foliage",
    "brick",
    "tiles",
    "boards",
    "rock",
    "folds",
    "speckles",
)
_FLOORS = (
    "plank floor",
    "tile floor",
    "grass",
    "sand",
    "water",
    "asphalt",
    "cobbles",
    "wood",
    "plaster",
    "marble",
    "weave",
)


def abstract(b: Backdrop) -> None:
    """Draw a gradient, up to four layers of shapes, a texture or a blur, and a floor in 80 %."""
    base = random_colour(b.rng)
    stops = (base, mixed(base, random_colour(b.rng), 0.7), mixed(base, random_colour(b.rng), 0.7))
    b.gradient(0, 1, (0, stops[0]), (b.rng.uniform(0.3, 0.7), stops[1]), (1, stops[2]))
    if b.rng.random() < 0.3:
        b.texture(
            b.rng.choice(_WALLS), (0, 0, 1, 1), random_colour(b.rng), random_colour(b.rng), b.rng.uniform(0.2, 0.7)
        )
    for _ in range(b.rng.randint(0, 4)):
        b.rng.choice(_LAYERS)(b, random_colour(b.rng))
    blurred = b.rng.random() < 0.45
    if blurred:
        b.soften(b.rng.uniform(0.01, 0.05))
        if b.rng.random() < 0.5:
            lights(b, b.rng.randint(5, 18), [random_colour(b.rng) for _ in range(3)], 0.0, 0.7, 0.02, 0.08)
            b.soften(0.008)
    if b.rng.random() < 0.8:
        top, floor = b.rng.uniform(0.58, 0.8), random_colour(b.rng)
        if b.rng.random() < 0.6:
            b.surface(b.rng.choice(_FLOORS), top, floor, strength=b.rng.uniform(0.2, 0.9))
        else:
            b.gradient(top, 1, (0, floor), (1, mixed(floor, random_colour(b.rng), 0.3)))


def _hill(b: Backdrop, fill: Rgb) -> None:
    b.hill(b.rng.uniform(0.3, 0.7), b.rng.uniform(0.02, 0.15), fill, b.rng.uniform(0.5, 2.5))


def _discs(b: Backdrop, fill: Rgb) -> None:
    radius = b.rng.uniform(0.03, 0.22)
    for _ in range(1 if radius > 0.12 else b.rng.randint(2, 9)):
        b.disc(b.rng.random(), b.rng.uniform(0.05, 0.75), radius * b.rng.uniform(0.7, 1.2), fill)


def _towers(b: Backdrop, fill: Rgb) -> None:
    base, wide = b.rng.uniform(0.55, 0.8), b.rng.uniform(0.05, 0.16)
    for x in _across(b, wide * b.rng.uniform(1.0, 1.8)):
        b.box(x, base - b.rng.uniform(0.08, 0.45), x + wide, base, fill)


def _peaks(b: Backdrop, fill: Rgb) -> None:
    base, wide = b.rng.uniform(0.5, 0.8), b.rng.uniform(0.12, 0.5)
    for x in _across(b, wide * b.rng.uniform(0.6, 1.2)):
        b.poly([(x, base), (x + wide / 2, base - b.rng.uniform(0.12, 0.4)), (x + wide, base)], fill)


def _bars(b: Backdrop, fill: Rgb) -> None:
    step, lean = b.rng.uniform(0.06, 0.24), b.rng.choice((0.0, 0.0, 0.4, -0.4))
    for x in _across(b, 2 * step):
        b.poly([(x, 0), (x + step, 0), (x + step - lean, 1), (x - lean, 1)], fill)


def _shelves(b: Backdrop, fill: Rgb) -> None:
    step, thick = b.rng.uniform(0.1, 0.3), b.rng.uniform(0.012, 0.08)
    for index in range(round(0.8 / step)):
        b.box(0, (index + 0.5) * step, 1, (index + 0.5) * step + thick, fill)


def _light(b: Backdrop, fill: Rgb) -> None:
    b.glow(b.rng.random(), b.rng.uniform(0.1, 0.6), b.rng.uniform(0.2, 0.6), fill, b.rng.uniform(0.4, 1.0))


def _across(b: Backdrop, step: float) -> list[float]:
    first = -b.rng.random() * step
    return [first + index * step for index in range(round(1.6 / step) + 2)]


_LAYERS: tuple[Callable[[Backdrop, Rgb], None], ...] = (
    _hill, _discs, _towers, _peaks, _bars, _shelves, _light,
)  # fmt: skip
