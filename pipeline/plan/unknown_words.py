"""Words of prompts that a small model was never trained with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from brandpress.model.checkpoint.known_words import known_words
from brandpress.model.errors import CheckpointError
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.spec.brand import ROLES
from brandpress.pipeline.spec.messages import listing

_WORD = re.compile(r"[^\W\d_]+")
SHORTEST = 4
"""Letters of the shortest words that count; shorter ones hardly say what a picture shows."""
SHOWN = 8


def unknown_word_warnings(plan: Plan) -> Iterator[str]:
    """Yields a warning with the words of the prompts that aren't among the model's known words, if it lists them.

    Words with capitals, which may be names, don't count, nor do those that describe what references show.
    """
    root = plan.model.parts.root if plan.model.parts is not None else None
    try:
        known = known_words(root) if root is not None else None
    except CheckpointError as error:
        yield f"can't check whether {plan.model.name} knows the words of the prompts: {error}"
        return
    if known is None:
        return
    known |= frozenset(word.lower() for text in _reference_texts(plan) for word in _WORD.findall(text))
    prompts = dict.fromkeys(variant.prompt for variant in plan.variants)
    unknown = [word for word in _words(prompts) if word not in known]
    if unknown:
        yield (
            f"{plan.model.name} was trained without these words of the prompts, so pictures may not show what they "
            f"mean: {listing(unknown, SHOWN)}"
        )


def _words(texts: Iterable[str]) -> Iterator[str]:
    """Yields each of the words that count once, in order."""
    parts = dict.fromkeys(part for text in texts for part in text.split())
    words = (word for part in parts for word in _WORD.findall(part))
    yield from dict.fromkeys(word for word in words if len(word) >= SHORTEST and word.islower())


def _reference_texts(plan: Plan) -> Iterator[str]:
    """Yields the names, descriptions and free texts of what the variants' references show."""
    brand = plan.campaign.brand
    shown = dict.fromkeys(
        (role, variant.axes[role]) for variant in plan.variants for role in ROLES if role in variant.axes
    )
    for role, name in shown:
        entity = brand.entities(role)[name]
        if entity.references:
            yield from (name, entity.description or "")
            yield from (value for value in entity.attributes.values() if isinstance(value, str))
