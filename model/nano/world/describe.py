"""Descriptions and names of items in words."""

import random
import re

from brandpress.model.nano.world.colours import COLOURS
from brandpress.model.nano.world.facts import ItemFacts
from brandpress.model.nano.world.phrases import BRANDS, MODELS, NAMES, SIZES

_SYLLABLES = ("zu", "vo", "nor", "vik", "lu", "mi", "ka", "ro", "tel", "bra", "sen", "dor", "fa", "qui", "po", "lex",
              "ny", "gra", "hul", "jo", "wen", "tas", "ori", "mel", "ex", "ba", "sti", "ful")  # fmt: skip
_SOFT = tuple(consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou")
_CONSONANT_SOUND = re.compile(r"(uni|use|usa|uti|eu|ewe|one)", re.IGNORECASE)
_VOWEL_SOUND = re.compile(r"([aeiou]|8|11|18|hour|honest)", re.IGNORECASE)
_PLURAL = re.compile(r"[^siu]s$")
_SINGULAR_S = frozenset({"tennis", "santa claus", "christmas", "rhinoceros"})
_AMERICAN = {
    "grey": "gray", "colour": "color", "cosy": "cozy", "theatre": "theater", "centre": "center", "harbour": "harbor",
    "jewellery": "jewelry", "catalogue": "catalog", "pyjamas": "pajamas", "favourite": "favorite",
}  # fmt: skip
_BRITISH_WORD = re.compile("|".join(_AMERICAN), re.IGNORECASE)
_ANIMAL_FACE = re.compile(
    r"(bear|cat|cow|dog|dragon|fox|frog|hamster|horse|lion|monkey|moose|mouse|panda|pig|polar bear|rabbit|tiger|unicorn"
    r"|wolf|koala|donkey) face"
)


def capitalise(text: str) -> str:
    """Returns the text with its first letter capitalised."""
    return text[:1].upper() + text[1:]


def american(text: str) -> str:
    """Returns the text in American spelling."""

    def replaced(match: re.Match[str]) -> str:
        word = _AMERICAN[match[0].lower()]
        return word.upper() if match[0].isupper() else (capitalise(word) if match[0][0].isupper() else word)

    return _BRITISH_WORD.sub(replaced, text)


def is_plural(noun: str) -> bool:
    """Returns whether a noun such as "grapes" takes no indefinite article."""
    head = re.split(r" (?:with|of|on|in|under) ", noun)[0]
    return bool(_PLURAL.search(head)) and head.lower() not in _SINGULAR_S


def with_article(noun: str) -> str:
    """Returns the noun with "a" or "an"; a plural stays as it is."""
    if is_plural(noun):
        return noun
    vowel = _VOWEL_SOUND.match(noun) and not _CONSONANT_SOUND.match(noun)
    return f"{'an' if vowel else 'a'} {noun}"


def everyday_noun(noun: str) -> str:
    """Returns the noun as people say it: "fox", not "fox face"."""
    match = _ANIMAL_FACE.fullmatch(noun)
    return match[1] if match else noun


def invented_name(rng: random.Random) -> str:
    """Returns an invented name of two or three syllables."""
    syllables = _SYLLABLES if rng.random() < 0.5 else _SOFT
    return capitalise("".join(rng.choice(syllables) for _ in range(rng.choice((2, 2, 3)))))


def character_name(rng: random.Random) -> str:
    """Returns the name of a character: a common one, a doubled syllable, or an invented one."""
    roll = rng.random()
    if roll < 0.4:
        return rng.choice(NAMES)
    return capitalise(rng.choice(_SOFT) * 2) if roll < 0.5 else invented_name(rng)


def brand_name(rng: random.Random) -> str:
    """Returns the name of a brand."""
    return rng.choice(BRANDS) if rng.random() < 0.3 else invented_name(rng)


def model_name(rng: random.Random) -> str:
    """Returns the name of a model: "X1", "Classic", "250 ml", "Classic 250 ml"."""
    roll = rng.random()
    if roll < 0.4:
        return (
            f"{rng.choice('ABCEGKLMPQRSTVXZ')}{rng.choice(('', '', '-'))}{rng.choice((1, 2, 3, 5, 7, 9, 10, 20, 500))}"
        )
    if roll < 0.5:
        return f"{rng.choice(MODELS[:8])} {rng.choice(MODELS[12:17])}"
    return rng.choice(MODELS)


def size_word(rng: random.Random, item: ItemFacts) -> str:
    """Returns a word for the item's scale; may be empty for small and large items, and is for normal ones."""
    if item["scale"] in ("small", "large") and rng.random() < 0.2:
        return ""
    return rng.choice(SIZES[item["scale"]])


def sized(size: str, noun: str) -> str:
    """Returns the noun with its size word, if any."""
    return f"{size} {noun}" if size else noun


def coloured(colour: str | None, noun: str) -> str:
    """Returns the noun with its colour, unless it has none or begins with it."""
    return f"{colour} {noun}" if colour and not noun.startswith(colour) else noun


def wrongly_described(rng: random.Random, item: ItemFacts) -> ItemFacts:
    """Returns the item with wrong colours. Its reference shows the right ones."""

    def other(colour: str | None) -> str | None:
        return rng.choice([name for name in COLOURS if name != colour]) if colour else None

    colour = None if item["noun"].split()[0] in COLOURS else other(item["colour"] or "none")
    return ItemFacts(**{**item, "colour": colour, "second": other(item["second"])})


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


def description(rng: random.Random, item: ItemFacts, *, article: bool = True, size: str = "") -> str:
    """Returns the full description of an item: size, colours, pattern, noun and logo."""
    colour, noun = item["colour"], item["noun"]
    if item["category"] != "product" or not colour:
        text = coloured(colour, noun)
    else:
        if not item["second"] or item["pattern"] == "plain" or item["pattern"] is None:
            text = f"{colour} {noun}"
        else:
            text = _pattern_words(rng, colour, item["second"], item["pattern"], noun)
        if item["logo"]:
            logo = item["logo"] if rng.random() < 0.75 else f"{item['logo']} logo"
            link = "and" if " with " in text else "with"
            text = f"{text} {link} {with_article(coloured(item['logo_colour'], logo))}"
    text = sized(size, text.replace(" a orange", " an orange"))
    return with_article(text) if article else text


def short_description(rng: random.Random, item: ItemFacts) -> str:
    """Returns the noun with one of its properties, without an article."""
    noun = everyday_noun(item["noun"])
    if item["logo"] and rng.random() < 0.4:
        return (
            f"{noun} with the {item['logo_colour']} {item['logo']}"
            if rng.random() < 0.5
            else f"{noun} with {with_article(item['logo'])}"
        )
    if item["pattern"] in ("stripes", "dots", "checks") and rng.random() < 0.5:
        return f"{ {'stripes': 'striped', 'dots': 'dotted', 'checks': 'checked'}[item['pattern']] } {noun}"
    return coloured(item["colour"], noun)
