"""What a person should know of a plan before it's rendered, though nothing is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from brandpress.model.checkpoint.prompt_length import token_counts
from brandpress.model.errors import CheckpointError
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.repeats import Repeats

SURELY_SHORT = 0.4
"""A prompt of so many bytes for each token that fits can't be too long, whatever the chat template adds."""

AT_ONCE = 4_096
"""Prompts whose tokens are counted together."""

REMEMBERED = 1 << 17
"""Prompts that aren't counted again when they come again; of more, some are."""


def warnings_of(plan: Plan) -> tuple[str, ...]:
    """Prompts that the text encoder will cut, with their count."""
    if plan.model.hosted:
        return ()
    most, cut = plan.model.text_length, Repeats()
    longest, place = most, 0
    try:
        for found, prompt, count in _counted(plan):
            if count > most:
                cut.add(prompt)
            if count > longest:
                longest, place = count, found
    except CheckpointError as error:
        return (f"whether prompts are too long isn't known: {error}",)
    if longest == most:
        return ()
    prompts = Repeats()
    for _, prompt in plan.variants.prompts():
        prompts.add(prompt)
    return (
        f"{cut.distinct():,} of {prompts.distinct():,} prompts are longer than {most} tokens, and what is beyond is "
        f"cut off; the longest has {longest:,}, of {quote(plan.variants[place].name)}",
    )


def _counted(plan: Plan) -> Iterator[tuple[int, str, int]]:
    """The place of a variant, its prompt and the number of its tokens, for each that may be too long, in order."""
    doubtful = _doubtful(plan)
    while some := list(islice(doubtful, AT_ONCE)):
        counts = token_counts(plan.model, [prompt for _, prompt in some])
        for (place, prompt), count in zip(some, counts, strict=True):
            yield place, prompt, count


def _doubtful(plan: Plan) -> Iterator[tuple[int, str]]:
    seen: set[int] = set()
    for place, prompt in plan.variants.prompts():
        if len(prompt.encode()) <= SURELY_SHORT * plan.model.text_length or hash(prompt) in seen:
            continue
        if len(seen) < REMEMBERED:
            seen.add(hash(prompt))
        yield place, prompt
