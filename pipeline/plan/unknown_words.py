"""Words of prompts that a small model was never trained with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from brandpress.model.checkpoint.known_words import WORD, known_words
from brandpress.model.errors import CheckpointError
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.spec.brand import ROLES
from brandpress.pipeline.spec.messages import listing

SHORTEST = 4
"""Letters of the shortest words that count; shorter ones hardly say what a picture shows."""
SHOWN = 8
FUNCTION_WORDS = frozenset((
    "about", "after", "again", "almost", "along", "also", "although", "always", "another", "around", "because",
    "been", "before", "being", "both", "cannot", "could", "does", "doing", "done", "each", "either", "enough",
    "even", "every", "from", "have", "having", "here", "however", "into", "itself", "just", "like", "made",
    "make", "many", "more", "most", "much", "must", "need", "needs", "never", "only", "onto", "other", "others",
    "over", "please", "quite", "rather", "really", "same", "shall", "should", "shown", "shows", "since", "some",
    "still", "such", "than", "that", "their", "them", "then", "there", "these", "they", "this", "those",
    "through", "thus", "together", "toward", "towards", "under", "until", "upon", "using", "very", "want",
    "wants", "well", "were", "what", "when", "where", "whether", "which", "while", "whom", "whose", "will",
    "with", "within", "without", "would", "your", "yours",
))  # fmt: skip
"""English words that show nothing."""
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}(?![^\W_])")


def unknown_word_warnings(plan: Plan) -> Iterator[str]:
    """Yields a warning with the words of the prompts that aren't among the model's known words, if it lists them.

    Words with capitals, which may be names, don't count, nor do short ones, function words, and those that describe
    what references show.
    """
    root = plan.model.parts.root if plan.model.parts is not None else None
    try:
        known = known_words(root) if root is not None else None
    except CheckpointError as error:
        yield f"can't check whether {plan.model.name} knows the words of the prompts: {error}"
        return
    if known is None:
        return
    known |= FUNCTION_WORDS.union(word.lower() for text in _reference_texts(plan) for word in WORD.findall(text))
    prompts: Iterable[str] = dict.fromkeys(variant.prompt for variant in plan.variants)
    if not isinstance(plan.campaign.job.prompt, str):
        prompts = (text for prompt in prompts for text in _texts(json.loads(prompt)))
    unknown = [word for word in _words(prompts) if not _singulars(word) & known]
    if unknown:
        yield (
            f"{plan.model.name} was trained without these words of the prompts, so pictures may not show what they "
            f"mean: {listing(unknown, SHOWN)}"
        )


def _words(texts: Iterable[str]) -> Iterator[str]:
    """Yields each of the words that count once, in order."""
    parts = dict.fromkeys(part for text in texts for part in _COLOUR.sub(" ", text).split())
    words = (word for part in parts for word in WORD.findall(part))
    yield from dict.fromkeys(word for word in words if len(word) >= SHORTEST and word.islower())


def _singulars(word: str) -> set[str]:
    """Returns the word and what it may be the plural of."""
    return {word, word.removesuffix("s"), word.removesuffix("es")}


def _reference_texts(plan: Plan) -> Iterator[str]:
    """Yields the names, descriptions and free texts of what the variants' references show."""
    campaign = plan.campaign
    roles = [role for role in campaign.job.references or () if role in ROLES]
    shown = dict.fromkeys(
        (role, variant.axes[role]) for variant in plan.variants for role in roles if role in variant.axes
    )
    for role, name in shown:
        entity = campaign.brand.entities(role)[name]
        yield from (name, entity.description or "")
        yield from _texts(entity.attributes)


def _texts(value: object) -> Iterator[str]:
    """Yields the texts in nested mappings and lists, without keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (text for inner in value.values() for text in _texts(inner))
    elif isinstance(value, list | tuple):
        yield from (text for inner in value for text in _texts(inner))
