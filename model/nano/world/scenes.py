"""The scene types keyed by name, rendered at any size."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from brandpress.model.nano.world import indoors, outdoors
from brandpress.model.nano.world.abstract import abstract
from brandpress.model.nano.world.backdrop import Backdrop
from brandpress.model.nano.world.colours import Rgb
from brandpress.model.nano.world.grades import grade

_PLAIN: dict[str, Callable[[Backdrop], None]] = {
    "beach": outdoors.beach,
    "snow": outdoors.snow,
    "city": outdoors.city,
    "night city": outdoors.night_city,
    "forest": outdoors.forest,
    "desert": outdoors.desert,
    "meadow": outdoors.meadow,
    "underwater": outdoors.underwater,
    "space": outdoors.space,
    "sunset": outdoors.sunset,
    "street": outdoors.street,
    "clouds": outdoors.clouds,
    "autumn": outdoors.autumn,
    "lake": outdoors.lake,
    "kitchen": indoors.kitchen,
    "living room": indoors.living_room,
    "stage": indoors.stage,
    "bricks": indoors.bricks,
    "bokeh": indoors.bokeh,
    "bookshelf": indoors.bookshelf,
    "abstract": abstract,
}
_COLOURED: dict[str, Callable[[Backdrop, Rgb], None]] = {
    "studio": indoors.studio,
    "podium": indoors.podium,
    "stripes": indoors.stripes,
}
SCENES = (*_PLAIN, *_COLOURED)
HUES: dict[str, Rgb] = {
    "white": (240, 240, 240),
    "grey": (170, 172, 178),
    "red": (206, 72, 70),
    "orange": (242, 156, 84),
    "yellow": (246, 212, 98),
    "green": (120, 184, 124),
    "mint": (168, 222, 200),
    "teal": (70, 166, 164),
    "light blue": (156, 202, 240),
    "blue": (74, 128, 210),
    "purple": (152, 112, 196),
    "pink": (244, 168, 196),
    "beige": (226, 206, 174),
    "brown": (146, 104, 76),
    "dark": (58, 58, 70),
}
ABSTRACT = 0.15
"""Share of abstract scenes. Each is unique, so the model learns to copy references instead of recognising scenes."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene: its name, its colour word (studio backdrops only), its look and the seed of its details."""

    name: str
    colour: str | None
    grade: str
    seed: int

    def draw(self, width: int, height: int) -> Image.Image:
        """Returns the scene as an RGB picture; its content doesn't depend on the size.

        Raises ValueError for an unknown name.
        """
        backdrop = Backdrop(random.Random(self.seed), width, height)
        if self.name in _COLOURED:
            _COLOURED[self.name](backdrop, HUES[self.colour or "white"])
        elif self.name in _PLAIN:
            _PLAIN[self.name](backdrop)
        else:
            raise ValueError(f"scene: unknown scene {self.name!r}; allowed: {', '.join(SCENES)}")
        return grade(backdrop.finish(), self.grade)


def random_scene(rng: random.Random, look: str, exclude: str | None = None) -> Scene:
    """Returns a random scene with this look. exclude: the name of a scene type to leave out."""
    named = [name for name in SCENES if name not in (exclude, "abstract")]
    name = "abstract" if exclude != "abstract" and rng.random() < ABSTRACT else rng.choice(named)
    colour = rng.choice(tuple(HUES)) if name in _COLOURED else None
    return Scene(name=name, colour=colour, grade=look, seed=rng.getrandbits(32))
