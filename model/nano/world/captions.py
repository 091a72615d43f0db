"""Captions: prompts for a composition as a campaign would word them, with their references."""

import random
import re
from dataclasses import dataclass

from brandpress.model.nano.world import phrases as words
from brandpress.model.nano.world.describe import american, capitalise, description, size_word
from brandpress.model.nano.world.explicit import explicit_subject
from brandpress.model.nano.world.facts import Facts, random_facts
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.naming import Way, choose_way, disguised, name_item
from brandpress.model.nano.world.natural import FRAMED, natural_subject, needs_no_sides, with_scene_between
from brandpress.model.nano.world.natural import SHARE as NATURAL_SHARE
from brandpress.model.nano.world.scene_words import SCENE_NOUNS, SCENE_WORDS, with_colour

MIN_WORDS, MAX_WORDS = 2, 48
MAX_LETTERS, TRIES = 212, 12
"""Of a caption, so that about 99 % have at most 60 tokens; after TRIES, the shortest one is taken."""
SHOUTED = 60
"""Letters of the longest captions that may be in capitals, which need many tokens."""
MAX_REFERENCES = 4
ITEMS_ONLY, NOTHING, ITEMS_AND_BACKDROP = 0.62, 0.09, 0.13
"""Shares of captions whose references are all items, none, or all items and the scene or style; the rest are random."""
NUMBERED = 0.32
"""Share of captions that cite their references by number."""
_NO_PLACE = r"(?!front\b|top\b|this\b|given\b|home\b|our\b)(?!.*(?:reference|image|shown|same))"
_PLACE = re.compile(rf"(?:in|on|at) (?:the |an? )?{_NO_PLACE}([^,]+)")
_BETWEEN = re.compile(r"(?:in|on|at|by|among|under) (?!front\b|top\b)[^,]+")
_PREPOSITION = re.compile(
    r"(?:in|on|at|by|under|among|against|with|above|below|before|between|beneath|over|inside|as|amid|surrounded) "
)
_CLAUSE = re.compile(
    r" (?:presents|shows|meets|recommends|poses|waits|stands|stand|is|sits) "
    r"|^(?:in front |both |a duo|a family|three things)"
)
_MISREAD = re.compile(r"front|behind|\btop\b|under|over|above|below")


@dataclass(frozen=True, slots=True)
class Caption:
    """A prompt and its references in order: "item0" to "item3", "scene", "style".

    any_order: the words tell which reference shows what, so that their order doesn't matter.
    """

    text: str
    references: tuple[str, ...]
    any_order: bool = False


def caption(rng: random.Random, facts: Facts) -> Caption:
    """Returns a random caption of MIN_WORDS to MAX_WORDS words, with 0 to MAX_REFERENCES references."""
    drawn = _draw(rng, facts, short=False)
    for attempt in range(TRIES):
        too_short = len(drawn.text.split()) < MIN_WORDS
        if not too_short and len(drawn.text.split()) <= MAX_WORDS and len(drawn.text) <= MAX_LETTERS:
            break
        other = _draw(rng, facts, short=attempt > 1 and not too_short)
        drawn = other if too_short else min(drawn, other, key=lambda one: len(one.text))
    return drawn


def caption_corpus(rng: random.Random, library: Library, count: int) -> list[str]:
    """Returns `count` captions of random facts, without rendering any pictures."""
    return [caption(rng, random_facts(rng, library)).text for _ in range(count)]


def explicit_caption(facts: Facts, references: tuple[str, ...]) -> Caption:
    """Returns a plain caption that numbers all references: items from left to right, then the scene.

    Raises ValueError if the scene or an item isn't among the references.
    """
    parts = []
    for index, item in enumerate(facts["items"]):
        side = words.SIDES[item["slot"]][0]
        parts.append(f"the {item['noun']} from image {references.index(f'item{index}') + 1} {side}")
    return Caption(f"{' and '.join(parts)}, in the scene from image {references.index('scene') + 1}", references)


def _choose_references(rng: random.Random, facts: Facts) -> set[str]:
    """Returns the random references of a caption: all things among them, and never both a scene and a style."""
    items = [f"item{index}" for index in range(len(facts["items"]))]
    forced = {name for name, item in zip(items, facts["items"], strict=True) if item["category"] == "thing"}
    backdrop = "style" if facts["grade"] != "none" and rng.random() < 0.4 else "scene"
    roll = rng.random()
    if roll < ITEMS_ONLY:
        return set(items)
    if roll < ITEMS_ONLY + NOTHING:
        return forced
    if roll < ITEMS_ONLY + NOTHING + ITEMS_AND_BACKDROP:
        return {*items, backdrop} if len(items) < MAX_REFERENCES else set(items)
    # campaigns put items first, so a scene has a reference less often than an item
    chosen = forced | {name for name in items if rng.random() < 0.6}
    if rng.random() < 0.45 and len(chosen) < MAX_REFERENCES:
        chosen.add(backdrop)
    return chosen


def _draw(rng: random.Random, facts: Facts, *, short: bool) -> Caption:
    """Returns a random caption of any length. short: without frame, filler and repeated scene."""
    references = _choose_references(rng, facts)
    items = disguised(rng, facts["items"])
    mention = list(range(len(items)))
    natural = needs_no_sides(facts) and (
        facts["arrangement"] != "row" or rng.random() < (0.85 if len(items) == 1 else NATURAL_SHARE)
    )
    if not natural and rng.random() < 0.4:
        if len(items) == MAX_REFERENCES:
            mention.reverse()
        else:
            rng.shuffle(mention)
    bound = [index for index in mention if f"item{index}" in references]
    numbered = rng.random() < NUMBERED
    ways: dict[int, Way] = {}
    for index in bound:
        others = items[:index] + items[index + 1 :]
        ways[index] = choose_way(rng, items[index], others, numbered=numbered and rng.random() < 0.9)
    untold = [items[index]["category"] for index in bound if not ways[index].telling]
    alike = _are_alike(untold)
    share = 0.0 if alike else (0.15 if len(untold) > 1 else 0.45 if numbered else 0.25)
    order = [f"item{index}" for index in bound] + [name for name in ("scene", "style") if name in references]
    if rng.random() < share:
        rng.shuffle(order)
    number = {name: at + 1 for at, name in enumerate(order)}
    names = []
    for index in mention:
        if index in ways:
            names.append(name_item(rng, items[index], ways[index], number[f"item{index}"]))
        else:
            names.append(description(rng, items[index], size=size_word(rng, items[index])))
    if len({name.strip(",") for name in names}) < len(names):
        return _draw(rng, facts, short=short)
    scene = _scene_clause(rng, facts, number, numbered=numbered)
    style = _style_clause(rng, facts, number, numbered=numbered)
    # with a reference for each item and none for the rest, the number of references tells how many items are listed
    nameless = any(index in ways and ways[index].nameless for index in mention[:-1])
    commas = not nameless or (len(order) == len(items) == len(bound) and rng.random() < 0.3)
    sides = None if natural else mention
    text = _worded(rng, facts, sides, names, scene, style, commas=commas, short=short)
    text = _finished(rng, text, facts["banner"], short=short)
    return Caption(text, tuple(order), any_order=not (numbered or alike))


def _are_alike(categories: list[str]) -> bool:
    """Returns whether items of these categories, none of which has a noun, can't be told apart.

    "Kiki presents the Acme X1": a character and a product can.
    """
    sorts = ["product" if category == "object" else category for category in categories]
    return len(sorts) > 1 and ("thing" in sorts or len(set(sorts)) < len(sorts))


def _scene_words(rng: random.Random, facts: Facts) -> str:
    """Returns a phrase for the scene. If items stand in front of each other, it avoids such words if it can."""
    pool = (SCENE_WORDS if rng.random() < 0.9 else SCENE_NOUNS)[facts["scene"]]
    if facts["arrangement"] != "row":
        pool = tuple(phrase for phrase in pool if not _MISREAD.search(phrase)) or pool
    colour = facts["scene_colour"] or ""
    if colour.startswith("#") and rng.random() < 0.4:
        colour = colour.upper()
    phrase = rng.choice(pool)
    return with_colour(phrase, colour)


def _scene_clause(rng: random.Random, facts: Facts, number: dict[str, int], *, numbered: bool) -> str:
    """Returns the scene's phrase; may be empty if there is a scene reference."""
    plain = _scene_words(rng, facts)
    if "scene" not in number:
        return plain
    k = number["scene"]
    if numbered:
        clause = rng.choice(words.SCENE_BY_NUMBER).format(k=k, o=words.ORDINALS[k - 1])
        if rng.random() < 0.2:
            return f"{plain} from image {k}" if rng.random() < 0.5 else f"{plain}, {clause}"
        return clause
    roll = rng.random()
    if roll < 0.4:
        return rng.choice(words.SCENE_BY_REFERENCE)
    return plain if roll < 0.75 else ""


def _style_clause(rng: random.Random, facts: Facts, number: dict[str, int], *, numbered: bool) -> str:
    """Returns the look's phrase; never empty for a look that no scene or style reference shows."""
    if facts["grade"] == "none":
        return ""
    plain = rng.choice(words.GRADE_WORDS[facts["grade"]])
    if "style" in number:
        k = number["style"]
        pool = words.STYLE_BY_NUMBER if numbered else words.STYLE_BY_REFERENCE
        clause = rng.choice(pool).format(k=k, o=words.ORDINALS[k - 1])
        return f"{plain}, {clause}" if rng.random() < 0.2 else clause
    if "scene" in number:
        return plain if rng.random() < 0.2 else ""
    return plain


def _worded(
    rng: random.Random,
    facts: Facts,
    mention: list[int] | None,
    names: list[str],
    scene: str,
    style: str,
    *,
    commas: bool,
    short: bool,
) -> str:
    """Returns the sentence. mention: the items in the order of their names if sides are stated, None without sides.

    commas: whether a comma may follow a name.
    """
    between, framable = False, True
    if mention is None:
        between = (
            len(names) == 2
            and facts["arrangement"] == "row"
            and bool(_BETWEEN.fullmatch(scene))
            and not any("," in name or " with " in name for name in names)
            and rng.random() < 0.1
        )
        body = with_scene_between(rng, names, scene) if between else natural_subject(rng, facts, names, commas=commas)
        framed = rng.random() < FRAMED
    else:
        body, framable = explicit_subject(rng, facts, mention, names, commas=commas)
        framed = framable and rng.random() < FRAMED
    banner = _banner_clause(rng, facts["banner"])
    opening = banner.endswith((":", " with", ",")) if banner else False
    clausal = not framable or bool(_CLAUSE.search(body))
    if opening:
        colon = clausal and not banner.endswith((":", ","))
        body = f"{banner.removesuffix(' with') + ':' if colon else banner} {body}"
    elif framed and not short:
        frames = [frame for frame in words.FRAMES if frame.endswith(":")] if clausal else words.FRAMES
        body = f"{rng.choice(frames)} {body}"
    if between:
        scene = ""
    setting = ", ".join(part for part in (scene, style) if part)
    signed = bool(banner) and not opening
    if signed and (rng.random() < 0.5 or not setting):
        return _with_sign(rng, _with_setting(rng, body, scene, setting, plain=not framed), banner)
    if signed:
        return f"{_with_sign(rng, body, banner)}{rng.choice((', ', ', ', '. '))}{setting}"
    return _with_setting(rng, body, scene, setting, plain=not framed and not banner)


def _with_sign(rng: random.Random, text: str, banner: str) -> str:
    return f"{text}, {banner}" if rng.random() < 0.75 else f"{text}. {capitalise(banner)}"


def _banner_clause(rng: random.Random, banner: str | None) -> str:
    """Returns the phrase for the words on a sign; one that opens a sentence ends in ":", "," or "with"."""
    if not banner:
        return ""
    template = rng.choice(words.BANNER_OPENINGS if rng.random() < 0.15 else words.BANNERS)
    return template.format(q=rng.choice(words.QUOTES).format(b=banner), b=banner)


def _with_setting(rng: random.Random, body: str, scene: str, setting: str, *, plain: bool) -> str:
    """Returns the sentence with scene and look behind or in front. plain: the body has neither frame nor sign."""
    if not setting:
        return body
    place = _PLACE.fullmatch(scene)
    clausal = not any(mark in setting for mark in (":", "background from", "style of", "light and"))
    roll = rng.random()
    if plain and roll < 0.06 and place and ": " not in body:
        rest = setting[len(scene) :]
        return f"{place[1]}{rest}: {body}"
    if plain and roll < 0.20 and clausal:
        return f"{setting}{rng.choice((', ', ', ', ': '))}{body}"
    if roll < 0.25 and place and not setting[len(scene) :]:
        label = rng.choice(("background: ", "scene: ", "setting: ", ""))
        return f"{body}{rng.choice((', ', '. ', ' - '))}{label}{place[1]}"
    marks = (", ", ", ", ", ", ". ", " ", " ") if _PREPOSITION.match(setting) else (", ", ", ", ". ")
    return f"{body}{rng.choice(marks)}{setting}"


def _finished(rng: random.Random, text: str, banner: str | None, *, short: bool) -> str:
    """Returns the text with random filler, spelling, case and full stop. The sign's words keep their capitals."""
    if rng.random() < 0.28 and not short:
        text = ", ".join((text, *rng.sample(words.FILLERS, rng.choices((1, 2, 3, 4), (62, 26, 8, 4))[0])))
    elif rng.random() < 0.03 and not short and ":" not in text:
        text = f"{rng.choice(words.FILLERS)}: {text}"
    if rng.random() < 0.35:
        text = american(text)
    sentences = text.split(". ")
    roll = rng.random()
    if roll < 0.5 or (len(sentences) > 1 and roll < 0.9):
        text = ". ".join(capitalise(sentence) for sentence in sentences)
        if rng.random() < 0.5:
            text += "."
    elif roll > 0.94:
        text = banner.join(part.lower() for part in text.split(banner)) if banner else text.lower()
    elif roll > 0.92 and not banner and len(text) < SHOUTED:
        text = text.upper()
    return text
