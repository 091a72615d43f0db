"""Things: objects of random shapes and textures, which no word describes."""

import random
from dataclasses import dataclass

from PIL import Image, ImageDraw

from brandpress.model.nano.world.colours import random_colour

_NOUNS = ("thing", "gadget", "item", "product", "object", "figure", "toy", "device")


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing: its shape and textures depend on the seed only."""

    seed: int
    noun: str

    def draw(self, size: int) -> Image.Image:
        """Returns the thing as an RGBA picture, trimmed, with a longer side of `size` pixels."""
        rng = random.Random(self.seed)
        aspect = rng.uniform(0.5, 2.0)
        shape = (size, max(8, round(size / aspect))) if aspect > 1 else (max(8, round(size * aspect)), size)
        picture = Image.new("RGBA", shape)
        draw = ImageDraw.Draw(picture)
        corner = rng.uniform(0.05, 0.45) * min(shape)
        draw.rounded_rectangle((0, 0, shape[0] - 1, shape[1] - 1), corner, (*random_colour(rng), 255))
        for _ in range(rng.randint(2, 6)):
            x, y, r = rng.uniform(0.2, 0.8) * shape[0], rng.uniform(0.2, 0.8) * shape[1], rng.uniform(0.06, 0.2) * size
            draw.ellipse((x - r, y - r, x + r, y + r), (*random_colour(rng), 255))
        mask = Image.new("L", shape)
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, shape[0] - 1, shape[1] - 1), corner, 255)
        picture.putalpha(mask)
        return picture


def random_thing(rng: random.Random) -> Thing:
    """Returns a random thing."""
    return Thing(rng.getrandbits(32), rng.choice(_NOUNS))
