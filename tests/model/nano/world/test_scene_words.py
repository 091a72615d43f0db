"""The phrases of scenes are complete and unambiguous."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from brandpress.model.nano.world.moods import MOODS
from brandpress.model.nano.world.scene_words import SCENE_NOUNS, SCENE_WORDS, with_colour
from brandpress.model.nano.world.scenes import COLOURED, SCENES

POOLS = {"phrases": SCENE_WORDS, "nouns": SCENE_NOUNS}


@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
def test_every_scene_has_words(pool: dict[str, tuple[str, ...]]) -> None:
    assert set(pool) == set(SCENES)


def test_every_scene_has_eight_phrases_and_two_to_four_nouns() -> None:
    assert [name for name, phrases in SCENE_WORDS.items() if len(phrases) < 8] == []
    assert [name for name, nouns in SCENE_NOUNS.items() if not 2 <= len(nouns) <= 4] == []


def test_moods_name_many_places_that_have_no_drawing() -> None:
    assert sum(len(SCENE_WORDS[mood]) for mood in MOODS) >= 150


@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
def test_no_words_belong_to_two_scenes(pool: dict[str, tuple[str, ...]]) -> None:
    counts = Counter(phrase.lower() for phrases in pool.values() for phrase in phrases)
    assert [phrase for phrase, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
def test_only_coloured_scenes_name_a_colour(pool: dict[str, tuple[str, ...]]) -> None:
    for scene, phrases in pool.items():
        assert {phrase.count("{c}") for phrase in phrases} == {int(scene in COLOURED)}, scene


@pytest.mark.parametrize("pool", POOLS.values(), ids=POOLS)
def test_scene_words_mention_no_sides(pool: dict[str, tuple[str, ...]]) -> None:
    sides = re.compile(r"\b(left|right|middle|centre|center|image|reference)\b")
    assert [phrase for phrases in pool.values() for phrase in phrases if sides.search(phrase)] == []


@pytest.mark.parametrize(
    ("phrase", "scene"),
    [
        ("on an oak desk", "oak desk"),
        ("at a Christmas market", "christmas market"),
        ("on a bathroom shelf", "bathroom"),
        ("in a cosy café", "café"),
        ("on a marble podium", "marble podium"),
        ("on a mountain top", "mountain top"),
        ("in an autumn forest", "autumn"),
        ("on a white background", "pure white"),
        ("on a {c} background", "studio"),
        ("in a laundromat", "mood cool indoor"),
        ("on Mars", "mood warm outdoor"),
    ],
)
def test_what_shops_ask_for_is_named(phrase: str, scene: str) -> None:
    assert phrase in SCENE_WORDS[scene]


@pytest.mark.parametrize(
    ("phrase", "colour", "text"),
    [
        ("on a {c} background", "olive", "on an olive background"),
        ("A {c} podium", "orange", "An orange podium"),
        ("on a {c} background", "navy", "on a navy background"),
        ("on a plain {c} background", "emerald", "on a plain emerald background"),
        ("on a {c} background", "#a1b2c3", "on a #a1b2c3 background"),
        ("on a beach", None, "on a beach"),
    ],
)
def test_a_colour_is_filled_in_with_its_article(phrase: str, colour: str | None, text: str) -> None:
    assert with_colour(phrase, colour) == text
