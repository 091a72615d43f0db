"""Rejects and picks published pictures by their names. Needs the campaign's folder, and neither specs nor the model."""

from __future__ import annotations

import getpass
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from pydantic_core import from_json

from brandpress.model.errors import RequestError
from brandpress.model.redaction import redacted
from brandpress.pipeline.deliver.decisions import (
    THREADS,
    Decision,
    Verdict,
    clear_decision,
    now,
    read_decisions,
    write_decisions,
)
from brandpress.pipeline.deliver.manifest import NothingPublishedError, read_fields, read_latest
from brandpress.pipeline.deliver.publication import newest_intact
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.spec.delivery import explain
from brandpress.pipeline.spec.fields import plain_text
from brandpress.pipeline.spec.messages import closest, quote
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.store.protocol import Store

MAX_BY = 200


@dataclass(frozen=True, slots=True)
class Picture:
    """A delivered picture: its output name, its identity, and its point of the matrix."""

    name: str
    render_key: str
    sha256: str
    axes: Mapping[str, str]
    seed: int


@dataclass(frozen=True, slots=True)
class Author:
    """Who decides, why, and when."""

    by: str
    reason: str
    at: datetime

    @classmethod
    def of(cls, by: str | None, reason: str | None) -> Author:
        """Returns the author of decisions made now. by: default: the user's name. What looks like a credential is
        removed. Raises RequestError for texts that are empty, too long or have control characters."""
        name = _user_name() if by is None else _checked("--by", by, MAX_BY)
        return cls(redacted(name), "" if reason is None else redacted(_checked("--reason", reason)), now())


def reject(folder: Store, names: Sequence[str], author: Author) -> tuple[Decision, ...]:
    """Rejects the published pictures with these names or globs, and returns the decisions.

    The next run renders each with the next seed. Raises RequestError for a name that isn't published, and StoreError.
    """
    return _decide(folder, _matching(published_pictures(folder), names), "rejected", author)


def pick(folder: Store, names: Sequence[str], author: Author) -> tuple[Decision, ...]:
    """Picks the pictures with these names or globs among the seeds of their combinations, and returns the decisions.

    A name can also be that of a picture that was picked out before. Raises RequestError for a name that no picture has
    and for two pictures of one combination, and StoreError.
    """
    published = published_pictures(folder)
    known = {picture.name for picture in published}
    others = () if all(_matches(name, known) for name in names) else _delivered_pictures(folder, exclude=known)
    chosen = _matching([*published, *others], names)
    points: dict[tuple[Any, ...], Picture] = {}
    for picture in chosen:
        other = points.setdefault(_point(picture), picture)
        if other is not picture:
            raise RequestError(
                f"{quote(other.name)} and {quote(picture.name)} differ only in their seed; pick one of them"
            )
    picked = {one.sha256 for one in read_decisions(folder).values() if one.decision == "picked"}
    for picture in published:
        if picture.sha256 in picked and points.get(_point(picture), picture) is not picture:
            clear_decision(folder, picture.sha256)
    return _decide(folder, chosen, "picked", author)


def undo(folder: Store, names: Sequence[str], verdict: Verdict) -> tuple[Decision, ...]:
    """Takes back the latest decision of this kind about each name (or glob), and returns these decisions.

    Raises RequestError for a name without such a decision, and StoreError.
    """
    latest = {one.name: one for one in read_decisions(folder).values() if one.decision == verdict}
    for name in names:
        if not _matches(name, latest):
            raise RequestError(f"no picture of the name {quote(name)} is {verdict}{_did_you_mean(name, latest)}")
    undone = [one for one in latest.values() if any(_fits(one.name, name) for name in names)]
    with ThreadPoolExecutor(THREADS) as threads:
        for _ in threads.map(lambda one: clear_decision(folder, one.sha256), undone):
            pass
    return tuple(sorted(undone, key=lambda one: one.name))


def decisions_of(folder: Store, verdict: Verdict) -> tuple[Decision, ...]:
    """Returns all decisions of this kind, by name. Raises StoreError."""
    found = (one for one in read_decisions(folder).values() if one.decision == verdict)
    return tuple(sorted(found, key=lambda one: (one.name, one.at)))


def published_pictures(folder: Store) -> list[Picture]:
    """Returns the pictures of the latest manifest, or of the newest one if there is no latest yet.

    Raises NothingPublishedError and BrokenManifestError.
    """
    published = read_latest(folder) or newest_intact(folder)
    if published is None:
        raise NothingPublishedError(folder)
    return [_picture(fields) for fields in read_fields(folder, published, "variants") if _is_picture(fields)]


def _delivered_pictures(folder: Store, exclude: Collection[str]) -> list[Picture]:
    """Returns the newest delivered picture of each name that isn't in `exclude`, without rejected ones."""
    rejected = {one.sha256 for one in read_decisions(folder).values() if one.decision == "rejected"}
    newest: dict[str, dict[str, Any]] = {}
    for line in read_index(folder).done.values():
        fields = from_json(line)
        name = fields["name"]
        if name in exclude or fields["sha256"] in rejected or not _is_picture(fields):
            continue
        if name not in newest or fields["created"] > newest[name]["created"]:
            newest[name] = fields
    return [_picture(fields) for fields in newest.values()]


def _decide(folder: Store, pictures: Iterable[Picture], verdict: Verdict, author: Author) -> tuple[Decision, ...]:
    decisions = tuple(
        Decision(
            name=picture.name,
            render_key=picture.render_key,
            sha256=picture.sha256,
            decision=verdict,
            reason=author.reason,
            by=author.by,
            at=author.at,
        )
        for picture in pictures
    )
    write_decisions(folder, decisions)
    return decisions


def _matching(pictures: Iterable[Picture], names: Sequence[str]) -> list[Picture]:
    """Returns the pictures with these names or globs, by name. Raises RequestError for a name that none has."""
    by_name = {picture.name: picture for picture in pictures}
    for name in names:
        if not _matches(name, by_name):
            raise RequestError(f"no picture of the name {quote(name)} is published{_did_you_mean(name, by_name)}")
    return [by_name[found] for found in sorted(by_name) if any(_fits(found, name) for name in names)]


def _matches(name: str, names: Collection[str]) -> bool:
    return name in names or any(fnmatchcase(one, name) for one in names)


def _fits(found: str, name: str) -> bool:
    return found == name or fnmatchcase(found, name)


def _did_you_mean(name: str, names: Collection[str]) -> str:
    suggestion = closest(name, names)
    return f"; did you mean {suggestion}?" if suggestion else ""


def _picture(fields: Mapping[str, Any]) -> Picture:
    return Picture(fields["name"], fields["render_key"], fields["sha256"], fields["axes"], fields["seed"])


def _is_picture(fields: Mapping[str, Any]) -> bool:
    return fields["status"] == "done" and isinstance(fields.get("sha256"), str)


def _point(picture: Picture) -> tuple[Any, ...]:
    return tuple(sorted(picture.axes.items()))


def _checked(option: str, text: str, limit: int = 2_000) -> str:
    try:
        return plain_text(text, limit)
    except WrongValueError as error:
        raise RequestError(f"{option}: {explain(error)}") from None


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"
