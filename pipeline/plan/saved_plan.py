"""A saved plan: the variants that people approved, and what they were planned from.

`render` does exactly what it lists, and refuses it once anything that it was planned from has changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from brandpress.model.errors import RequestError
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.lock import (
    Digest,
    LockedInput,
    ShortText,
    digest_differences,
    feed_digests,
    locked_inputs,
)
from brandpress.pipeline.plan.stored_file import StoredFile, is_stored, read_stored, relative_to_file
from brandpress.pipeline.plan.summary import Summary
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.version import VERSION

MAX_SHOWN = 20
"""Changes that a refusal lists."""


class StalePlanError(RequestError):
    """What a saved plan was made from has changed. changes: what, each as a line."""

    def __init__(self, file: Path, changes: Sequence[str]) -> None:
        shown = [f"  {change}" for change in changes[:MAX_SHOWN]]
        rest = len(changes) - MAX_SHOWN
        more = [f"  and {rest:,} more"] if rest > 0 else []
        head = f"{file}: this plan is no longer valid; nothing was rendered. Changed since it was saved:"
        super().__init__("\n".join([head, *shown, *more, "run `brandpress plan --out` again"]))
        self.changes = tuple(changes)


class PlannedVariant(BaseModel):
    """A variant to render: its output name and its render key."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, Field(max_length=500)]
    render_key: Digest


class PlannedInputs(BaseModel):
    """Digests of everything that a plan depends on.

    job, brand: of the two files. spec: as manifests have it. feeds, references: the files that the campaign uses.
    weights, sampler: of the model. decisions: of what reviewers' decisions make of the job's variants. pointer: of the
    latest manifest's header; None if nothing was published.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    job: Digest
    brand: Digest
    spec: Digest
    feeds: tuple[LockedInput, ...]
    references: tuple[LockedInput, ...]
    weights: Digest
    sampler: ShortText
    decisions: Digest
    pointer: Digest | None


class SavedPlan(StoredFile):
    """The content of a saved plan.

    job: the path of the job's file, relative to the plan's folder. deliver: the address, for people. deliver_option:
    the address that replaces the job's; None if it was planned without one. model: as the job names it. selection: the
    terms of `--select`. variants: what to render.
    """

    kind: ClassVar[str] = "saved plan"
    SCHEMA: ClassVar[str] = "brandpress.plan/1"

    schema_version: Literal["brandpress.plan/1"] = Field(default="brandpress.plan/1", alias="schema")
    version: ShortText
    campaign: ShortText
    job: Annotated[str, Field(max_length=4_096)]
    deliver: Annotated[str, Field(max_length=4_096)]
    deliver_option: Annotated[str, Field(max_length=4_096)] | None
    model: ShortText
    selection: Annotated[tuple[ShortText, ...], Field(max_length=100)]
    inputs: PlannedInputs
    variants: tuple[PlannedVariant, ...]

    @property
    def render_keys(self) -> frozenset[str]:
        """The render keys of the variants to render."""
        return frozenset(variant.render_key for variant in self.variants)


def is_saved_plan(file: Path) -> bool:
    """Returns whether a file that was given as a job is a saved plan."""
    return is_stored(file, SavedPlan)


def read_saved_plan(file: Path) -> SavedPlan:
    """Returns a saved plan. Raises RequestError if it isn't a valid one."""
    return read_stored(file, SavedPlan)


def job_of(saved: SavedPlan, file: Path) -> Path:
    """Returns the path of the job of a plan saved in `file`: relative to the working directory if it's below it."""
    path = (file.parent / saved.job).resolve()
    with suppress(OSError, ValueError):
        return path.relative_to(Path.cwd())
    return path


def saved_plan(summary: Summary, file: Path, deliver_option: str | None = None) -> SavedPlan:
    """Returns what to save in `file`. summary: with states. deliver_option: the address given with `--deliver`."""
    plan = summary.plan
    return SavedPlan(
        version=VERSION,
        campaign=plan.campaign.name,
        job=relative_to_file(plan.campaign.path, file),
        deliver=summary.deliver,
        deliver_option=None if deliver_option is None else summary.deliver,
        model=plan.campaign.choice.base,
        selection=summary.selection.written if summary.selection else (),
        inputs=inputs_of(plan, summary.pointer),
        variants=_to_render(summary),
    )


def inputs_of(plan: Plan, pointer: str | None) -> PlannedInputs:
    """Returns the digests of everything that a plan depends on. pointer: of the latest manifest's header."""
    campaign = plan.campaign
    return PlannedInputs(
        job=hashlib.sha256(campaign.source.content).hexdigest(),
        brand=_brand_digest(campaign),
        spec=campaign.spec_sha256,
        feeds=locked_inputs(feed_digests(campaign)),
        references=locked_inputs({one.file: one.sha256 for variant in plan.variants for one in variant.references}),
        weights=plan.model.weights_digest,
        sampler=plan.model.sampler,
        decisions=_decisions_digest(plan),
        pointer=pointer,
    )


def changed_inputs(saved: SavedPlan, plan: Plan, pointer: str | None) -> tuple[str, ...]:
    """Returns what a plan was made from and has changed since it was saved, one line for each. plan: of the same job
    now. pointer: of the latest manifest's header now."""
    return tuple(_changed_inputs(saved.inputs, inputs_of(plan, pointer)))


def changed_variants(saved: SavedPlan, summary: Summary) -> tuple[str, ...]:
    """Returns how the variants to render have changed since a plan was saved. summary: of the same job now, with states
    and the plan's selection."""
    return tuple(_changed_variants(saved.variants, _to_render(summary)))


def _changed_inputs(before: PlannedInputs, now: PlannedInputs) -> Iterator[str]:
    digests = {
        "the job's file": (before.job, now.job),
        "the brand spec": (before.brand, now.brand),
        "the model's weights": (before.weights, now.weights),
        "the sampler": (before.sampler, now.sampler),
        "the store's latest manifest": (before.pointer, now.pointer),
    }
    for what, (old, new) in digests.items():
        if old != new:
            yield f"{what}: {_short(old)}, now {_short(new)}"
    yield from digest_differences("feed", _digests(before.feeds), _digests(now.feeds))
    yield from digest_differences("reference", _digests(before.references), _digests(now.references))
    same_files = (before.job, before.brand, before.feeds) == (now.job, now.brand, now.feeds)
    if same_files and before.spec != now.spec:
        yield f"the specs: {_short(before.spec)}, now {_short(now.spec)}"
    if before.spec == now.spec and before.decisions != now.decisions:
        yield f"reviewers' decisions: {_short(before.decisions)}, now {_short(now.decisions)}"


def _changed_variants(before: Sequence[PlannedVariant], now: Sequence[PlannedVariant]) -> Iterator[str]:
    old, new = ({variant.name: variant.render_key for variant in variants} for variants in (before, now))
    changed = [name for name in old if name in new and old[name] != new[name]]
    gone = [name for name in old if name not in new]
    added = [name for name in new if name not in old]
    kinds = {"has another render key": changed, "needs no rendering any more": gone, "needs rendering, too": added}
    for what, names in kinds.items():
        if names:
            more = f" (and {len(names) - 1:,} more)" if len(names) > 1 else ""
            yield f"variant {quote(names[0])} {what}{more}"


def _to_render(summary: Summary) -> tuple[PlannedVariant, ...]:
    chosen = (one.variant for one in summary.selected if one.to_render)
    return tuple(PlannedVariant(name=one.name, render_key=one.render_key) for one in chosen if one is not None)


def _decisions_digest(plan: Plan) -> str:
    """Returns a digest of the seeds to publish and of those that are picked out, which only decisions change as long as
    job, brand spec and feeds stay the same."""
    seeds = [sorted((one.name, one.seed) for one in variants) for variants in (plan.variants, plan.picked_out)]
    return hashlib.sha256(json.dumps(seeds).encode()).hexdigest()


def _brand_digest(campaign: Campaign) -> str:
    try:
        return hashlib.sha256(campaign.brand.path.read_bytes()).hexdigest()
    except OSError as error:
        raise RequestError(f"{campaign.brand.path}: the brand spec can't be read: {error.strerror}") from None


def _digests(inputs: Sequence[LockedInput]) -> dict[str, str]:
    return {one.file: one.sha256 for one in inputs}


def _short(digest: str | None) -> str:
    return "none" if digest is None else f"{digest[:12]}…" if len(digest) == 64 else digest
