"""Parses captions: the position of each item, the references they cite, and the sides they mention."""

from __future__ import annotations

import re

from brandpress.model.nano.world.captions import Caption
from brandpress.model.nano.world.facts import SLOTS, Facts, ItemFacts
from brandpress.model.nano.world.phrases import GRADE_WORDS, ORDINALS
from brandpress.model.nano.world.scene_words import SCENE_WORDS

_CITATION = re.compile(rf"\b(?:image|reference) (\d)|\b({'|'.join(ORDINALS)}) (?:image|reference)\b")
_RELATION = re.compile(r"\b(?:to|on) the (left|right) of\b")
_SIDE = re.compile(r"\b(left|centre|center|middle|right)\b")


def citations(caption: Caption) -> list[tuple[int, str]]:
    """Returns (position, reference) of each reference that is cited by number, in text order."""
    citations = []
    for match in _CITATION.finditer(caption.text.lower()):
        number = int(match[1]) if match[1] else ORDINALS.index(match[2]) + 1
        citations.append((match.start(), caption.references[number - 1]))
    return citations


def nouns_at(caption: Caption, facts: Facts) -> dict[int, int]:
    """Returns the position of each item's noun, for the items whose noun is mentioned."""
    text, positions = caption.text.lower(), {}
    for index in sorted(range(len(facts["items"])), key=lambda i: -len(facts["items"][i]["noun"])):
        noun = facts["items"][index]["noun"]
        match = re.search(rf"\b{re.escape(noun)}\b", text)
        if match:
            positions[index] = match.start()
            text = text[: match.start()] + "_" * len(noun) + text[match.end() :]
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
    order, text = mentions(caption, facts), caption.text.lower()
    if order is None:
        return None
    relation = _RELATION.search(text)
    if relation and len(order) == 2:
        first, second = ("left", "right") if relation[1] == "left" else ("right", "left")
        return {order[0]: first, order[1]: second}
    sides = ["centre" if side in ("center", "middle") else side for side in _SIDE.findall(text)]
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
    return len(facts["items"]) > 1 and not _SIDE.search(caption.text.lower())


def is_relative(caption: Caption) -> bool:
    """Returns whether the caption places one item to the left or right of the other."""
    return _RELATION.search(caption.text.lower()) is not None


def names_scene(caption: Caption, facts: Facts) -> bool:
    """Returns whether the caption describes the scene."""
    colour = facts["scene_colour"] or ""
    return any(words.format(c=colour).lower() in caption.text.lower() for words in SCENE_WORDS[facts["scene"]])


def names_look(caption: Caption, facts: Facts) -> bool:
    """Returns whether the caption describes the look."""
    return any(words.lower() in caption.text.lower() for words in GRADE_WORDS[facts["grade"]])


def missing_words(caption: Caption, item: ItemFacts) -> list[str]:
    """Returns the words of the item's noun, colours and logo that the caption lacks."""
    if item["category"] == "product":
        words = [item["noun"], item["colour"], item["second"], item["logo"], item["logo_colour"]]
    else:
        words = [item["noun"], item["colour"]]
    return [word for word in words if word and word not in caption.text.lower()]
