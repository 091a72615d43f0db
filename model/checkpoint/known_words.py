"""The words that a small model was trained with, if its folder lists them. No torch here."""

from __future__ import annotations

import re
from pathlib import Path

from brandpress.model.checkpoint.files import check_inside, read_text

FILE = "known_words.txt"
"""In the model's folder: one word per line."""
WORD = re.compile(r"[^\W\d_]+")
"""What counts as a word, in captions and in prompts."""


def known_words(folder: Path) -> frozenset[str] | None:
    """Returns the words in lower case; None if the folder doesn't list any. Raises CheckpointError if the list can't be
    read or is a link that leads out of the folder."""
    if not (folder / FILE).exists():
        return None
    check_inside(folder / FILE, folder)
    return frozenset(read_text(folder / FILE).removeprefix("\ufeff").lower().split())
