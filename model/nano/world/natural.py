"""The subjects of captions as shops write them: without sides, mentioned from left to right."""

import random

from brandpress.model.nano.world import phrases as words
from brandpress.model.nano.world.describe import capitalise
from brandpress.model.nano.world.facts import FOUR_SLOTS, SLOTS, Facts

SHARE = 0.6
"""Share of such captions among the pictures whose arrangement needs no sides."""
FRAMED = 0.5
_USUAL_SLOTS = {1: ("centre",), 2: ("left", "right"), 3: SLOTS, 4: FOUR_SLOTS}
_MIDDLE = (" next to ", " beside ", " alongside ", " together with ", " with ")


def needs_no_sides(facts: Facts) -> bool:
    """Returns whether the items stand where they do if words leave it open."""
    slots = tuple(item["slot"] for item in facts["items"])
    return facts["arrangement"] != "row" or slots == _USUAL_SLOTS[len(slots)]


def natural_subject(rng: random.Random, facts: Facts, names: list[str], *, commas: bool = True) -> str:
    """Returns the names of all items, in slot order, joined by words that mention no side.

    In the arrangements front and stack, words say which item is in front or on top. commas: whether a comma may follow
    a name; "Kiki, a mug" may be read as one item.
    """
    if len(names) == 1:
        return _tidy(names[0])
    compound = any(_is_compound(name) for name in names)
    if facts["arrangement"] != "row":
        body = _arranged(rng, facts["arrangement"], names[:2], compound=compound)
        for name, item in zip(names[2:], facts["items"][2:], strict=True):
            body = f"{body}, {name} {words.SIDES[item['slot']][0]}"
        return _tidy(body)
    if len(names) == 2:
        return _tidy(_pair(rng, facts, names, compound=compound, commas=commas))
    if len(names) == 3:
        pool: tuple[str, ...] = words.CLEAR_TRIPLES if compound else words.TRIPLES
    else:
        pool = words.CLEAR_QUADRUPLES if compound else words.QUADRUPLES
    if not commas:
        pool = tuple(phrase for phrase in pool if "," not in phrase)
    return _tidy(rng.choice(pool).format(**dict(zip("abcd", names, strict=False))))


def with_scene_between(rng: random.Random, names: list[str], scene: str) -> str:
    """Returns two names with the scene between them: "our umbrella on a beach next to Kiki"."""
    first, second = names
    return _tidy(f"{first} {scene}{rng.choice(_MIDDLE)}{second}")


def _is_compound(name: str) -> bool:
    """Returns whether a name contains a comma or a link, so that "and" behind it may be misread."""
    return any(part in name for part in (",", " with ", " and ", " & ", " of "))


def _tidy(text: str) -> str:
    """Returns the text without the commas that an aside leaves behind at the end or before another mark."""
    for doubled, single in ((",,", ","), (",;", ";"), (", ;", ";"), (", (", " ("), (",:", ":"), (",/", "/")):
        text = text.replace(doubled, single)
    return text.rstrip(",")


def _arranged(rng: random.Random, arrangement: str, names: list[str], *, compound: bool) -> str:
    pool: tuple[str, ...] = words.FRONT if arrangement == "front" else words.STACK
    if compound:
        pool = tuple(phrase for phrase in pool if phrase.startswith(("{a}", "{b}")) and " with {" not in phrase)
        pool = tuple(phrase for phrase in pool if "," not in phrase and " and " not in phrase)
    return rng.choice(pool).format(a=names[0], b=names[1])


def _pair(rng: random.Random, facts: Facts, names: list[str], *, compound: bool, commas: bool) -> str:
    first, second = names
    roll = rng.random()
    if compound:
        return f"{first}{rng.choice(words.CLEAR_LINKS)}{second}"
    if facts["items"][0]["category"] == "character" and roll < 0.22:
        return f"{first}{rng.choice(words.ACTIONS)}{second}"
    if facts["items"][1]["category"] == "character" and roll < 0.08:
        return f"{first}{rng.choice(words.PASSIVES)}{second}"
    if roll > 0.84:
        pool = words.PAIRS if commas else [phrase for phrase in words.PAIRS if "{a}," not in phrase]
        return rng.choice(pool).format(a=first, b=second)
    if roll > 0.78:
        return f"{first}{rng.choice(words.STANDING)}{second}"
    links = words.LINKS if commas else [link for link in words.LINKS if link != ", "]
    return f"{first}{rng.choice(links)}{second}"


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
