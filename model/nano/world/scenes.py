"""The scene types keyed by name, rendered at any size."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from brandpress.model.nano.world import countryside, festive, indoors, outdoors, shops, studio, surfaces, towns, venues
from brandpress.model.nano.world.abstract import abstract
from brandpress.model.nano.world.backdrop import Backdrop
from brandpress.model.nano.world.colours import Rgb, from_hex, jittered, random_colour, to_hex
from brandpress.model.nano.world.grades import grade
from brandpress.model.nano.world.moods import MOODS, drawn_mood

_PLAIN: dict[str, Callable[[Backdrop], None]] = {
    "beach": outdoors.beach,
    "snow": outdoors.snow,
    "forest": outdoors.forest,
    "desert": outdoors.desert,
    "underwater": outdoors.underwater,
    "space": outdoors.space,
    "sunset": outdoors.sunset,
    "clouds": outdoors.clouds,
    "lake": outdoors.lake,
    "mountain top": outdoors.mountain_top,
    "river": outdoors.river,
    "waterfall": outdoors.waterfall,
    "jungle": outdoors.jungle,
    "sunrise": outdoors.sunrise,
    "starry night": outdoors.starry_night,
    "northern lights": outdoors.northern_lights,
    "rocky coast": outdoors.rocky_coast,
    "meadow": countryside.meadow,
    "autumn": countryside.autumn,
    "blossom": countryside.blossom,
    "garden": countryside.garden,
    "greenhouse": countryside.greenhouse,
    "farm": countryside.farm,
    "vineyard": countryside.vineyard,
    "castle": countryside.castle,
    "campsite": countryside.campsite,
    "picnic": countryside.picnic,
    "cabin": countryside.cabin,
    "playground": countryside.playground,
    "rooftop": towns.terrace,
    "halloween": festive.halloween,
    "city": towns.city,
    "night city": towns.night_city,
    "street": towns.street,
    "rain street": towns.rain_street,
    "harbour": towns.harbour,
    "station": towns.station,
    "airport": towns.airport,
    "highway": towns.highway,
    "bridge": towns.bridge,
    "kitchen": indoors.kitchen,
    "living room": indoors.living_room,
    "bedroom": indoors.bedroom,
    "nursery": indoors.nursery,
    "bathroom": indoors.bathroom,
    "bookshelf": indoors.bookshelf,
    "fireplace": indoors.fireplace,
    "window sill": indoors.window_sill,
    "oak desk": indoors.oak_desk,
    "café": shops.cafe,
    "bakery": shops.bakery,
    "supermarket": shops.supermarket,
    "market stall": shops.market_stall,
    "flower shop": shops.flower_shop,
    "boutique": shops.boutique,
    "bar": shops.bar,
    "christmas market": festive.christmas_market,
    "laboratory": shops.laboratory,
    "stage": venues.stage,
    "concert": venues.concert,
    "gym": venues.gym,
    "classroom": venues.classroom,
    "office": venues.office,
    "workshop": venues.workshop,
    "garage": venues.garage,
    "gallery": venues.gallery,
    "pool": venues.pool,
    "stadium": venues.stadium,
    "bricks": venues.loft,
    "bokeh": festive.bokeh,
    "party": festive.party,
    "birthday": festive.birthday,
    "wooden table": surfaces.wooden_table,
    "marble table": surfaces.marble_table,
    "marble podium": studio.marble_podium,
    "concrete": surfaces.concrete,
    "linen": surfaces.linen,
    "silk": surfaces.silk,
    "sand": surfaces.sand,
    "terrazzo": surfaces.terrazzo,
    "moss": surfaces.moss,
    "leaves": surfaces.leaves,
}
_COLOURED: dict[str, Callable[[Backdrop, Rgb], None]] = {
    "podium": studio.podium,
    "stripes": studio.stripes,
    "geometric": studio.geometric,
}
NAMEABLE: tuple[str, ...] = (*_PLAIN, *_COLOURED)
"""Scenes with content of their own; a random scene is each of them equally often."""
COLOURED: tuple[str, ...] = (*_COLOURED, "studio")
"""Scenes that have a colour."""
SCENES: tuple[str, ...] = (*NAMEABLE, "studio", "pure white", "abstract", *MOODS)
_DRAWN: dict[str, Callable[[Backdrop], None]] = {
    **_PLAIN,
    "pure white": studio.pure_white,
    "abstract": abstract,
    **{name: drawn_mood(name) for name in MOODS},
}
_SHADED = frozenset(NAMEABLE) - {"linen", "silk", "sand", "terrazzo", *_COLOURED}
HUES: dict[str, Rgb] = {
    "white": (255, 255, 255),
    "grey": (170, 172, 178),
    "light grey": (214, 216, 220),
    "charcoal": (70, 74, 80),
    "black": (28, 28, 32),
    "dark": (58, 58, 70),
    "red": (206, 62, 60),
    "burgundy": (118, 32, 52),
    "coral": (250, 132, 110),
    "salmon": (246, 164, 144),
    "orange": (242, 146, 64),
    "peach": (252, 206, 172),
    "terracotta": (196, 102, 72),
    "yellow": (248, 212, 82),
    "mustard": (212, 164, 48),
    "gold": (206, 166, 82),
    "cream": (250, 240, 214),
    "beige": (226, 206, 174),
    "sand-coloured": (214, 188, 144),
    "brown": (136, 94, 66),
    "chocolate": (84, 54, 42),
    "green": (104, 178, 110),
    "lime": (178, 218, 84),
    "mint": (168, 222, 200),
    "sage": (168, 184, 154),
    "olive": (128, 128, 66),
    "dark green": (30, 82, 56),
    "emerald": (28, 150, 104),
    "teal": (46, 146, 148),
    "turquoise": (82, 206, 204),
    "light blue": (156, 202, 240),
    "sky blue": (116, 184, 240),
    "blue": (64, 120, 208),
    "royal blue": (50, 76, 184),
    "navy": (30, 42, 92),
    "purple": (142, 98, 188),
    "lavender": (206, 194, 236),
    "lilac": (196, 158, 212),
    "plum": (106, 52, 98),
    "magenta": (206, 56, 150),
    "pink": (244, 168, 196),
    "light pink": (250, 214, 224),
    "silver": (192, 196, 202),
}
ABSTRACT = 0.15
"""Share of abstract scenes and moods. An abstract scene is unique, so the model learns to copy references instead of
recognising scenes."""
PURE_WHITE, STUDIO = 0.09, 0.14
"""Shares of the pure white ground, which is 0 in a look that would tint it, and of plain grounds in a colour."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene: its name, its colour (a word of HUES or "#rrggbb"; COLOURED scenes only), its look and its seed."""

    name: str
    colour: str | None
    grade: str
    seed: int

    def draw(self, width: int, height: int) -> Image.Image:
        """Returns the scene as an RGB picture; its content doesn't depend on the size.

        Raises ValueError for an unknown name or colour.
        """
        backdrop = Backdrop(random.Random(self.seed), width, height)
        if self.name == "studio":
            studio.studio(backdrop, self._hue())
        elif self.name in _COLOURED:
            _COLOURED[self.name](backdrop, jittered(backdrop.rng, self._hue(), 6))
        elif self.name in _DRAWN:
            _DRAWN[self.name](backdrop)
        else:
            raise ValueError(f"scene: unknown scene {self.name!r}; allowed: {', '.join(SCENES)}")
        shade = backdrop.rng.choice((0.0, 0.15, 0.3, 0.45)) if self.name in _SHADED else 0.0
        return grade(backdrop.finish(shade), self.grade)

    def _hue(self) -> Rgb:
        colour = self.colour or "white"
        return HUES[colour] if colour in HUES else from_hex(colour)


def random_scene(rng: random.Random, look: str, exclude: str | None = None) -> Scene:
    """Returns a random scene with this look. exclude: the name of a scene type to leave out."""
    name = _random_name(rng, look)
    while name == exclude:
        name = _random_name(rng, look)
    colour = _random_colour(rng, name, look) if name in COLOURED else None
    return Scene(name=name, colour=colour, grade=look, seed=rng.getrandbits(32))


def _random_name(rng: random.Random, look: str) -> str:
    roll = rng.random()
    if roll < ABSTRACT:
        return "abstract" if roll < ABSTRACT / 2 else rng.choice(MOODS)
    if roll < ABSTRACT + STUDIO:
        return "studio"
    if roll < ABSTRACT + STUDIO + PURE_WHITE and look == "none":
        return "pure white"
    return rng.choice(NAMEABLE)


def _random_colour(rng: random.Random, name: str, look: str) -> str:
    """Returns a colour word, or a hexadecimal colour in 50 % of untinted studios and in 20 % of other untinted scenes.

    A studio is never white: that is the pure white ground.
    """
    if look == "none" and rng.random() < (0.5 if name == "studio" else 0.2):
        return to_hex(random_colour(rng))
    return rng.choice([hue for hue in HUES if hue != "white" or name != "studio"])
