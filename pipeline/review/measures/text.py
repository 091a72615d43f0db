"""Whether a picture shows the copy that its prompt quotes, read by OCR."""

from __future__ import annotations

import json
import logging
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image

from brandpress.pipeline.review.extras import require
from brandpress.pipeline.review.measures.measure import Scale
from brandpress.pipeline.review.measures.scales import SCALES
from brandpress.pipeline.review.sample import Sample
from brandpress.pipeline.review.score import Score

SHORTER_SIDE = 768
"""Pixels that smaller pictures are enlarged to: the recogniser was trained on text of 48 pixels."""
CONFIDENCE = 0.5
"""Least confidence of a line. Fences and shelves are read as letters, too, with less."""
MAX_QUOTES = 20
MAX_LINES = 40
_QUOTED = re.compile(r"\"([^\"]{1,200})\"|“([^“”]{1,200})”|„([^„“”]{1,200})[“”]|«([^«»]{1,200})»")

Reader = Callable[[Image.Image], Sequence[str]]
"""Returns the lines of text in a picture, from top to bottom."""


def quoted_copy(prompt: str) -> tuple[str, ...]:
    """Returns the texts in double quotation marks in a prompt, each once. Of a prompt in JSON, those in its texts."""
    texts = _texts(prompt) if prompt.lstrip().startswith(("{", "[")) else [prompt]
    quotes = (next(filter(None, match.groups())).strip() for text in texts for match in _QUOTED.finditer(text))
    return tuple(dict.fromkeys(quote for quote in quotes if letters(quote)))[:MAX_QUOTES]


def _texts(prompt: str) -> Iterator[str]:
    try:
        values = [json.loads(prompt)]
    except ValueError:
        values = [prompt]
    while values:
        value = values.pop(0)
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            values += value.values() if isinstance(value, dict) else value


def letters(text: str) -> str:
    """Returns the letters and digits of a text: no case, no accents' spelling, no spaces or punctuation."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())


def character_error_rate(copy: str, lines: Sequence[str]) -> tuple[float, str]:
    """Returns the least edit distance per letter of `copy` to any run of consecutive lines, at most 1, and that run.

    Words elsewhere in the picture don't count: bottles have labels. Raises MissingPackageError without rapidfuzz.
    """
    distance = require("rapidfuzz.distance", "text", "review").Levenshtein.distance
    wanted = letters(copy)
    best, text = 1.0, ""
    for first in range(min(len(lines), MAX_LINES)):
        run = ""
        for line in lines[first:MAX_LINES]:
            run += letters(line)
            rate = distance(wanted, run) / len(wanted)
            if rate < best:
                best, text = rate, " ".join(lines[first : lines.index(line, first) + 1])
            if len(run) > 2 * len(wanted):
                break
    return best, text


def load_reader() -> Reader:
    """Returns rapidocr's reader (PP-OCR; its models are in the package), for any thread. Raises MissingPackageError."""
    logging.getLogger("RapidOCR").setLevel(logging.ERROR)
    engine = require("rapidocr", "text", "review").RapidOCR(params={"Global.log_level": "error"})

    lock = Lock()

    def read(picture: Image.Image) -> Sequence[str]:
        scale = max(1.0, SHORTER_SIDE / min(picture.size))
        size = (round(picture.width * scale), round(picture.height * scale))
        enlarged = picture.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        with lock:  # the engine keeps state of the picture that it reads
            result = engine(np.asarray(enlarged)[..., ::-1])  # BGR
        lines = zip(result.txts or (), result.scores or (), strict=True)
        return [str(text) for text, score in lines if score >= CONFIDENCE]

    return read


@dataclass(frozen=True)
class Text:
    """`text`: the character error rate of the copy that the prompt quotes; of several quotes, that of the worst.

    0 is read exactly, apart from case, spaces and punctuation; 1 is unreadable or missing.
    """

    read: Reader

    @property
    def scales(self) -> Mapping[str, Scale]:
        """One score per picture."""
        return {"text": SCALES["text"]}

    @property
    def identity(self) -> str:
        """Version 1."""
        return "text/1 rapidocr"

    def inputs(self, sample: Sample) -> Any:
        """The quoted copy."""
        return quoted_copy(sample.prompt)

    def __call__(self, sample: Sample) -> Sequence[Score]:
        """Returns the score, with the text read and the error rate of each quote."""
        quotes = quoted_copy(sample.prompt)
        if not quotes:
            return [Score("text", None, reason="the prompt quotes no copy")]
        lines = list(self.read(sample.picture))
        rates = [(quote, *character_error_rate(quote, lines)) for quote in quotes]
        evidence = {
            "read": lines[:MAX_LINES],
            "copy": [{"asked": quote, "nearest": text, "errors": round(rate, 4)} for quote, rate, text in rates],
        }
        return [Score("text", max(rate for _, rate, _ in rates), evidence=evidence)]
