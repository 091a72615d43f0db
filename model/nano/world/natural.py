"""Captions in the style of shops: several items without sides, mentioned from left to right."""

import random

from brandpress.model.nano.world import phrases as words
from brandpress.model.nano.world.describe import capitalise
from brandpress.model.nano.world.facts import Facts, ItemFacts

SHARE = 0.36
"""Share of such captions among those with several items."""
_FRAMED = 0.5
_SCENE_FIRST = 0.2


def natural_sentence(rng: random.Random, facts: Facts, names: list[str], scene: str, style: str) -> str:
    """Returns a sentence with the names of two or three items in slot order."""
    setting = ", ".join(part for part in (scene, style) if part)
    body = _linked(rng, facts["items"], names)
    if rng.random() < _FRAMED:
        body = f"{rng.choice(words.FRAMES)} {body}"
    if not setting:
        return body
    clausal = not any(mark in setting for mark in (":", "background from", "style of", "light and"))
    if clausal and rng.random() < _SCENE_FIRST:
        return f"{setting}, {body}"
    return f"{body}{rng.choice((', ', ', ', ' '))}{setting}"


def _linked(rng: random.Random, items: list[ItemFacts], names: list[str]) -> str:
    """Returns the names joined by words that mention no side."""
    first, *others = names
    link = _link(rng, items[0])
    if len(others) == 1:
        return f"{first}{link}{others[0]}"
    return rng.choice((f"{first}{link}{others[0]} and {others[1]}", f"{first}, {others[0]} and {others[1]}"))


def _link(rng: random.Random, item: ItemFacts) -> str:
    links = words.LINKS + (words.ACTIONS if item["category"] == "character" else ())
    return rng.choice(links)


def natural_prompt(facts: Facts, references: tuple[str, ...], index: int) -> str:
    """Returns the prompt of a fixed case of two items and a scene, all of them with references.

    Items are cited by number; if the references are in the order of mention, every second prompt cites them by name
    only. `index` selects the words. Raises ValueError if the scene or an item isn't among the references.
    """
    items = facts["items"]
    numbers = [references.index(f"item{at}") + 1 for at in range(len(items))]
    scene = f"in the scene from image {references.index('scene') + 1}"
    named = numbers == [1, 2] and index % 2 == 1
    first, second = (
        f"the {item['noun']}" if named else f"the {item['noun']} from image {number}"
        for item, number in zip(items, numbers, strict=True)
    )
    frame = f"{words.FRAMES[index % len(words.FRAMES)]} " if index % 4 < 2 else ""
    return capitalise(f"{frame}{first}{words.LINKS[index % len(words.LINKS)]}{second}, {scene}")
