"""The words of captions: whole, and never mistakable for each other."""

from __future__ import annotations

import re

import pytest

from brandpress.model.nano.world import phrases as words
from brandpress.model.nano.world.facts import SLOTS
from brandpress.model.nano.world.grades import GRADES
from brandpress.model.nano.world.scenes import SCENES

BY_NUMBER = (*words.SCENE_BY_NUMBER, *words.STYLE_BY_NUMBER, *words.NAMED_BY_NUMBER, *words.BARE_BY_NUMBER)


def test_every_scene_look_slot_and_category_has_words() -> None:
    assert set(words.SCENE_WORDS) == set(SCENES)
    assert set(words.GRADE_WORDS) == set(GRADES) - {"none"}
    assert set(words.SIDES) == set(words.SIDE_LABELS) == set(SLOTS)
    for by_category in (words.GENERIC, words.ADJECTIVES, words.VERBS):
        assert set(by_category) == {"product", "character", "object"}


@pytest.mark.parametrize("pool", [words.SCENE_WORDS, words.GRADE_WORDS], ids=["scenes", "looks"])
def test_no_two_scenes_or_looks_are_said_alike(pool: dict[str, tuple[str, ...]]) -> None:
    said = [phrase for phrases in pool.values() for phrase in set(phrases)]
    assert len(said) == len(set(said))


def test_only_sides_speak_of_sides() -> None:
    others = [
        phrase for pool in (words.SCENE_WORDS, words.GRADE_WORDS) for phrases in pool.values() for phrase in phrases
    ]
    others += [*words.SCENE_BY_REFERENCE, *words.STYLE_BY_REFERENCE, *words.OPENINGS, *words.FILLERS, *BY_NUMBER]
    assert [phrase for phrase in others if re.search(r"\b(left|right|middle|centre|center)\b", phrase)] == []


@pytest.mark.parametrize("template", BY_NUMBER)
def test_what_goes_by_number_cites_it_once(template: str) -> None:
    assert len(re.findall(r"\{[ko]\}", template)) == 1
    text = template.format(n="mug", k=2, o=words.ORDINALS[1])
    assert re.search(r"\b(image|reference) 2|\bsecond (image|reference)", text)


@pytest.mark.parametrize("scene", SCENES)
def test_only_backdrops_are_said_with_a_colour(scene: str) -> None:
    coloured = {"{c}" in phrase for phrase in words.SCENE_WORDS[scene]}
    assert coloured == {scene in ("studio", "podium", "stripes")}
