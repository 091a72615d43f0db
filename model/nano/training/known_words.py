"""Lists the words that nano was trained with, for the warnings of plans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from brandpress.model.checkpoint.known_words import WORD

MIN_CAPTIONS = 5
"""Captions of the corpus in which a word must be; those in fewer are mostly invented names."""


def write_known_words(captions: Iterable[str], file: Path) -> None:
    """Write the words of the captions, sorted and in lower case, one per line. Creates the folder if it's missing."""
    counts = Counter(word for caption in captions for word in set(WORD.findall(caption.lower())))
    words = sorted(word for word, count in counts.items() if count >= MIN_CAPTIONS)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{word}\n" for word in words), "utf-8")
