"""What a product kind is: the shapes of the body, which carries the pattern, and the shapes under and over it."""

from dataclasses import dataclass

from brandpress.model.nano.world.shapes import Shape

Painted = tuple[str, Shape]
"""A paint and a shape. Paints: body, second (the pattern's colour), dark and light (shades of the body), metal, ink,
glass, paper, glow, leaf, stem."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A product kind on a canvas of 100 x 100 units.

    nouns: the words for it in captions; the first is its name, and repeated ones are drawn more often. logo: centre x,
    y and radius. round: shaded like a cylinder.
    """

    nouns: tuple[str, ...]
    body: tuple[Shape, ...]
    under: tuple[Painted, ...]
    over: tuple[Painted, ...]
    logo: tuple[float, float, float]
    round: bool = False
