"""Revisions of repositories on the hub: `owner/name@revision`, where a revision is a commit, a branch or a tag."""

from __future__ import annotations

import re
from pathlib import Path

REVISION_RULE = "only models on the hub have revisions; write owner/name@revision, with a commit, branch or tag"
_REVISION = re.compile(r"\w[\w.\-/]*")
_COMMIT = re.compile(r"[0-9a-f]{40}")


def split_revision(base: str) -> tuple[str, str | None]:
    """Returns the name of a base and its revision; None if it names none, or if it is a path."""
    name, separator, revision = base.rpartition("@")
    if not separator or not _REVISION.fullmatch(revision) or name.startswith((".", "/", "~")):
        return base, None
    return name, revision


def with_revision(base: str, commit: str | None) -> str:
    """Returns a base of the hub with the commit that it resolved to."""
    return base if commit is None else f"{split_revision(base)[0]}@{commit}"


def commit_of(folder: Path | None) -> str | None:
    """Returns the commit of a snapshot in the Hugging Face cache; None for any other folder."""
    if folder is None or folder.parent.name != "snapshots" or not _COMMIT.fullmatch(folder.name):
        return None
    return folder.name
