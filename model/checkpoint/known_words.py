"""The words that a small model was trained with, if its folder lists them. No torch here."""

from __future__ import annotations

from pathlib import Path

from brandpress.model.checkpoint.files import read_text

FILE = "known_words.txt"
"""In the model's folder: words in lower case, one per line."""


def known_words(folder: Path) -> frozenset[str] | None:
    """Returns the words; None if the folder doesn't list any. Raises CheckpointError if they can't be read."""
    return frozenset(read_text(folder / FILE).split()) if (folder / FILE).exists() else None
