"""Prompts of given lengths, made of words that are single tokens for the random checkpoints' tokenizers."""

from __future__ import annotations

import random
import re

from tests.model.small import WORDS

TOKENS_PER_WORD = 1.3
"""Approximate ratio for English prose in the real tokenizers: 20 to 80 words are 26 to 104 tokens."""


def prompts(count: int, shortest: int = 20, longest: int = 80) -> list[str]:
    """Returns `count` different prompts, with the tokens of `shortest` to `longest` words of prose, evenly spread."""
    generator = random.Random(0)
    vocabulary = re.findall(r"[a-z]+", " ".join(WORDS))
    step = (longest - shortest) / max(1, count - 1)
    lengths = [round((shortest + step * i) * TOKENS_PER_WORD) for i in range(count)]
    return [" ".join(generator.choice(vocabulary) for _ in range(length)) for length in lengths]
