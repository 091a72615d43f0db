"""Labelled pictures: subjects on drawn scenes, right or with a known fault.

They stand in for the pictures of a good model, with what differs between such pictures (scene, place, size, light,
slight turns, compression), and for its mistakes.
"""

from __future__ import annotations

import io
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from brandpress.model.nano.evaluation.finding import scaled
from brandpress.model.nano.world.scenes import random_scene
from tests.bench.measures.art import Drawing
from tests.bench.measures.damage import melted, recoloured, warped

SIDE = 512
COPIES = (
    "SUMMER SALE", "NEW IN STORE", "Fresh every day", "Half price", "OPEN", "Made to last", "BEST OF SPRING", "HELLO",
    "Free shipping", "GIFTS FOR ALL", "Limited edition", "Back to school",
)  # fmt: skip
FAULTS = ("wrong subject", "wrong colour", "warped", "melted", "empty", "unreadable text")
RIGHT = "right"
COUNTS = {
    RIGHT: 132, "wrong subject": 44, "wrong colour": 44, "warped": 44, "melted": 44, "empty": 28,
    "right text": 44, "unreadable text": 44,
}  # fmt: skip
"""Label -> number of pictures; `right text` are right pictures with copy."""


@dataclass(frozen=True)
class Labelled:
    """A picture, what its variant asks for, and its label: `right`, or one of FAULTS."""

    picture: Image.Image
    subjects: tuple[Drawing, ...]
    prompt: str
    label: str


def labelled(subjects: Sequence[Drawing], share: float = 1.0, seed: int = 7) -> Iterator[Labelled]:
    """Yields COUNTS pictures, or a share of them. Four in ten ask for two subjects; the first has the fault."""
    for label, count in COUNTS.items():
        for index in range(max(1, round(share * count))):
            rng = random.Random(f"{seed} {label} {index}")
            first = subjects[index % len(subjects)]
            others = [one for one in subjects if one.kind != first.kind]
            wanted = (first, rng.choice(others)) if rng.random() < 0.4 and "text" not in label else (first,)
            yield _draw(wanted, label, subjects, rng)


def _draw(wanted: tuple[Drawing, ...], label: str, subjects: Sequence[Drawing], rng: random.Random) -> Labelled:
    first = wanted[0]
    shown = {
        "wrong subject": lambda: rng.choice([s for s in subjects if s.kind == first.kind and s != first]).cutout,
        "wrong colour": lambda: recoloured(first.cutout, rng),
        "warped": lambda: warped(first.cutout, rng),
        "melted": lambda: melted(first.cutout, rng),
        "empty": lambda: None,
    }.get(label, lambda: first.cutout)()
    cutouts = [shown, *(one.cutout for one in wanted[1:])]
    scene = random_scene(rng, "none").draw(SIDE, SIDE).convert("RGB")
    prompt = " and ".join(f"a {one.name}" for one in wanted)
    if "text" in label:
        copy = rng.choice(COPIES)
        prompt += f' under a sign that says "{copy}"'
        _sign(scene, copy if label == "right text" else _garbled(copy, rng), rng, spoilt=label == "unreadable text")
    order = list(range(len(cutouts)))
    rng.shuffle(order)
    for place, index in enumerate(order):
        if (cutout := cutouts[index]) is not None:
            _place(scene, cutout, place, len(cutouts), rng, low="text" in label)
    return Labelled(_as_file(_lit(scene, rng), rng), wanted, prompt, RIGHT if label == "right text" else label)


def _place(scene: Image.Image, cutout: Image.Image, place: int, count: int, rng: random.Random, *, low: bool) -> None:
    item = cutout.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.3 else cutout
    item = item.rotate(rng.uniform(-8, 8), Image.Resampling.BICUBIC, expand=True)
    length = rng.uniform(0.33, 0.72) if count == 1 and not low else rng.uniform(0.3, 0.46)
    item = scaled(item, length * SIDE)
    item = item.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.9)))
    room = SIDE // count
    left = place * room + round(rng.uniform(0, 1) * max(0, room - item.width))
    top = round(rng.uniform(0.55 if low else 0.25, 0.95) * (SIDE - item.height))
    ImageDraw.Draw(scene, "RGBA").ellipse(
        (left, top + 0.93 * item.height, left + item.width, top + 1.04 * item.height), fill=(0, 0, 0, 60)
    )
    scene.paste(item, (left, top), item)


def _lit(picture: Image.Image, rng: random.Random) -> Image.Image:
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        picture = enhance(picture).enhance(rng.uniform(0.87, 1.13))
    return picture


def _as_file(picture: Image.Image, rng: random.Random) -> Image.Image:
    """Returns the picture after it was compressed."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=rng.randint(82, 95))
    return Image.open(file).convert("RGB")


def _sign(scene: Image.Image, copy: str, rng: random.Random, *, spoilt: bool) -> None:
    board = Image.new(
        "RGB", (rng.randint(330, 470), rng.randint(80, 120)), rng.choice(("#f7f2e8", "#1f3a5f", "#c0392b"))
    )
    ink = "#202020" if board.getpixel((0, 0))[0] > 230 else "#ffffff"
    font = ImageFont.load_default(40)
    while font.getlength(copy) > 0.9 * board.width:
        font = ImageFont.load_default(font.size - 2)
    middle = (board.width / 2, board.height / 2)
    ImageDraw.Draw(board).text(middle, copy, ink, font, anchor="mm")
    if spoilt and rng.random() < 0.5:
        board = warped(board.convert("RGBA"), rng).convert("RGB")
    turned = board.convert("RGBA").rotate(rng.uniform(-4, 4), Image.Resampling.BICUBIC, expand=True)
    scene.paste(turned, ((SIDE - turned.width) // 2, rng.randint(15, 50)), turned)


def _garbled(copy: str, rng: random.Random) -> str:
    """Returns the copy as models misspell it: a third of its letters or more are others."""
    letters = [index for index, letter in enumerate(copy) if letter.isalpha()]
    text = list(copy)
    for index in rng.sample(letters, max(2, len(letters) // 3)):
        upper = text[index].isupper()
        other = rng.choice([c for c in "abdeghkmnpqrtuwxyz" if c != text[index].lower()])
        text[index] = other.upper() if upper else other
    return "".join(text)
