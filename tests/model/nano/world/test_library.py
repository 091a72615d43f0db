"""The training and held-out splits of the artwork."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from brandpress.model.nano.world.art import Artwork
from brandpress.model.nano.world.library import ArtError, Library


def test_seen_and_held_out_nouns_are_disjoint_in_all_styles(library: Library) -> None:
    seen, held_out = {work.noun for work in library.seen}, {work.noun for work in library.held_out}
    assert not seen & held_out
    assert (len(seen), len(held_out)) == (32, 8)
    assert len(library.seen) == 2 * len(seen)
    assert len(library.held_out) == 2 * len(held_out)


@pytest.mark.parametrize("category", ["character", "object"])
@pytest.mark.parametrize("held_out", [False, True])
def test_every_artwork_of_a_split_is_sampled(library: Library, category: str, held_out: bool) -> None:
    rng = random.Random(4)
    drawn = {(work.noun, work.style) for work in (library.pick(rng, category, held_out=held_out) for _ in range(1500))}
    split = library.held_out if held_out else library.seen
    assert drawn == {(work.noun, work.style) for work in split if work.category == category}


def test_nouns_and_then_styles_have_equal_shares() -> None:
    pixels = np.zeros((8, 8, 4), dtype=np.uint8)
    shown = [("fox", "3d"), ("fox", "flat"), ("fox", "twemoji"), ("fox", "twemoji"), ("owl", "flat")]
    works = [Artwork(noun, "character", "animal-mammal", style, None, pixels) for noun, style in shown]
    library, rng = Library.of(works), random.Random(4)
    drawn = Counter((work.noun, work.style) for work in (library.pick(rng, "character") for _ in range(2000)))
    shares = {("owl", "flat"): 1000, ("fox", "3d"): 500, ("fox", "flat"): 250, ("fox", "twemoji"): 250}
    assert drawn.keys() == shares.keys()
    assert all(abs(drawn[key] - share) < 80 for key, share in shares.items())


def test_missing_packages_are_named(art_folder: Path) -> None:
    modules = art_folder / "node_modules"
    (modules / "@iconify-json/fluent-emoji-flat/chars.json").unlink()
    with pytest.raises(ArtError, match=r"chars\.json"):
        Library.load(art_folder)
    (modules / "@lobehub/fluent-emoji-3d").rename(modules / "elsewhere")
    with pytest.raises(ArtError, match=f"art {art_folder}: {modules} lacks @lobehub/fluent-emoji-3d "):
        Library.load(art_folder, art_folder / "cache")
    assert not (art_folder / "cache").exists()


def test_most_characters_are_animals(library: Library) -> None:
    rng = random.Random(4)
    animals = sum(library.pick(rng, "character").group.startswith("animal") for _ in range(1000))
    assert 550 < animals < 800


def test_a_missing_category_is_named(library: Library) -> None:
    objects = Library.of(work for work in library.seen if work.category == "object")
    with pytest.raises(ValueError, match="category: the library has no 'character' with held_out=False"):
        objects.pick(random.Random(1), "character")
