"""Descriptions of items in words."""

import random

from brandpress.model.nano.world.facts import ItemFacts

_SYLLABLES = ("zu", "vo", "nor", "vik", "lu", "mi", "ka", "ro", "tel", "bra", "sen", "dor", "fa", "qui", "po", "lex",
              "ny", "gra", "hul", "jo", "wen", "tas", "ori", "mel", "ex", "ba", "sti", "ful")  # fmt: skip


def capitalise(text: str) -> str:
    """Returns the text with its first letter capitalised."""
    return text[:1].upper() + text[1:]


def with_article(noun: str) -> str:
    """Returns the noun with "a" or "an"."""
    return f"{'an' if noun[:1].lower() in 'aeio' else 'a'} {noun}"


def invented_name(rng: random.Random) -> str:
    """Returns an invented name of two or three syllables."""
    return capitalise("".join(rng.choice(_SYLLABLES) for _ in range(rng.choice((2, 2, 3)))))


def _pattern_words(rng: random.Random, colour: str, second: str, pattern: str, noun: str) -> str:
    """Returns a random phrase of the noun with its pattern and both colours."""
    forms: dict[str, tuple[str, ...]] = {
        "stripes": (f"{colour} and {second} striped {noun}", f"{colour} {noun} with {second} stripes",
                    f"{colour} {noun} with vertical {second} stripes"),
        "band": (f"{colour} {noun} with a {second} band", f"{colour} {noun} with a wide {second} stripe",
                 f"{colour} {noun} with a {second} stripe across"),
        "dots": (f"{colour} {noun} with {second} dots", f"{colour} and {second} polka dot {noun}",
                 f"{colour} dotted {noun} with {second} dots"),
        "checks": (f"{colour} and {second} checked {noun}", f"checkered {colour} and {second} {noun}",
                   f"{colour} {noun} with {second} checks"),
        "halves": (f"half {colour} half {second} {noun}", f"two-tone {colour} and {second} {noun}",
                   f"{colour} and {second} {noun} split diagonally"),
    }  # fmt: skip
    return rng.choice(forms[pattern])


def description(rng: random.Random, item: ItemFacts, *, article: bool = True) -> str:
    """Returns the full description of an item: colours, pattern, noun and logo."""
    colour, noun = item["colour"], item["noun"]
    if item["category"] != "product":
        text = f"{colour} {noun}" if colour and not noun.startswith(colour) else noun
    else:
        if item["pattern"] == "plain" or item["pattern"] is None:
            text = f"{colour} {noun}"
        else:
            text = _pattern_words(rng, colour or "", item["second"] or "", item["pattern"], noun)
        if item["logo"]:
            logo = item["logo"] if rng.random() < 0.75 else f"{item['logo']} logo"
            link = "and" if " with " in text else "with"
            text = f"{text} {link} a {item['logo_colour']} {logo}"
    return with_article(text) if article else text


def short_description(rng: random.Random, item: ItemFacts) -> str:
    """Returns the noun with one of its properties, without an article."""
    noun, colour = item["noun"], item["colour"]
    if item["logo"] and rng.random() < 0.4:
        return (
            f"{noun} with the {item['logo_colour']} {item['logo']}"
            if rng.random() < 0.5
            else f"{noun} with a {item['logo']}"
        )
    if item["pattern"] in ("stripes", "dots", "checks") and rng.random() < 0.5:
        return f"{ {'stripes': 'striped', 'dots': 'dotted', 'checks': 'checked'}[item['pattern']] } {noun}"
    return f"{colour} {noun}" if colour and not noun.startswith(colour) else noun
