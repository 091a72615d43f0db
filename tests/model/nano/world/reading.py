"""Parses captions: the position of each item, the references they cite, and the sides they mention."""

from __future__ import annotations

import re

from brandpress.model.nano.world.captions import Caption
from brandpress.model.nano.world.describe import american, everyday_noun
from brandpress.model.nano.world.facts import FOUR_SLOTS, SLOTS, Facts, ItemFacts
from brandpress.model.nano.world.phrases import (
    FRAMES,
    FRONT,
    GRADE_WORDS,
    LEFT_TO_RIGHT,
    ORDINALS,
    RIGHT_TO_LEFT,
    SCENE_BY_REFERENCE,
    SIZES,
    STACK,
)
from brandpress.model.nano.world.scene_words import SCENE_NOUNS, SCENE_WORDS, with_colour

_SHOWN = "image|reference|picture|photo|product|item|character|mascot|article|object|figure|thing"
_CITATION = re.compile(rf"\b(?:{_SHOWN}) ?#?(\d)(?!\w|\.\d| (?:kg|g|l|ml)\b)|\b({'|'.join(ORDINALS)}) (?:{_SHOWN})\b")
_RELATION = re.compile(r"\b(?:to|on) the (left|right) of\b")
_SIDE = re.compile(r"\b(center left|center right|left|center|middle|right)\b")
_DEPTH = re.compile(r"in front of|behind|on top of|underneath|\bunder\b|\bin front\b|\bbelow\b")


def plain_text(text: str) -> str:
    """Returns the text in lower case and American spelling."""
    return american(text.lower())


def citations(caption: Caption) -> list[tuple[int, str]]:
    """Returns (position, reference) of each reference that is cited by number, in text order."""
    citations = []
    for match in _CITATION.finditer(plain_text(caption.text)):
        number = int(match[1]) if match[1] else ORDINALS.index(match[2]) + 1
        citations.append((match.start(), caption.references[number - 1]))
    return citations


def nouns_at(caption: Caption, facts: Facts) -> dict[int, int]:
    """Returns the position of each item's noun, for the items whose noun is mentioned. Things have none."""
    text, positions = plain_text(caption.text), {}
    for index in sorted(range(len(facts["items"])), key=lambda i: -len(facts["items"][i]["noun"])):
        if facts["items"][index]["category"] == "thing":
            continue
        noun = facts["items"][index]["noun"]
        for form in (noun, everyday_noun(noun)):
            match = re.search(
                rf"(?<![a-z]){re.escape(plain_text(form)).replace(chr(92) + ' ', '[-_ ]')}(?![a-z])", text
            )
            if match:
                positions[index] = match.start()
                text = text[: match.start()] + "_" * len(match[0]) + text[match.end() :]
                break
    return positions


def mentions(caption: Caption, facts: Facts) -> list[int] | None:
    """Returns the items in text order; None if one is mentioned neither by noun nor by number."""
    at = nouns_at(caption, facts)
    for position, reference in citations(caption):
        if reference.startswith("item"):
            at.setdefault(int(reference[4:]), position)
    return sorted(at, key=lambda index: at[index]) if len(at) == len(facts["items"]) else None


def slots_read(caption: Caption, facts: Facts) -> dict[int, str] | None:
    """Returns the slot of each item according to the caption; None if it can't be parsed or mentions no side.

    Items and sides are in the same order, so the first side belongs to the first item. If one of two items is "left of"
    the other, one is parsed as left and the other as right.
    """
    order, text = mentions(caption, facts), plain_text(caption.text)
    if order is None:
        return None
    usual = FOUR_SLOTS if len(order) == 4 else (SLOTS if len(order) == 3 else ("left", "right"))
    if any(words.strip(" :,") in text for words in LEFT_TO_RIGHT):
        return dict(zip(order, usual, strict=True))
    if any(words.strip(" :,") in text for words in RIGHT_TO_LEFT):
        return dict(zip(order, usual[::-1], strict=True))
    relation = _RELATION.search(text)
    if relation and len(order) == 2:
        first, second = ("left", "right") if relation[1] == "left" else ("right", "left")
        return {order[0]: first, order[1]: second}
    sides = [side.replace("center", "centre").replace("middle", "centre") for side in _SIDE.findall(text)]
    if not sides:
        return {order[0]: "centre"} if len(order) == 1 else None
    return dict(zip(order, sides, strict=True))


def slots_agree(read: dict[int, str], facts: Facts, relative: bool) -> bool:
    """Returns whether the parsed slots match the facts. relative: compare only the order of the two items."""
    if not relative:
        return all(facts["items"][index]["slot"] == slot for index, slot in read.items())
    left, right = sorted(read, key=lambda index: SLOTS.index(read[index]))
    return SLOTS.index(facts["items"][left]["slot"]) < SLOTS.index(facts["items"][right]["slot"])


def is_natural(caption: Caption, facts: Facts) -> bool:
    """Returns whether the caption mentions several items without sides."""
    return len(facts["items"]) > 1 and not _SIDE.search(plain_text(caption.text))


def is_relative(caption: Caption) -> bool:
    """Returns whether the caption places one item to the left or right of the other."""
    return _RELATION.search(caption.text.lower()) is not None


def arranged(caption: Caption, facts: Facts) -> tuple[str, str] | None:
    """Returns the words for the item in front or on top, and those for the other one; None if no phrase says so."""
    text = without_scene(caption, facts)
    phrases = FRONT if facts["arrangement"] == "front" else STACK
    for phrase in sorted(phrases, key=lambda words: (" with {" in words, -len(words))):
        pattern = re.escape(phrase).replace(r"\{a\}", r"(?P<a>(?!it\b).+)").replace(r"\{b\}", r"(?P<b>(?!it\b).+)")
        match = re.search(pattern, text)
        if match:
            return match["a"], match["b"]
    return None


def mentions_depth(caption: Caption, facts: Facts) -> bool:
    """Returns whether the caption, without its scene, says that something is in front of or on top of another."""
    return _DEPTH.search(without_scene(caption, facts)) is not None


def without_scene(caption: Caption, facts: Facts) -> str:
    """Returns the caption's plain text without its frame and the words for scene and look."""
    text = plain_text(caption.text)
    for frame in sorted(map(plain_text, FRAMES), key=lambda words: -len(words)):
        text = text.removeprefix(frame)
    looks = GRADE_WORDS.get(facts["grade"], ())
    for phrase in sorted((*scene_phrases(facts), *SCENE_BY_REFERENCE, *looks), key=lambda words: -len(words)):
        text = text.replace(plain_text(phrase), "")
    return text


def scene_phrases(facts: Facts) -> list[str]:
    """Returns the phrases for the scene, also without "in a" and the like."""
    scene, colour = facts["scene"], facts["scene_colour"]
    phrases = [with_colour(phrase, colour) for phrase in (*SCENE_WORDS[scene], *SCENE_NOUNS[scene])]
    return phrases + [re.sub(r"^(?:in|on|at) (?:the |an? )?", "", phrase) for phrase in phrases]


def names_scene(caption: Caption, facts: Facts) -> bool:
    """Returns whether the caption describes the scene."""
    return any(plain_text(phrase) in plain_text(caption.text) for phrase in scene_phrases(facts))


def names_look(caption: Caption, facts: Facts) -> bool:
    """Returns whether the caption describes the look."""
    return any(plain_text(words) in plain_text(caption.text) for words in GRADE_WORDS[facts["grade"]])


def size_words(caption: Caption, facts: Facts) -> set[str]:
    """Returns the scales whose words the caption contains, apart from its scene."""
    text, scales = without_scene(caption, facts), set()
    scale_of = {word: scale for scale, words in SIZES.items() for word in words if word}
    for word in sorted(scale_of, key=lambda word: -len(word)):
        if re.search(rf"\b{word}\b", text):
            scales.add(scale_of[word])
            text = text.replace(word, "_")
    return scales


def missing_words(caption: Caption, item: ItemFacts) -> list[str]:
    """Returns the words of the item's noun, colours and logo that the caption lacks."""
    if item["category"] == "product":
        words = [item["noun"], item["colour"], item["second"], item["logo"], item["logo_colour"]]
    else:
        words = [item["noun"], item["colour"]]
    return [word for word in words if word and plain_text(word) not in plain_text(caption.text)]
