"""Random things: the same at any size, and different from each other."""

from __future__ import annotations

import random

import numpy as np
import pytest
from PIL import Image

from brandpress.model.nano.world.thing_nouns import THING_NOUNS
from brandpress.model.nano.world.things import Thing, random_thing


def things(count: int) -> list[Thing]:
    rng = random.Random(3)
    return [random_thing(rng) for _ in range(count)]


def on_grey(picture: Image.Image, size: int) -> np.ndarray:
    canvas = Image.new("RGBA", picture.size, (128, 128, 128, 255))
    canvas.alpha_composite(picture)
    return np.asarray(canvas.convert("RGB").resize((size, size), Image.Resampling.BOX), dtype=np.float32)


def test_a_thing_is_drawn_again_alike() -> None:
    thing = Thing(7, "mug")
    assert np.array_equal(np.asarray(thing.draw(64)), np.asarray(thing.draw(64)))
    assert random_thing(random.Random(1)) == random_thing(random.Random(1))


def test_a_thing_shows_the_same_at_any_size() -> None:
    differences = [np.abs(on_grey(one.draw(60), 12) - on_grey(one.draw(180), 12)).mean() for one in things(20)]
    assert np.mean(differences) < 8
    strangers = [np.abs(on_grey(one.draw(60), 12) - on_grey(two.draw(60), 12)).mean() for one, two in
                 zip(things(20), reversed(things(20)), strict=True)]  # fmt: skip
    assert np.mean(strangers) > 30


@pytest.mark.parametrize("size", [60, 120])
def test_things_are_trimmed_and_fill_the_canvas(size: int) -> None:
    for thing in things(40):
        picture = thing.draw(size)
        alpha = np.asarray(picture)[..., 3]
        assert picture.mode == "RGBA"
        assert size * 0.8 < max(picture.size) <= size
        assert all(edge.max() > 11 for edge in (alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]))
        assert (alpha > 128).mean() > 0.05


def test_nouns_are_distinct_words() -> None:
    assert len(set(THING_NOUNS)) == len(THING_NOUNS) > 300
    assert all(noun == noun.strip().lower() and noun for noun in THING_NOUNS)
