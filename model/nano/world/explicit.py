"""The subjects of captions that state the side of each item."""

import random

from brandpress.model.nano.world import phrases as words
from brandpress.model.nano.world.describe import is_plural
from brandpress.model.nano.world.facts import Facts, ItemFacts
from brandpress.model.nano.world.natural import needs_no_sides

IN_A_ROW = {1: 0.0, 2: 0.04, 3: 0.3, 4: 0.7}
"""Share of captions by number of items that list them from left to right or from right to left."""


def explicit_subject(
    rng: random.Random, facts: Facts, mention: list[int], names: list[str], *, commas: bool = True
) -> tuple[str, bool]:
    """Returns the names with their sides, and whether a frame such as "a photo of" may precede them.

    mention: the items in the order of `names`. commas: whether a comma may follow a name in a list without sides.
    """
    items = [facts["items"][index] for index in mention]
    in_a_row = mention in (sorted(mention), sorted(mention, reverse=True)) and needs_no_sides(facts)
    if in_a_row and rng.random() < IN_A_ROW[len(names)]:
        return _in_a_row(rng, names, reverse=mention[0] > mention[-1], commas=commas), False
    sides = [rng.choice(words.SIDES[item["slot"]]) for item in items]
    placed = [f"{name} {side}" for name, side in zip(names, sides, strict=True)]
    roll = rng.random()
    if roll < 0.1:
        return _labelled(rng, items, names), False
    if roll < 0.2:  # the side first
        return _listed(
            [f"{words.SIDES[item['slot']][0]} {name.rstrip(',')}" for item, name in zip(items, names, strict=True)]
        ), False
    if roll < 0.34:
        verbed = [
            f"{name} {_verb(rng, item, name)} {side}" for name, item, side in zip(names, items, sides, strict=True)
        ]
        return _listed(verbed), False
    if len(names) == 2 and roll < 0.52:
        return _related(rng, facts, mention, names, placed), True
    return (", ".join(placed) if roll < 0.68 else _listed(placed)), True


def _verb(rng: random.Random, item: ItemFacts, name: str) -> str:
    verb = rng.choice(words.VERBS[item["category"]])
    if item["noun"] in name and is_plural(item["noun"]):
        return verb.replace("is", "are") if verb.startswith("is") else verb.removesuffix("s")
    return verb


def _in_a_row(rng: random.Random, names: list[str], *, reverse: bool, commas: bool) -> str:
    rows = [name.rstrip(",") for name in names]
    prefix = rng.choice(words.RIGHT_TO_LEFT if reverse else words.LEFT_TO_RIGHT)
    if not commas or any("," in row or " with " in row for row in rows):
        return prefix + "; ".join(rows)
    return prefix + (_listed(rows) if rng.random() < 0.8 else ", ".join(rows))


def _labelled(rng: random.Random, items: list[ItemFacts], names: list[str]) -> str:
    mark = rng.choice((": ", ": ", " - "))
    full = rng.random() < 0.4
    rows = []
    for item, name in zip(items, names, strict=True):
        label = rng.choice(words.SIDE_LABELS[item["slot"]])
        if full:
            label = ("in the " if item["slot"] == "centre" else "on the ") + label
        rows.append(f"{label}{mark}{name.rstrip(',')}")
    return rng.choice((", ", "; ")).join(rows)


def _related(rng: random.Random, facts: Facts, mention: list[int], names: list[str], placed: list[str]) -> str:
    """Returns two items, one to the left or right of the other, or both with their sides."""
    if rng.random() < 0.5 or not needs_no_sides(facts):
        return f"{placed[0]}{rng.choice((' next to ', ' beside ', ' with '))}{placed[1]}"
    side = "left" if mention[0] < mention[1] else "right"
    return f"{names[0]} {rng.choice(('to the', 'on the', 'to the'))} {side} of {names[1].rstrip(',')}"


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
