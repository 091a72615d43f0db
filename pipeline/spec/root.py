"""The folder that a job's brand spec must be in: a job from a stranger's pull request must not name files elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.problem import WrongValueError

ROOT = "BRANDPRESS_SPEC_ROOT"
"""Environment variable: the folder that brand specs must be in, instead of the job's repository."""


def spec_root(folder: Path) -> Path:
    """Returns the folder that the brand specs of jobs in `folder` must be in.

    It is the operator's if set, otherwise the nearest parent with `.git`, or without one the parent of `folder`, so
    that `jobs/` and `specs/` can stand side by side.
    """
    override = os.environ.get(ROOT, "").strip()
    if override:
        return Path(override).resolve()
    folder = folder.resolve()
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder.parent)


def check_inside(written: str, path: Path, folder: Path) -> None:
    """Raises WrongValueError if a path in a file of `folder` leaves the root, directly or through a link."""
    try:
        root, target = spec_root(folder), path.resolve()
    except (OSError, RuntimeError, ValueError):
        raise WrongValueError(f"{quote(written)} can't be resolved", "allowed: the path of a brand spec") from None
    if not target.is_relative_to(root):
        what = f"{quote(written)} is outside {quote(root)}, this job's repository"
        if os.environ.get(ROOT, "").strip():
            what = f"{quote(written)} is outside {quote(root)} ({ROOT})"
        raise WrongValueError(what, f"move the brand spec there, or set {ROOT} to a folder that has both")
