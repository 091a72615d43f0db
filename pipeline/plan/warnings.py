"""What a person should know about a plan before rendering it, although nothing is wrong with it."""

from __future__ import annotations

import os

from brandpress.model.checkpoint.hosted_key import key_of_environment
from brandpress.model.checkpoint.prompt_length import token_counts
from brandpress.model.errors import CheckpointError, HostedError
from brandpress.pipeline.plan.enlarging import enlarging_warnings
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.job_warnings import job_warnings
from brandpress.pipeline.plan.licences import licence_warning
from brandpress.pipeline.plan.locked import lock_warnings
from brandpress.pipeline.plan.unknown_words import unknown_word_warnings
from brandpress.pipeline.spec.messages import quote

SHORT_BYTES_PER_TOKEN = 0.4
"""A prompt with at most this many bytes per allowed token can't be too long, whatever the chat template adds."""

BATCH = 4_096
"""Prompts that are tokenised together."""


def warnings_of(plan: Plan) -> tuple[str, ...]:
    """Returns warnings: how the model differs from its lock; what reference pictures say about their colours and isn't
    followed; whether the text encoder will truncate prompts, or if the prompts' tokens can't be counted; words that the
    model was trained without; whether a hosted model's key is missing; whether its licence forbids commercial use, and
    the job doesn't say what it's for; whether the key that signs pictures is missing; what the quality gate lacks on
    this machine; settings and reference pictures that have no effect; placeholders that aren't filled in; which sizes
    the model enlarges."""
    licence = licence_warning(plan.campaign, plan.model)
    of_job = (*job_warnings(plan.campaign), *enlarging_warnings(plan.campaign, plan.model))
    return (
        *lock_warnings(plan.lock),
        *_picture_warnings(plan),
        *_prompt_warnings(plan),
        *unknown_word_warnings(plan),
        *_key_warnings(plan),
        *((licence,) if licence else ()),
        *_signing_warnings(plan),
        *(str(problem).replace(": warning: ", ": ", 1) for problem in of_job),
    )


def _signing_warnings(plan: Plan) -> tuple[str, ...]:
    signing = plan.campaign.signing
    if signing is None or os.environ.get(signing.key_env, "").strip():
        return ()
    return (f"pictures can't be signed from here: {signing.key_env} isn't set, which holds the private key",)


def _key_warnings(plan: Plan) -> tuple[str, ...]:
    if plan.model.hosted:
        try:
            key_of_environment()
        except HostedError as error:
            return (f"{plan.model.name} can't be rendered from here: {error}",)
    return ()


def _picture_warnings(plan: Plan) -> tuple[str, ...]:
    files = dict.fromkeys(reference.file for variant in plan.variants for reference in variant.references)
    pictures = plan.campaign.brand.pictures
    return tuple(warning for file in files for warning in pictures[file].warnings)


def _prompt_warnings(plan: Plan) -> tuple[str, ...]:
    if plan.model.hosted:
        return ()
    max_tokens = plan.model.text_length
    names: dict[str, str] = {}
    for variant in plan.variants:
        names.setdefault(variant.prompt, variant.name)
    long = [prompt for prompt in names if len(prompt.encode()) > SHORT_BYTES_PER_TOKEN * max_tokens]
    if plan.model.parts is None:
        return ("can't check whether prompts are too long: the model's files aren't here",) if long else ()
    try:
        counts = _token_counts(plan, long)
    except CheckpointError as error:
        return (f"can't check whether prompts are too long: {error}",)
    too_long = [prompt for prompt, count in counts.items() if count > max_tokens]
    if not too_long:
        return ()
    longest = max(too_long, key=counts.__getitem__)
    return (
        f"{len(too_long):,} of {len(names):,} prompts are longer than {max_tokens} tokens and will be truncated; the "
        f"longest has {counts[longest]:,} tokens (variant {quote(names[longest])})",
    )


def _token_counts(plan: Plan, prompts: list[str]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for start in range(0, len(prompts), BATCH):
        batch = prompts[start : start + BATCH]
        counts.update(zip(batch, token_counts(plan.model, batch), strict=True))
    return counts
