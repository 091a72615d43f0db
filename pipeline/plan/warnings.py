"""What a person should know of a plan before it's rendered, though nothing is wrong with it."""

from __future__ import annotations

from model.errors import CheckpointError
from model.prompt_length import token_counts
from pipeline.plan.expand import Plan
from pipeline.spec.wording import quote

SURELY_SHORT = 0.4
"""A prompt of so many bytes for each token that fits can't be too long, whatever the chat template adds."""


def warnings_of(plan: Plan) -> tuple[str, ...]:
    """Prompts that the text encoder will cut, with their count."""
    model = plan.model
    prompts = list(dict.fromkeys(variant.prompt for variant in plan.variants))
    doubtful = [prompt for prompt in prompts if len(prompt.encode()) > SURELY_SHORT * model.text_length]
    if model.hosted or not doubtful:
        return ()
    try:
        counts = dict(zip(doubtful, token_counts(model, doubtful), strict=True))
    except CheckpointError as error:
        return (f"whether prompts are too long isn't known: {error}",)
    cut = {prompt: count for prompt, count in counts.items() if count > model.text_length}
    if not cut:
        return ()
    longest = max(plan.variants, key=lambda variant: cut.get(variant.prompt, 0))
    return (
        f"{len(cut):,} of {len(prompts):,} prompts are longer than {model.text_length} tokens, and what is beyond is "
        f"cut off; the longest has {cut[longest.prompt]:,}, of {quote(longest.name)}",
    )
