"""Reads words in pictures with rapidocr (PP-OCR)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image

from brandpress.model.nano.evaluation.brand import Brand
from brandpress.model.nano.evaluation.shots import sign_shots
from brandpress.model.nano.evaluation.stranger import share, shot_requests
from brandpress.model.nano.measures import PictureRenderer

_SHORTER_SIDE = 768
"""Pixels that smaller pictures are enlarged to: the recogniser was trained on text of 48 pixels."""

_CONFIDENCE = 0.6
"""Least score of a line. Fences and shelves are read as letters, too, with lower scores."""

Reader = Callable[[Image.Image], str]
"""Returns the text of a picture in capitals, without spaces and punctuation."""


def load_reader() -> Reader:
    """Returns the reader. Raises ModuleNotFoundError without the extra `evaluate`."""
    from rapidocr import RapidOCR

    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    engine = RapidOCR(params={"Global.log_level": "error"})

    def read(picture: Image.Image) -> str:
        scale = max(1.0, _SHORTER_SIDE / min(picture.size))
        size = (round(picture.width * scale), round(picture.height * scale))
        enlarged = picture.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        result = engine(np.asarray(enlarged)[..., ::-1])  # BGR
        lines = zip(result.txts or (), result.scores or (), strict=True)
        return letters("".join(text for text, score in lines if score >= _CONFIDENCE))

    return read


def measure_signs(
    renderer: PictureRenderer, read: Reader, brand: Brand, size: int, steps: int
) -> tuple[dict[str, float], list[Image.Image]]:
    """Returns how well the signs' words are read, and the pictures.

    read exactly: share of signs. character errors: edit distance per character asked for, at most 1 a sign.
    """
    shots = sign_shots(brand)
    pictures = renderer.render(shot_requests(shots, size, steps))
    return sign_figures([shot.sign or "" for shot in shots], [read(picture) for picture in pictures]), pictures


def sign_figures(expected: Sequence[str], texts: Sequence[str]) -> dict[str, float]:
    """Returns the figures of signs and the texts that were read."""
    wanted = [letters(words) for words in expected]
    errors = [min(1.0, edit_distance(*pair) / len(pair[0])) for pair in zip(wanted, texts, strict=True)]
    return {
        "read exactly": share([words == text for words, text in zip(wanted, texts, strict=True)]),
        "character errors": round(float(np.mean(errors)), 3),
    }


def letters(text: str) -> str:
    """Returns the letters and digits of a text, in capitals."""
    return "".join(character for character in text.upper() if character.isalnum())


def edit_distance(one: str, other: str) -> int:
    """Returns the Levenshtein distance: the number of insertions, deletions and substitutions."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (a != b))
    return row[-1]
