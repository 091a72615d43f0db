"""The phrases of captions are complete and unambiguous."""

from __future__ import annotations

import re

import pytest

from brandpress.model.nano.world import phrases as words
from brandpress.model.nano.world.facts import FOUR_SLOTS, SCALES, SLOTS
from brandpress.model.nano.world.grades import GRADES
from brandpress.model.nano.world.scene_words import SCENE_WORDS
from brandpress.model.nano.world.scenes import SCENES

BY_NUMBER = (
    *words.SCENE_BY_NUMBER, *words.STYLE_BY_NUMBER, *words.NAMED_BY_NUMBER, *words.CLEAR_BY_NUMBER,
    *words.NAME_BY_NUMBER, *words.BARE_BY_NUMBER,
)  # fmt: skip
RELATIONS = (
    *words.LINKS, *words.CLEAR_LINKS, *words.STANDING, *words.ACTIONS, *words.PASSIVES, *words.PAIRS, *words.TRIPLES,
    *words.CLEAR_TRIPLES, *words.QUADRUPLES, *words.CLEAR_QUADRUPLES,
)  # fmt: skip


def test_every_scene_look_slot_and_category_has_phrases() -> None:
    assert set(SCENE_WORDS) == set(SCENES)
    assert set(words.GRADE_WORDS) == set(GRADES) - {"none"}
    assert set(words.SIDES) == set(words.SIDE_LABELS) == set(SLOTS) | set(FOUR_SLOTS)
    assert set(words.SIZES) == set(SCALES)
    for by_category in (
        words.GENERIC,
        words.ADJECTIVES,
        words.VERBS,
        words.VAGUE,
        words.COUNTED,
        words.DETAILS,
    ):
        assert set(by_category) == {"product", "character", "object", "thing"}


@pytest.mark.parametrize("pool", [SCENE_WORDS, words.GRADE_WORDS], ids=["scenes", "looks"])
def test_scenes_and_looks_share_no_phrases(pool: dict[str, tuple[str, ...]]) -> None:
    phrases_of_all = [phrase for phrases in pool.values() for phrase in set(phrases)]
    assert len(phrases_of_all) == len(set(phrases_of_all))


def test_only_side_phrases_mention_sides() -> None:
    others = [phrase for pool in (SCENE_WORDS, words.GRADE_WORDS) for phrases in pool.values() for phrase in phrases]
    others += [*words.SCENE_BY_REFERENCE, *words.STYLE_BY_REFERENCE, *words.FRAMES, *words.FILLERS, *BY_NUMBER]
    others += [*RELATIONS, *words.FRONT, *words.STACK, *words.BANNERS, *words.BANNER_OPENINGS]
    assert [phrase for phrase in others if re.search(r"\b(left|right|middle|centre|center)\b", phrase)] == []


def test_phrases_for_items_side_by_side_do_not_put_one_before_or_on_the_other() -> None:
    depth = re.compile(r"front|behind|\btop\b|under|above|below|background")
    assert [phrase for phrase in RELATIONS if depth.search(phrase)] == []


@pytest.mark.parametrize("phrases", [words.PAIRS, words.TRIPLES, words.QUADRUPLES, words.CLEAR_TRIPLES])
def test_items_are_mentioned_once_and_in_order(phrases: tuple[str, ...]) -> None:
    for phrase in phrases:
        letters = "".join(re.findall(r"\{(\w)\}", phrase))
        assert letters == "abcd"[: len(letters)], phrase


def test_there_are_many_frames_none_of_which_announces_words() -> None:
    assert len(set(words.FRAMES)) == len(words.FRAMES) >= 40
    assert [frame for frame in words.FRAMES if re.search(r"\bsign\b|headline|\bsays\b|\btext\b", frame)] == []


def test_the_words_of_a_sign_stand_once_in_each_phrase() -> None:
    for phrase in (*words.BANNERS, *words.BANNER_OPENINGS):
        assert len(re.findall(r"\{[qb]\}", phrase)) == 1
    assert all(quotes.count("{b}") == 1 and len(quotes) == 5 for quotes in words.QUOTES)


@pytest.mark.parametrize("template", BY_NUMBER)
def test_numbered_phrases_cite_their_number_once(template: str) -> None:
    assert len(re.findall(r"\{[ko]\}", template)) == 1
    text = template.format(n="mug", k=2, o=words.ORDINALS[1])
    assert re.search(r"\b(image|reference|picture|photo) ?2|\bsecond (image|reference)", text)
