"""Prompts of a given length, in words that the random checkpoints' tokenizers know: a word is a token."""

from __future__ import annotations

import random
import re

from tests.model.small import WORDS

TOKENS_PER_WORD = 1.3
"""Of English prose in the real tokenizers, about; 20 to 80 words are 26 to 104 tokens."""


def prompts(count: int, shortest: int = 20, longest: int = 80) -> list[str]:
    """As many different prompts, as long as `shortest` to `longest` words of prose are in tokens, evenly spread."""
    generator = random.Random(0)
    words = re.findall(r"[a-z]+", " ".join(WORDS))
    step = (longest - shortest) / max(1, count - 1)
    lengths = [round((shortest + step * i) * TOKENS_PER_WORD) for i in range(count)]
    return [" ".join(generator.choice(words) for _ in range(length)) for length in lengths]
