"""Captions: prompts for a composition as a campaign would word them, with their references."""

import random
from dataclasses import dataclass

from brandpress.model.nano.world import phrases as words
from brandpress.model.nano.world.describe import capitalise, description, invented_name, short_description, with_article
from brandpress.model.nano.world.facts import Facts, ItemFacts, random_facts
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.natural import SHARE as NATURAL_SHARE
from brandpress.model.nano.world.natural import natural_sentence
from brandpress.model.nano.world.scene_words import SCENE_WORDS

MIN_WORDS, MAX_WORDS = 2, 45
_COUNTS = (0.12, 0.20, 0.34, 0.29, 0.05)


@dataclass(frozen=True, slots=True)
class Caption:
    """A prompt and its references in order: "item0" to "item2", "scene", "style"."""

    text: str
    references: tuple[str, ...]


def caption(rng: random.Random, facts: Facts) -> Caption:
    """Returns a random caption of MIN_WORDS to MAX_WORDS words, with 0 to 4 references."""
    for _ in range(8):
        drawn = _draw(rng, facts)
        if MIN_WORDS <= len(drawn.text.split()) <= MAX_WORDS:
            return drawn
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


def _choose_references(rng: random.Random, facts: Facts) -> list[str]:
    """Returns the random references of a caption; never both a scene and a style."""
    pool = [f"item{index}" for index in range(len(facts["items"]))]
    backdrop = "style" if facts["grade"] != "none" and rng.random() < 0.4 else "scene"
    count = min(rng.choices(range(5), _COUNTS)[0], len(pool) + 1)
    # campaigns put items first, so a scene has a reference less often than an item
    weights = [1.0 + 0.5 * rng.random() for _ in pool] + [0.75 + 0.75 * rng.random()]
    ranked = sorted(zip([*pool, backdrop], weights, strict=True), key=lambda pair: -pair[1])
    return [name for name, _ in ranked[:count]]


def _draw(rng: random.Random, facts: Facts) -> Caption:
    references = _choose_references(rng, facts)
    items = facts["items"]
    mention = list(range(len(items)))
    natural = len(items) > 1 and rng.random() < NATURAL_SHARE
    if not natural and rng.random() < 0.4:
        rng.shuffle(mention)
    order = [f"item{index}" for index in mention if f"item{index}" in references]
    order += [name for name in ("scene", "style") if name in references]
    bound = [index for index in mention if f"item{index}" in references]

    roll = rng.random()
    mode = "number" if roll < 0.45 else ("order" if roll < 0.53 and references else "name")
    shuffled = rng.random() < 0.35
    naming_styles = {index: _naming_style(rng, mode, items[index]) for index in bound}
    anonymous = any(style in ("generic", "invented", "bare") for style in naming_styles.values())
    if shuffled and (mode == "number" or (mode == "name" and not (anonymous and len(bound) > 1))):
        rng.shuffle(order)
    number = {name: index + 1 for index, name in enumerate(order)}

    names: dict[int, str] = {}
    for index in mention:
        key = f"item{index}"
        if key in number:
            names[index] = _reference_name(
                rng, items[index], naming_styles[index], number[key], numbered=mode != "name"
            )
        else:
            names[index] = description(rng, items[index])
    scene = _scene_clause(rng, facts, number, mode)
    style = _style_clause(rng, facts, number, mode)
    if natural:
        text = natural_sentence(rng, facts, [names[index] for index in mention], scene, style)
    else:
        text = _sentence(rng, facts, mention, names, scene, style)
    return Caption(_finished(rng, text), tuple(order))


def _naming_style(rng: random.Random, mode: str, item: ItemFacts) -> str:
    """Returns a random way to name a referenced item: noun, described, full, generic, invented or bare."""
    if mode == "order":
        return rng.choice(("noun", "bare", "generic"))
    if mode == "number":
        return rng.choices(("noun", "described", "full", "generic", "invented", "bare"), (46, 16, 10, 14, 8, 6))[0]
    return rng.choices(("noun", "described", "full", "generic", "invented"), (38, 24, 14, 12, 12))[0]


def _reference_name(rng: random.Random, item: ItemFacts, way: str, number: int, *, numbered: bool) -> str:
    ordinal = words.ORDINALS[number - 1]
    if way == "bare":
        return rng.choice(words.BARE_BY_NUMBER).format(k=number, o=ordinal)
    adjectives = words.ADJECTIVES[item["category"]]
    if way == "generic":
        noun = rng.choice(words.GENERIC[item["category"]])
    elif way == "invented":
        name = invented_name(rng)
        noun = f"{name} {item['noun']}" if rng.random() < 0.5 else name
    elif way == "full":
        noun = description(rng, item, article=False)
    elif way == "described":
        noun = short_description(rng, item)
    else:
        noun = item["noun"]
    if rng.random() < 0.16:
        adjective = rng.choice(adjectives)
        if adjective == "our":
            return f"our {noun}" + (f" from image {number}" if numbered else "")
        noun = f"{adjective} {noun}"
    if numbered:
        template = rng.choice(words.NAMED_BY_NUMBER)
        if " with " in noun:  # "the mug with a star from image 1", never "image 1's mug with a star"
            template = rng.choice(("the {n} from image {k}", "the {n} (image {k})", "the {n} in image {k}"))
        return template.format(n=noun, k=number, o=ordinal)
    if way == "invented" and noun[0].isupper() and rng.random() < 0.5:
        return noun
    return with_article(noun) if rng.random() < 0.35 and way != "invented" else f"the {noun}"


def _scene_clause(rng: random.Random, facts: Facts, number: dict[str, int], mode: str) -> str:
    """Returns the scene's phrase; may be empty if there is a scene reference."""
    plain = rng.choice(SCENE_WORDS[facts["scene"]]).format(c=facts["scene_colour"] or "")
    if "scene" not in number:
        return plain
    k = number["scene"]
    if mode != "name":
        clause = rng.choice(words.SCENE_BY_NUMBER).format(k=k, o=words.ORDINALS[k - 1])
        if rng.random() < 0.2:
            return f"{plain} from image {k}" if rng.random() < 0.5 else f"{plain}, {clause}"
        return clause
    roll = rng.random()
    if roll < 0.4:
        return rng.choice(words.SCENE_BY_REFERENCE)
    return plain if roll < 0.75 else ""


def _style_clause(rng: random.Random, facts: Facts, number: dict[str, int], mode: str) -> str:
    """Returns the look's phrase; never empty for a look that no scene or style reference shows."""
    if facts["grade"] == "none":
        return ""
    plain = rng.choice(words.GRADE_WORDS[facts["grade"]])
    if "style" in number:
        k = number["style"]
        pool = words.STYLE_BY_REFERENCE if mode == "name" else words.STYLE_BY_NUMBER
        clause = rng.choice(pool).format(k=k, o=words.ORDINALS[k - 1])
        return f"{plain}, {clause}" if rng.random() < 0.2 else clause
    if "scene" in number:
        return plain if rng.random() < 0.2 else ""
    return plain


def _sentence(
    rng: random.Random, facts: Facts, mention: list[int], names: dict[int, str], scene: str, style: str
) -> str:
    items = facts["items"]
    setting = ", ".join(part for part in (scene, style) if part) if rng.random() < 0.7 else f"{scene} {style}".strip()
    sides = {index: rng.choice(words.SIDES[items[index]["slot"]]) for index in mention}
    roll = rng.random()
    clausal = not any(mark in setting for mark in (":", "background from", "style of", "light and"))
    if len(mention) == 1:
        only = mention[0]
        if roll < 0.15 and setting and clausal:
            return f"{setting}, {names[only]} {_verb(rng, items[only])} {sides[only]}"
        centred = items[only]["slot"] == "centre" and rng.random() < 0.4
        body = names[only] if centred else f"{names[only]} {sides[only]}"
        return _joined(rng, body, setting)
    placed = [f"{names[index]} {sides[index]}" for index in mention]
    if roll < 0.10 and setting and clausal:  # the scene first
        return f"{setting}, {_listed(placed)}"
    if roll < 0.18 and setting and clausal:
        verbed = [f"{names[i]} {_verb(rng, items[i])} {sides[i]}" for i in mention]
        return f"{setting}, {_listed(verbed)}"
    if roll < 0.28:
        mark = rng.choice((": ", ": ", " - "))
        on = rng.random() < 0.4
        rows = []
        for index in mention:
            slot = items[index]["slot"]
            label = rng.choice(words.SIDE_LABELS[slot])
            label = ("in the " if slot == "centre" else "on the ") + label if on else label
            rows.append(f"{label}{mark}{names[index]}")
        return _joined(rng, rng.choice((", ", "; ")).join(rows), setting, opening=False)
    if roll < 0.38:  # the side first
        rows = [f"{words.SIDES[items[i]['slot']][0]} {names[i]}" for i in mention]
        return _joined(rng, _listed(rows), setting, opening=False)
    if len(mention) == 2 and roll < 0.56:
        return _joined(rng, _relation(rng, facts, mention, names, sides), setting)
    if roll < 0.66:
        verbed = [f"{names[i]} {_verb(rng, items[i])} {sides[i]}" for i in mention]
        return _joined(rng, _listed(verbed), setting, opening=False)
    if roll < 0.82:
        return _joined(rng, ", ".join(placed), setting)
    return _joined(rng, _listed(placed), setting)


def _relation(
    rng: random.Random, facts: Facts, mention: list[int], names: dict[int, str], sides: dict[int, str]
) -> str:
    """Returns two items with their relation. Items are indexed from left to right."""
    first, second = mention
    way = rng.choice(("left of", "right of")) if rng.random() < 0.6 else "next to"
    if way == "next to":
        return (
            f"{names[first]} {sides[first]} {rng.choice(('next to', 'beside', 'with'))} {names[second]} {sides[second]}"
        )
    if (way == "left of") != (first < second):
        first, second = second, first
        if list(names).index(first) > list(names).index(second):
            # keep the order of mention and use the opposite relation
            first, second = second, first
            way = "right of" if way == "left of" else "left of"
    return f"{names[first]} {rng.choice(('to the', 'on the', 'to the'))} {way} {names[second]}"


def _verb(rng: random.Random, item: ItemFacts) -> str:
    return rng.choice(words.VERBS[item["category"]])


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _joined(rng: random.Random, body: str, setting: str, *, opening: bool = True) -> str:
    if opening and rng.random() < 0.22:
        body = f"{rng.choice(words.OPENINGS)} {body}"
    if not setting:
        return body
    return f"{body}{rng.choice((', ', ', ', ', ', ' ', '. '))}{setting}"


def _finished(rng: random.Random, text: str) -> str:
    """Returns the text with random filler, capitalisation and full stop."""
    if rng.random() < 0.2:
        text = f"{text}, {rng.choice(words.FILLERS)}"
        if rng.random() < 0.2:
            text = f"{text}, {rng.choice(words.FILLERS)}"
    elif rng.random() < 0.05:
        text = f"{rng.choice(words.FILLERS)}: {text}"
    sentences = text.split(". ")
    if rng.random() < 0.45 or len(sentences) > 1:
        text = ". ".join(capitalise(sentence) for sentence in sentences)
        if rng.random() < 0.6:
            text += "."
    elif rng.random() < 0.06:
        text = text.lower()
    return text
