"""The artwork as read from the packages, from the cache and from the packed file."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brandpress.model.nano.world import art, colours, nouns
from brandpress.model.nano.world.art import ART_REVISION, Artwork, build_art, cache_name, load_art, row_of
from brandpress.model.nano.world.art_archive import pack
from brandpress.model.nano.world.families import FAMILIES

SIZE = 40
STYLES = {family.style for family in FAMILIES}


def summary(works: tuple[Artwork, ...]) -> set[tuple[str, str, str | None]]:
    return {(work.noun, work.style, work.colour) for work in works}


def test_each_emoji_has_its_renderings(art_folder: Path) -> None:
    works = tuple(work for work in build_art(art_folder, SIZE) if work.style not in STYLES)
    assert summary(works) == {
        ("fox", "3d", "orange"),
        ("fox", "flat", "orange"),
        ("hammer and pick", "3d", "grey"),  # its file name lacks the variation selector of its code
        ("hammer and pick", "flat", "grey"),
        ("potted plant", "3d", "green"),
        ("firefighter", "3d", "red"),
        ("pizza", "flat", "yellow"),
    }


def test_each_family_has_its_icons(art_folder: Path) -> None:
    families = [(w.noun, w.category, w.group, w.style) for w in build_art(art_folder, SIZE) if w.style in STYLES]
    assert families == [
        ("fox", "character", "animal-mammal", "twemoji"),  # and no desert, which fills the square
        ("pizza", "object", "food-prepared", "emojione"),
        ("menorah", "object", "emojione", "emojione"),
        ("fox", "character", "animal-mammal", "fxemoji"),
        ("fox", "character", "animal-mammal", "streamline-emojis"),
        ("fox", "character", "animal-mammal", "streamline-emojis"),
        ("firefighter", "character", "person-role", "streamline-emojis"),  # one skin tone of two
        ("businessman", "character", "person", "flat-color-icons"),
    ]


def test_drawings_have_64_levels_and_clear_edges(art_folder: Path) -> None:
    work = next(work for work in build_art(art_folder, SIZE) if work.style == "twemoji")
    assert set(np.unique(work.pixels)) <= {*range(0, 256, 4), 255}
    assert work.pixels[SIZE // 2, SIZE // 2].tolist() == [244, 132, 36, 255]
    assert not work.pixels[0, 0].any()


def test_artwork_is_trimmed(art_folder: Path) -> None:
    for work in build_art(art_folder, SIZE):
        sprite = work.sprite()
        assert max(sprite.size) == SIZE
        ys, xs = np.nonzero(work.pixels[..., 3] > 24)
        assert max(xs.min(), ys.min()) <= 1
        assert max(sprite.width - xs.max(), sprite.height - ys.max()) <= 2


def test_an_empty_picture_is_skipped(art_folder: Path) -> None:
    file = art_folder / "node_modules/@lobehub/fluent-emoji-3d/assets/1fab4.webp"
    Image.new("RGBA", (64, 64)).save(file, "WEBP", lossless=True)
    assert "potted plant" not in {work.noun for work in build_art(art_folder, SIZE)}


def test_the_cache_returns_the_same_artwork_without_the_packages(art_folder: Path) -> None:
    cache = art_folder / "cache"
    built = build_art(art_folder, SIZE)
    for works in (load_art(art_folder, cache, SIZE), load_art(art_folder / "gone", cache, SIZE)):
        assert [(w.noun, w.category, w.group, w.style, w.colour) for w in works] == [
            (w.noun, w.category, w.group, w.style, w.colour) for w in built
        ]
        assert all(np.array_equal(one.pixels, other.pixels) for one, other in zip(works, built, strict=True))


def test_a_missing_file_is_named(art_folder: Path) -> None:
    file = art_folder / "node_modules/@iconify-json/fluent-emoji-flat/icons.json"
    file.unlink()
    with pytest.raises(FileNotFoundError, match=r"icons\.json"):
        build_art(art_folder)


def test_packed_artwork_is_the_same_without_the_packages(art_folder: Path, tmp_path: Path) -> None:
    built = build_art(art_folder, SIZE)
    cache = tmp_path / "elsewhere" / "cache"
    pack(cache / f"{cache_name(SIZE)}.zip", [row_of(work) for work in built], [work.pixels for work in built])
    works = load_art(tmp_path / "elsewhere", cache, SIZE)
    assert [row_of(work) for work in works] == [row_of(work) for work in built]
    for one, other in zip(works, built, strict=True):
        difference = np.abs(one.pixels.astype(int) - other.pixels)[other.pixels[..., 3] > 0]
        assert difference.mean() < (4 if one.style == "3d" else 1e-9)  # renderings are lossy
        assert np.array_equal(one.pixels[..., 3], other.pixels[..., 3])


def test_changed_selection_rules_require_a_new_art_revision() -> None:
    """The revision names the cache's files: if this fails, change ART_REVISION and both values here."""
    rules = (
        sorted(nouns._CATEGORIES.items()),
        sorted(nouns._OBJECT_SUBCATEGORIES),
        sorted(nouns._PEOPLE),
        sorted(nouns._OUT_SUBCATEGORIES),
        nouns._OUT_NOUNS.pattern,
        nouns._DROPPED_WORDS.pattern,
        sorted(colours._MATCHES.items()),
        FAMILIES,
        art._SCENIC,
        art._PLAIN_FACES,
    )
    digest = hashlib.sha256(repr(rules).encode()).hexdigest()[:10]
    assert (ART_REVISION, digest) == ("5d0c93e7a1", "a913540626")
