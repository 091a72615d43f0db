"""Reads captions back: where they mention each item, which references they cite, which sides they name."""

from __future__ import annotations

import re

from brandpress.model.nano.world.captions import Caption
from brandpress.model.nano.world.facts import SLOTS, Facts, ItemFacts
from brandpress.model.nano.world.phrases import GRADE_WORDS, ORDINALS, SCENE_WORDS

_CITATION = re.compile(rf"\b(?:image|reference) (\d)|\b({'|'.join(ORDINALS)}) (?:image|reference)\b")
_RELATION = re.compile(r"\b(?:to|on) the (left|right) of\b")
_SIDE = re.compile(r"\b(left|centre|center|middle|right)\b")


def citations(caption: Caption) -> list[tuple[int, str]]:
    """(position, reference) of each reference that is cited by its number, in the order of the text."""
    found = []
    for match in _CITATION.finditer(caption.text.lower()):
        number = int(match[1]) if match[1] else ORDINALS.index(match[2]) + 1
        found.append((match.start(), caption.references[number - 1]))
    return found


def nouns_at(caption: Caption, facts: Facts) -> dict[int, int]:
    """Item -> position of its noun, for the items whose noun is said."""
    text, found = caption.text.lower(), {}
    for index in sorted(range(len(facts["items"])), key=lambda i: -len(facts["items"][i]["noun"])):
        noun = facts["items"][index]["noun"]
        match = re.search(rf"\b{re.escape(noun)}\b", text)
        if match:
            found[index] = match.start()
            text = text[: match.start()] + "_" * len(noun) + text[match.end() :]
    return found


def mentions(caption: Caption, facts: Facts) -> list[int] | None:
    """The items in the order of the text; None where one is neither called by its noun nor by its number."""
    at = nouns_at(caption, facts)
    for position, reference in citations(caption):
        if reference.startswith("item"):
            at.setdefault(int(reference[4:]), position)
    return sorted(at, key=lambda index: at[index]) if len(at) == len(facts["items"]) else None


def slots_read(caption: Caption, facts: Facts) -> dict[int, str] | None:
    """Item -> the slot that the caption puts it in; None where the caption can't be read so or names no side.

    Items follow or precede their sides in the same order, so that the first side is that of the first item. Of two
    items one of which is "left of" the other, one is read as left and one as right.
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
    """Tells whether the slots read are those of the facts; `relative`: whether the items stand in that order."""
    if not relative:
        return all(facts["items"][index]["slot"] == slot for index, slot in read.items())
    left, right = sorted(read, key=lambda index: SLOTS.index(read[index]))
    return SLOTS.index(facts["items"][left]["slot"]) < SLOTS.index(facts["items"][right]["slot"])


def is_natural(caption: Caption, facts: Facts) -> bool:
    """Tells whether the caption puts several items without their sides."""
    return len(facts["items"]) > 1 and not _SIDE.search(caption.text.lower())


def is_relative(caption: Caption) -> bool:
    """Tells whether the caption puts one item to the left or to the right of the other."""
    return _RELATION.search(caption.text.lower()) is not None


def names_scene(caption: Caption, facts: Facts) -> bool:
    """Tells whether the caption says the scene in words."""
    colour = facts["scene_colour"] or ""
    return any(words.format(c=colour).lower() in caption.text.lower() for words in SCENE_WORDS[facts["scene"]])


def names_look(caption: Caption, facts: Facts) -> bool:
    """Tells whether the caption says the look in words."""
    return any(words.lower() in caption.text.lower() for words in GRADE_WORDS[facts["grade"]])


def unsaid(caption: Caption, item: ItemFacts) -> list[str]:
    """What the caption doesn't say of the item's noun, colours and logo."""
    if item["category"] == "product":
        words = [item["noun"], item["colour"], item["second"], item["logo"], item["logo_colour"]]
    else:
        words = [item["noun"], item["colour"]]
    return [word for word in words if word and word not in caption.text.lower()]
