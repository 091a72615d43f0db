"""What strangers ask for: pictures worded as marketing people do.

No frame or scene here is copied from the phrases of training. Prompts say no sides: the subject named first belongs on
the left.
"""

from __future__ import annotations

from dataclasses import dataclass

from brandpress.model.nano.evaluation.brand import Brand, Subject

PAIRS = 48
CROWDS = 24
SIGNS = 24

SCENES = (
    ("in an autumn forest", "among golden autumn leaves", "on a path through an autumn wood", "in a park in October"),
    ("in a cosy café", "on the table of a small café", "at a coffee shop", "inside a Paris café"),
    ("on a beach", "at the seaside", "on a white sandy beach in July", "by the ocean"),
    (
        "in front of snowy mountains",
        "on a snowy mountain top",
        "with snow-capped peaks behind",
        "in the Alps in winter",
    ),
    ("in the city at night", "downtown at night", "under city lights at night", "in front of a skyline at night"),
    ("in a pink studio", "on a plain pink background", "against soft pink", "in the studio, pink backdrop"),
)
# {product}: noun; {coloured}: with its colour; {model}: its own name; {kind}: of the character; {name}: its own name
PRODUCT_FIRST = (
    "A product photo of our {coloured} next to {name} the {kind}, {scene}",
    "Hero image for our shop: the {product} with {name} the {kind}, {scene}",
    "{scene}: the {product} and {name}",
    "Instagram post \u2013 {product} and {kind} side by side, {scene}",
    "our new {model} beside {name}, our {kind} mascot, {scene}",
    "The {coloured}, {name} the {kind} right beside it, {scene}, high quality",
    "The {model} and {name}. Shot {scene}.",
    "we need a picture of the {product} along with the {kind} {scene}, for our spring newsletter",
    "Packshot of the product from image 1 together with the character from image 2, {scene}",
    "PRODUCT PHOTO OF THE {product} NEXT TO {name}, {scene}",
    "The {product} is shown next to a friendly {kind} called {name}, {scene}.",
    "Catalogue cover with our bestseller, the {coloured}, and {name}, the {kind}, {scene}",
    "social ad for the {model} {product}, with {name} the {kind} {scene}, crisp and bright",
    "Website banner image. The {product} accompanied by {name} ({kind}), {scene}.",
    "{scene}, our {product} meets {name} the {kind}",
    "{product} + {kind}, {scene}",
)
CHARACTER_FIRST = (
    "{name} the {kind} presents our {product}, {scene}",
    "Lifestyle shot, {name} holding the {coloured}, {scene}, soft light",
    "Newsletter header: {name}, our {kind} mascot, together with the {product} {scene}",
    "{kind} and {product}, {scene}, shallow depth of field",
    "{name} shows off the {product} {scene}",
    "a cheerful {kind} stands beside a {coloured} {scene}, crisp details",
    "an advert in which {name}, the {kind}, poses with our {product}, {scene}",
    "The mascot {name} with the {model}, {scene}",
)
# {p}, {q}, {r}: products; {c}, {d}: characters with their names
THREE = (
    "Our {p}, {q} and {c}, {scene}",
    "{c} with the {p} and the {q} {scene}",
    "Group photo: the {p}, {c} and {d}, {scene}",
    "The {p} between {c} and {d}, {scene}",
    "{c}, {d} and our {p} {scene}, high quality",
    "Gift guide with the {p}, the {q} and the {r}, {scene}",
)
FOUR = (
    "Family shot of the {p}, the {q}, {c} and {d} {scene}",
    "{c} and {d} present the {p} and the {q}, {scene}",
    "Our bestsellers: {p}, {q}, {r} and {c}, {scene}",
    "The {p}, {c}, the {q} and {d} in a row, {scene}",
    "{c}, {d}, {p}, {q}, {scene}",
    "Season opening {scene}: the {p} and the {q} with {c} and {d}",
)
SIGN_WORDS = ("SALE", "NEW", "OPEN", "BIG SALE", "HELLO", "GIFTS", "BEST PRICE", "SPRING", "HALF PRICE", "SUMMER SALE",
              "LOVE", "NEW IN STORE")  # fmt: skip
SIGN_FRAMES = (
    'The {product} {scene}, with a banner that says "{words}"',
    "Poster for our shop: {product} under a sign reading {words}, {scene}",
    '{name} the {kind} {scene} and the words "{words}" on a sign',
    'Shop window picture of the {coloured}, a sign above it says "{words}", {scene}',
)


@dataclass(frozen=True)
class Shot:
    """One picture to render.

    subjects: in the order of mention; for pairs, that is from left to right. references: in order. scene: index in
    SCENES. sign: the words in the picture, None without any.
    """

    prompt: str
    subjects: tuple[Subject, ...]
    references: tuple[Subject, ...]
    scene: int
    sign: str | None = None


def pair_shots(brand: Brand, count: int = PAIRS) -> tuple[Shot, ...]:
    """Returns pictures of a product with a character; the product is reference 1, the character reference 2.

    Every product, character and scene is shown equally often if `count` is a multiple of 48.
    """
    shots = []
    for index in range(count):
        product, character = _pair(brand, index)
        character_first = index % 3 == 2  # 2 to 1, as there are frames
        frames = CHARACTER_FIRST if character_first else PRODUCT_FIRST
        frame = frames[(index // 3) % len(frames) if character_first else (index - index // 3) % len(frames)]
        prompt = _worded(frame, product, character, _scene(index))
        named = (character, product) if character_first else (product, character)
        shots.append(Shot(prompt, named, (product, character), index % len(SCENES)))
    return tuple(shots)


def crowd_shots(brand: Brand, count: int = CROWDS) -> tuple[Shot, ...]:
    """Returns pictures of three and four subjects, in turn. References are products first, then characters."""
    shots = []
    for index in range(count):
        frames = FOUR if index % 2 else THREE
        frame = frames[index // 2 % len(frames)]
        products = [brand.products[(index + step) % len(brand.products)] for step in (0, 3, 5)]
        characters = [brand.characters[(3 * index + step) % len(brand.characters)] for step in (0, 3)]
        subjects = dict(zip("pqr", products, strict=True)) | dict(zip("cd", characters, strict=True))
        keys = sorted((key for key in subjects if f"{{{key}}}" in frame), key=lambda key: frame.index(f"{{{key}}}"))
        words = {key: subjects[key].noun for key in "pqr"}
        words |= {key: f"{subjects[key].name} the {subjects[key].noun}" for key in "cd"}
        prompt = _capitalised(frame.format(**words, scene=_scene(index)))
        references = tuple(subjects[key] for key in "pqrcd" if key in keys)
        shots.append(Shot(prompt, tuple(subjects[key] for key in keys), references, index % len(SCENES)))
    return tuple(shots)


def sign_shots(brand: Brand, count: int = SIGNS) -> tuple[Shot, ...]:
    """Returns pictures of one subject with words on a sign."""
    shots = []
    for index in range(count):
        product, character = _pair(brand, index)
        frame = SIGN_FRAMES[index % len(SIGN_FRAMES)]
        words = SIGN_WORDS[(index + index // len(SIGN_WORDS)) % len(SIGN_WORDS)]
        subject = character if "{kind}" in frame else product
        prompt = _worded(frame, product, character, _scene(index), words)
        shots.append(Shot(prompt, (subject,), (subject,), index % len(SCENES), words))
    return tuple(shots)


def _pair(brand: Brand, index: int) -> tuple[Subject, Subject]:
    """Returns a product and a character: 48 different pairs in a row."""
    size = len(brand.products)
    return brand.products[index % size], brand.characters[(3 * index + index // size) % size]


def _scene(index: int) -> str:
    wordings = SCENES[index % len(SCENES)]
    turn = index // len(SCENES)
    return wordings[(turn + turn // len(wordings)) % len(wordings)]


def _worded(frame: str, product: Subject, character: Subject, scene: str, words: str = "") -> str:
    text = frame.format(
        product=product.noun,
        coloured=product.coloured,
        model=product.name,
        kind=character.noun,
        name=character.name,
        scene=scene,
        words=words,
    )
    return text.upper() if frame.startswith("PRODUCT PHOTO") else _capitalised(text) if frame[0] == "{" else text


def _capitalised(text: str) -> str:
    return text[0].upper() + text[1:]
