"""Abstract scenes of random colours and shapes, which only a reference picture can specify."""

from collections.abc import Callable

from brandpress.model.nano.world.backdrop import Backdrop
from brandpress.model.nano.world.colours import Rgb, mixed, random_colour


def abstract(b: Backdrop) -> None:
    """Draw a gradient, two to four layers of shapes and, in 60 %, a floor."""
    b.gradient(
        0, 1, (0, random_colour(b.rng)), (b.rng.uniform(0.3, 0.7), random_colour(b.rng)), (1, random_colour(b.rng))
    )
    for _ in range(b.rng.randint(2, 4)):
        b.rng.choice(_LAYERS)(b, random_colour(b.rng))
    if b.rng.random() < 0.6:
        floor = random_colour(b.rng)
        b.gradient(b.rng.uniform(0.62, 0.82), 1, (0, floor), (1, mixed(floor, random_colour(b.rng), 0.3)))


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
