"""A campaign's lock: what the model, the feeds and the references were when `brandpress lock` was run.

With it, a campaign is planned without the model's weights, and a render holds itself to these weights.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from brandpress.model.checkpoint.describe import MAX_TEXT_LAYERS, RANGES, ModelDescription
from brandpress.model.checkpoint.locate import absolute
from brandpress.model.checkpoint.revision import split_revision, with_revision
from brandpress.model.choice import LoraChoice, ModelChoice, Quantisation
from brandpress.model.errors import RequestError
from brandpress.model.request import MAX_REFERENCES
from brandpress.model.sampler_version import HOSTED_SAMPLER, SAMPLER
from brandpress.pipeline.plan.stored_file import StoredFile, is_stored, read_stored, write_stored
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.messages import quote

SUFFIX = ".lock"

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
ShortText = Annotated[str, Field(max_length=1_000)]
_MIN_STEPS, _MAX_STEPS = RANGES["num_inference_steps"]
_MIN_GUIDANCE, _MAX_GUIDANCE = RANGES["guidance_scale"]
_MIN_PIXELS, _MAX_PIXELS = RANGES["reference_pixels"]
_MIN_BASE, _MAX_BASE = RANGES["base_pixels"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class LockedLora(_Strict):
    """A LoRA, as the job writes it."""

    file: ShortText
    scale: Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]


class LockedChoice(_Strict):
    """The model as the job writes it, with relative paths: see `ModelChoice`."""

    base: ShortText
    transformer: ShortText | None = None
    vae: ShortText | None = None
    text_encoder: ShortText | None = None
    loras: tuple[LockedLora, ...] = ()
    quantise: Quantisation | None = None
    region: ShortText | None = None


class LockedModel(_Strict):
    """All that planning needs of a `ModelDescription`, whose fields have the same names."""

    choice: LockedChoice
    name: ShortText
    family: ShortText
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None
    weights_digest: Digest
    sampler: ShortText
    licence: ShortText
    commercial_use: bool
    steps: dict[ShortText, Annotated[int, Field(ge=_MIN_STEPS, le=_MAX_STEPS)]] | None
    guidance: Annotated[float, Field(ge=_MIN_GUIDANCE, le=_MAX_GUIDANCE, allow_inf_nan=False)] | None
    max_references: Annotated[int, Field(ge=0, le=MAX_REFERENCES)]
    kv: bool
    distilled: bool
    upsamples: bool
    text_layers: Annotated[tuple[int, ...], Field(max_length=MAX_TEXT_LAYERS)] | None
    text_length: Annotated[int, Field(ge=1, le=100_000)]
    reference_pixels: Annotated[int, Field(ge=_MIN_PIXELS, le=_MAX_PIXELS)]
    base_pixels: Annotated[int, Field(ge=_MIN_BASE, le=_MAX_BASE)] | None = None
    hosted: bool


class LockedInput(_Strict):
    """A feed or a reference picture: its path as the brand spec writes it, and the SHA-256 of the file."""

    file: Annotated[str, Field(max_length=10_000)]
    sha256: Digest


class Lock(StoredFile):
    """The content of a lock. campaign: its name, for people. feeds, references: sorted by file."""

    kind: ClassVar[str] = "lock"
    SCHEMA: ClassVar[str] = "brandpress.lock/1"

    schema_version: Literal["brandpress.lock/1"] = Field(default="brandpress.lock/1", alias="schema")
    campaign: ShortText
    model: LockedModel
    feeds: tuple[LockedInput, ...]
    references: tuple[LockedInput, ...]


def lock_file(job: Path) -> Path:
    """Returns the place of a job's lock: `spring.lock` beside `spring.yaml`."""
    return job.with_name(f"{job.name}{SUFFIX}") if job.suffix == SUFFIX else job.with_suffix(SUFFIX)


def read_lock(job: Path) -> Lock | None:
    """Returns the lock of a job; None if it has none. Raises RequestError if it isn't valid."""
    file = lock_file(job)
    return read_stored(file, Lock) if os.path.lexists(file) else None


def write_lock(file: Path, lock: Lock) -> None:
    """Writes a lock. Replaces one of the same campaign, or an invalid one. Raises RequestError."""
    before = None
    if is_stored(file, Lock):
        with suppress(RequestError):
            before = read_stored(file, Lock)
    if before is not None and before.campaign != lock.campaign:
        raise RequestError(
            f"{file}: this is the lock of the campaign {quote(before.campaign)}, not of {quote(lock.campaign)}; "
            "rename the job's file, or delete the lock if it's no longer used"
        )
    write_stored(file, lock)


def lock_of(campaign: Campaign, model: ModelDescription) -> Lock:
    """Returns the lock of a campaign for its model as described on this machine."""
    names = {field.name for field in fields(model)} & LockedModel.model_fields.keys() - {"choice"}
    return Lock(
        campaign=campaign.name,
        model=LockedModel(choice=_locked(campaign.choice), **{name: getattr(model, name) for name in names}),
        feeds=locked_inputs(feed_digests(campaign)),
        references=locked_inputs(reference_digests(campaign)),
    )


def locked_inputs(digests: dict[str, str]) -> tuple[LockedInput, ...]:
    """Returns inputs sorted by file. digests: file -> SHA-256."""
    return tuple(LockedInput(file=file, sha256=sha256) for file, sha256 in sorted(digests.items()))


def locked_choice(lock: Lock) -> ModelChoice:
    """Returns the model choice of a lock, as the job writes it."""
    values = {name: getattr(lock.model.choice, name) for name in LockedChoice.model_fields}
    loras = tuple(LoraChoice(lora.file, lora.scale) for lora in lock.model.choice.loras)
    return ModelChoice(**values | {"loras": loras})


def locked_description(lock: Lock, folder: Path) -> ModelDescription:
    """Returns the description of a locked model, without files. folder: of the job.

    It's enough to plan with, not to render with.
    """
    model = lock.model
    choice = absolute(locked_choice(lock), folder)
    if not Path(choice.base).is_absolute() and model.revision:
        choice = replace(choice, base=with_revision(choice.base, model.revision))
    names = LockedModel.model_fields.keys() - {"choice"}
    return ModelDescription(choice=choice, parts=None, **{name: getattr(model, name) for name in names})


def pinned(choice: ModelChoice, lock: Lock | None) -> ModelChoice:
    """Returns a job's model choice at the revision that its lock has, unless the job names one itself or another
    model."""
    if lock is None or lock.model.revision is None or choice != locked_choice(lock):
        return choice
    if split_revision(choice.base)[1] is not None:
        return choice
    return replace(choice, base=with_revision(choice.base, lock.model.revision))


def model_differences(lock: Lock, choice: ModelChoice, model: ModelDescription | None) -> tuple[str, ...]:
    """Returns what of the model differs from its lock, as `what: locked, now`.

    choice: as the job writes it. model: as described on this machine; None without its weights.
    """
    if choice != locked_choice(lock):
        return (f"the model's choice: locked for {quote(lock.model.name)}, the job has {quote(choice.base)} now",)
    if model is None:
        sampler = HOSTED_SAMPLER if lock.model.hosted else SAMPLER
        return tuple(_difference("sampler", lock.model.sampler, sampler))
    names = [name for name in LockedModel.model_fields if name not in ("choice", "name")]
    pairs = ((name, getattr(lock.model, name), getattr(model, name)) for name in names)
    return tuple(text for pair in pairs for text in _difference(*pair))


def input_differences(lock: Lock, campaign: Campaign) -> tuple[str, ...]:
    """Returns which feeds and references differ from the lock."""
    kinds = (
        ("feed", lock.feeds, feed_digests(campaign)),
        ("reference", lock.references, reference_digests(campaign)),
    )
    return tuple(
        text
        for kind, locked, now in kinds
        for text in digest_differences(kind, {one.file: one.sha256 for one in locked}, now)
    )


def digest_differences(kind: str, before: dict[str, str], now: dict[str, str]) -> Iterator[str]:
    """Yields a line for each file whose digest differs, that is new, or that is gone."""
    for file in sorted(before.keys() | now.keys()):
        yield from _difference(f"{kind} {quote(file)}", before.get(file), now.get(file))


def feed_digests(campaign: Campaign) -> dict[str, str]:
    """Returns file -> SHA-256 of the feeds that a campaign's brand spec reads."""
    return {str(feed.file): str(feed.sha256) for feed in campaign.feeds}


def reference_digests(campaign: Campaign) -> dict[str, str]:
    """Returns file -> SHA-256 of the reference pictures that a campaign uses."""
    roles = campaign.job.references
    combinations = {tuple(map(point.axes.get, roles)): point for point in campaign.points}
    pictures = (picture for point in combinations.values() for _, picture in campaign.references(point))
    return {picture.file: picture.sha256 for picture in pictures}


def _difference(what: str, before: Any, now: Any) -> Iterator[str]:
    if before != now:
        yield f"{what}: {_shown(before)}, now {_shown(now)}"


def _shown(value: object) -> str:
    if value is None:
        return "none"
    text = str(value)
    return text[:12] + "…" if len(text) == 64 and " " not in text else quote(text)[1:-1]


def _locked(choice: ModelChoice) -> LockedChoice:
    names = LockedChoice.model_fields.keys() - {"loras"}
    loras = tuple(LockedLora(file=lora.file, scale=float(lora.scale)) for lora in choice.loras)
    return LockedChoice(loras=loras, **{name: getattr(choice, name) for name in names})
