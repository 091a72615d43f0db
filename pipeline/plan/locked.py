"""The model to plan with: as its files are here, or as the campaign's lock describes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from brandpress.model.checkpoint.describe import ModelDescription, describe
from brandpress.model.checkpoint.revision import split_revision
from brandpress.model.choice import ModelChoice
from brandpress.model.errors import CheckpointError, RequestError
from brandpress.model.family import FAMILIES
from brandpress.pipeline.plan.lock import (
    Lock,
    input_differences,
    lock_file,
    locked_choice,
    locked_description,
    model_differences,
    pinned,
    read_lock,
)
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.messages import quote

MAX_SHOWN = 10
"""Differences that a message lists."""


class OutdatedLockError(RequestError):
    """A campaign isn't as its lock has it, or has no lock where one is asked for."""


@dataclass(frozen=True, slots=True)
class LockUse:
    """A campaign's lock and how it is used. missing: why the model's files can't be described here, so that the lock's
    description is used; None if they can. differences: what of the model differs from the lock."""

    file: Path
    lock: Lock
    missing: str | None
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlannedModel:
    """A description to plan with, and the campaign's lock if it has one."""

    description: ModelDescription
    lock: LockUse | None


def planned_model(choice: ModelChoice, job: Path, *, fetch: bool = False) -> PlannedModel:
    """Returns the model to plan with: as described from its files, or from the job's lock where these aren't here.

    choice: as the job writes it. fetch: download the model if it's a hub id that isn't in the cache yet, at the locked
    revision. Raises CheckpointError if there are neither files nor a lock of this choice, RequestError if the lock
    isn't valid.
    """
    file, lock = lock_file(job), read_lock(job)
    try:
        model = describe(pinned(choice, lock), job.parent, fetch=fetch)
    except CheckpointError as error:
        if lock is None:
            raise CheckpointError(f"{error}{_hint(choice, job)}") from None
        if choice != locked_choice(lock):
            raise CheckpointError(f"{error}; {file} is of another model, {quote(lock.model.name)}") from None
        use = LockUse(file, lock, str(error), model_differences(lock, choice, None))
        return PlannedModel(locked_description(lock, job.parent), use)
    if lock is None:
        return PlannedModel(model, None)
    return PlannedModel(model, LockUse(file, lock, None, model_differences(lock, choice, model)))


def lock_warnings(use: LockUse | None) -> tuple[str, ...]:
    """Returns warnings about a model that differs from its lock. A render refuses it."""
    if use is None or not use.differences:
        return ()
    return (f"{_outdated(use.file, use.differences)}; `brandpress render` refuses this",)


def require_renderable(use: LockUse | None) -> None:
    """Raises CheckpointError if the model's files aren't here, and OutdatedLockError if they differ from the lock. A
    campaign without a lock may have any model."""
    if use is not None and use.missing is not None:
        raise CheckpointError(use.missing)
    if use is not None and use.differences:
        raise OutdatedLockError(_outdated(use.file, use.differences))


def require_lock(use: LockUse | None, campaign: Campaign) -> None:
    """Raises OutdatedLockError unless a campaign has a lock, and model, feeds and references are as it says."""
    if use is None:
        file = lock_file(campaign.path)
        raise OutdatedLockError(f"--locked: there is no {file}; write it with `brandpress lock {campaign.path}`")
    differences = (*use.differences, *input_differences(use.lock, campaign))
    if differences:
        raise OutdatedLockError(f"--locked: {_outdated(use.file, differences)}")


def _outdated(file: Path, differences: Sequence[str]) -> str:
    shown = "; ".join(differences[:MAX_SHOWN])
    rest = len(differences) - MAX_SHOWN
    more = f"; and {rest:,} more" if rest > 0 else ""
    return f"{file} is outdated ({shown}{more}); run `brandpress lock`"


def _hint(choice: ModelChoice, job: Path) -> str:
    """Returns how to plan without a model's weights, unless the model's name is probably misspelt."""
    base = split_revision(choice.base)[0]
    if base not in FAMILIES and "/" not in base:
        return ""
    return f"; to plan without its weights, run `brandpress lock {job}` on a machine that has them"
