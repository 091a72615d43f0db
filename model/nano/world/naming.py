"""Names of items that have a reference: by noun, colour, name, number, or vaguely."""

import random
from dataclasses import dataclass

from brandpress.model.nano.world import phrases as words
from brandpress.model.nano.world.colours import COLOURS
from brandpress.model.nano.world.describe import (
    brand_name,
    character_name,
    coloured,
    description,
    everyday_noun,
    model_name,
    short_description,
    size_word,
    sized,
    with_article,
    wrongly_described,
)
from brandpress.model.nano.world.facts import ItemFacts
from brandpress.model.nano.world.shop_nouns import MASCOTS, PRODUCTS

WRONG = 0.05
"""Share of references whose description in words has wrong colours."""
_WAYS: dict[str, dict[str, int]] = {
    "product": {"noun": 26, "described": 22, "full": 12, "brand": 18, "model": 7, "aside": 5, "vague": 6, "key": 4},
    "character": {"noun": 24, "described": 16, "full": 6, "name": 18, "titled": 20, "aside": 7, "vague": 6, "key": 3},
    "object": {"noun": 28, "described": 24, "full": 6, "brand": 20, "model": 6, "aside": 5, "vague": 6, "key": 5},
    "thing": {"noun": 20, "described": 8, "brand": 18, "model": 14, "name": 14, "titled": 10, "aside": 4, "vague": 12},
}
_NUMBERED_WAYS: dict[str, int] = {"noun": 44, "described": 16, "full": 6, "generic": 14, "named": 10, "bare": 14}
_VAGUE_NOUNS = frozenset(noun for nouns in words.GENERIC.values() for noun in nouns)
_NAMELESS = frozenset({"name", "model", "vague", "generic", "named", "bare"})


@dataclass(frozen=True, slots=True)
class Way:
    """How a caption names an item. numbered: by its reference's number. telling: the words tell which item it is."""

    kind: str
    numbered: bool
    telling: bool

    @property
    def nameless(self) -> bool:
        """Whether the words contain no noun for the item, so that one between commas may be taken for it."""
        return self.kind in _NAMELESS


def disguised(rng: random.Random, items: list[ItemFacts]) -> list[ItemFacts]:
    """Returns the items with other nouns and colours for most things, among them all that share a word with others."""
    used = {word for item in items if item["category"] != "thing" for word in item["noun"].split()}
    renamed = []
    for item in items:
        if item["category"] == "thing":
            noun = item["noun"]
            keep = noun not in _VAGUE_NOUNS and rng.random() < 0.25
            while not keep or not used.isdisjoint(noun.split()):
                noun, keep = rng.choice(PRODUCTS if rng.random() < 0.65 else MASCOTS), True
            used |= set(noun.split())
            if noun != item["noun"]:
                colour = rng.choice(tuple(COLOURS)) if rng.random() < 0.2 else None
                item = ItemFacts(**{**item, "noun": noun, "colour": colour})
        renamed.append(item)
    return renamed


def choose_way(rng: random.Random, item: ItemFacts, others: list[ItemFacts], *, numbered: bool) -> Way:
    """Returns a random way to name an item. others: the other items of the picture."""
    ways = _NUMBERED_WAYS if numbered else _WAYS[item["category"]]
    kind = rng.choices(tuple(ways), tuple(ways.values()))[0]
    unique = all(set(item["noun"].split()).isdisjoint(other["noun"].split()) for other in others)
    telling = numbered or (unique and item["category"] != "thing" and kind not in _NAMELESS)
    return Way(kind, numbered, telling)


def name_item(rng: random.Random, item: ItemFacts, way: Way, number: int) -> str:
    """Returns the words for an item. number: of its reference."""
    if rng.random() < WRONG and way.kind in ("described", "full"):
        item = wrongly_described(rng, item)
    size = size_word(rng, item)
    return _by_number(rng, item, way.kind, size, number) if way.numbered else _by_words(rng, item, way.kind, size)


def _determined(rng: random.Random, item: ItemFacts, noun: str, size: str) -> str:
    """Returns the noun with a random determiner, size word and perhaps adjective."""
    if rng.random() < 0.12:
        noun = f"{rng.choice(words.ADJECTIVES[item['category']])} {noun}"
    if rng.random() < 0.06 and " with " not in noun:
        noun = f"{noun} {rng.choice(words.DETAILS[item['category']])}"
    noun = sized(size, noun)
    determiner = rng.choices(("the", "our", "a", "this", ""), (44, 32, 16, 3, 5))[0]
    return with_article(noun) if determiner == "a" else f"{determiner} {noun}".strip()


def _by_words(rng: random.Random, item: ItemFacts, kind: str, size: str) -> str:
    if kind == "vague":
        return _vague(rng, item, size)
    if kind == "full":
        text = description(rng, item, article=False, size=size)
        determiner = rng.choices(("a", "the", "our"), (55, 25, 20))[0]
        return with_article(text) if determiner == "a" else f"{determiner} {text}"
    if kind == "described":
        return _determined(rng, item, short_description(rng, item), size)
    if kind == "key":  # the name of a product or character in a brand's file
        key = coloured(item["colour"] if rng.random() < 0.5 else None, everyday_noun(item["noun"]))
        joined = key.replace(" ", rng.choice(("-", "-", "_", " ")))
        return f"the {sized(size, joined)}" if size or rng.random() < 0.6 else joined
    noun = everyday_noun(item["noun"])
    if kind == "aside":
        return _aside(rng, item, noun, size)
    if kind == "name":
        name = character_name(rng)
        return with_article(f"{size} {name}") if size else name
    if kind == "titled":
        return _titled(rng, noun, size)
    if kind == "model":
        return _model(rng, size)
    if kind == "brand":
        return _brand(rng, item, noun, size)
    return _determined(rng, item, noun, size)


def _vague(rng: random.Random, item: ItemFacts, size: str) -> str:
    text = rng.choice(words.VAGUE[item["category"]])
    if not size:
        return text
    determiner, _, noun = text.partition(" ")
    return f"{determiner} {size} {noun}" if noun else f"this {size} one"


def _titled(rng: random.Random, noun: str, size: str) -> str:
    """Returns a name and a kind: "Kiki the koala"."""
    name = character_name(rng)
    if size:
        return rng.choice((f"the {size} {noun} {name}", f"{size} {name} the {noun}", f"{name} the {size} {noun}"))
    forms = (f"{name} the {noun}", f"{name} the {noun}", f"our {noun} {name}", f"the {noun} {name}", f"{noun} {name}",
             f"{name} ({noun})", f"{name} the {noun}", f"{with_article(noun)} named {name}",
             f"{with_article(noun)} called {name}")  # fmt: skip
    return rng.choice(forms)


def _model(rng: random.Random, size: str) -> str:
    """Returns a product's name without its kind: "the Acme X1"."""
    brand, model = brand_name(rng), model_name(rng)
    if size:
        return rng.choice((f"the {size} {brand} {model}", f"our {size} {brand} {model}"))
    forms = (f"the {brand} {model}", f"the {brand} {model}", f"{brand} {model}", f"the new {brand} {model}",
             f"our {brand} {model}", f"the {brand}", f"our {model}", f"{brand}'s {model}")  # fmt: skip
    return rng.choice(forms)


def _brand(rng: random.Random, item: ItemFacts, noun: str, size: str) -> str:
    """Returns a brand or model with a kind: "Acme's mug", "the Acme mug Classic 250 ml"."""
    brand, model = brand_name(rng), model_name(rng)
    thing = sized(size, coloured(item["colour"] if rng.random() < 0.25 else None, noun))
    forms = (f"the {size} {brand} {noun}", f"the {brand} {thing}", f"{brand}'s {thing}", f"our {thing} {model}",
             f"the {brand} {thing} {model}", f"our {thing} by {brand}", f"the {thing} {model} by {brand}",
             f"our {model} {thing}", f"the {thing} \"{brand}\"", f"the new {brand} {thing}",
             f"the {brand} {model} {thing}", f"our {brand} {thing}")  # fmt: skip
    return " ".join(rng.choice(forms).split())


def _aside(rng: random.Random, item: ItemFacts, noun: str, size: str) -> str:
    """Returns a name or noun with an aside between commas: "Hazel, our hedgehog mascot,"."""
    colour = item["colour"] if item["category"] != "thing" else None
    if item["category"] == "character":
        name, adjective = character_name(rng), rng.choice(words.ADJECTIVES["character"])
        forms: tuple[str, ...] = (
            f"{name}, our {sized(size, noun)} mascot", f"{name}, the {sized(size, noun)}",
            f"{name}, {with_article(sized(size, f'{adjective} {noun}'))}", f"our {size} mascot {name}, a {noun}",
            f"{name}, our {sized(size, coloured(colour, noun))}", f"our {size} mascot, {name} the {noun}",
        )  # fmt: skip
    else:
        name = f"{brand_name(rng)} {model_name(rng)}"
        second = f" and {item['second']}" if colour and item["second"] else ""
        forms = (
            f"the {name}, our {sized(size, noun)}", f"our {sized(size, noun)}, the {name}",
            f"the {size} {name}, {with_article(coloured(colour, noun))}",
            f"our new {sized(size, noun)}, {model_name(rng)}",
            f"our {sized(size, noun)}, {colour or 'new'}{second}", f"{name}, our {sized(size, coloured(colour, noun))}",
        )  # fmt: skip
    return " ".join(rng.choice(forms).split()) + rng.choice((",", ",", ""))


def _by_number(rng: random.Random, item: ItemFacts, kind: str, size: str, number: int) -> str:
    ordinal, category = words.ORDINALS[number - 1], item["category"]
    if kind == "bare":
        if rng.random() < 0.5 and not size:
            return rng.choice(words.COUNTED[category]).format(k=number, o=ordinal)
        text = rng.choice(words.BARE_BY_NUMBER).format(k=number, o=ordinal)
        return f"a {size} version of {text}" if size else text
    if kind == "named":
        name = _titled(rng, everyday_noun(item["noun"]), size) if category == "character" else _model(rng, size)
        return rng.choice(words.NAME_BY_NUMBER).format(n=name, k=number, o=ordinal)
    if kind == "generic" or (category == "thing" and kind == "full"):
        noun = rng.choice(words.GENERIC[category])
    elif kind == "full":
        noun = description(rng, item, article=False)
    elif kind == "described":
        noun = short_description(rng, item)
    else:
        noun = everyday_noun(item["noun"])
    if rng.random() < 0.1:
        noun = f"{rng.choice(words.ADJECTIVES[category])} {noun}"
    noun = sized(size, noun)
    templates = words.CLEAR_BY_NUMBER if " with " in noun else words.NAMED_BY_NUMBER
    return rng.choice(templates).format(n=noun, k=number, o=ordinal)
