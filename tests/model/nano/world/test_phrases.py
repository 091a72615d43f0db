"""The phrases of captions are complete and unambiguous."""

from __future__ import annotations

import re

import pytest

from brandpress.model.nano.world import phrases as words
from brandpress.model.nano.world.facts import SLOTS
from brandpress.model.nano.world.grades import GRADES
from brandpress.model.nano.world.scene_words import SCENE_WORDS
from brandpress.model.nano.world.scenes import SCENES

BY_NUMBER = (*words.SCENE_BY_NUMBER, *words.STYLE_BY_NUMBER, *words.NAMED_BY_NUMBER, *words.BARE_BY_NUMBER)


def test_every_scene_look_slot_and_category_has_phrases() -> None:
    assert set(SCENE_WORDS) == set(SCENES)
    assert set(words.GRADE_WORDS) == set(GRADES) - {"none"}
    assert set(words.SIDES) == set(words.SIDE_LABELS) == set(SLOTS)
    for by_category in (words.GENERIC, words.ADJECTIVES, words.VERBS):
        assert set(by_category) == {"product", "character", "object"}


@pytest.mark.parametrize("pool", [SCENE_WORDS, words.GRADE_WORDS], ids=["scenes", "looks"])
def test_scenes_and_looks_share_no_phrases(pool: dict[str, tuple[str, ...]]) -> None:
    phrases_of_all = [phrase for phrases in pool.values() for phrase in set(phrases)]
    assert len(phrases_of_all) == len(set(phrases_of_all))


def test_only_side_phrases_mention_sides() -> None:
    others = [phrase for pool in (SCENE_WORDS, words.GRADE_WORDS) for phrases in pool.values() for phrase in phrases]
    others += [*words.SCENE_BY_REFERENCE, *words.STYLE_BY_REFERENCE, *words.OPENINGS, *words.FILLERS, *BY_NUMBER]
    assert [phrase for phrase in others if re.search(r"\b(left|right|middle|centre|center)\b", phrase)] == []


@pytest.mark.parametrize("template", BY_NUMBER)
def test_numbered_phrases_cite_their_number_once(template: str) -> None:
    assert len(re.findall(r"\{[ko]\}", template)) == 1
    text = template.format(n="mug", k=2, o=words.ORDINALS[1])
    assert re.search(r"\b(image|reference) 2|\bsecond (image|reference)", text)
