"""Approves, rejects and picks published pictures by their names.

Needs the campaign's folder, and neither specs nor the model.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import chain
from typing import Any

from pydantic_core import from_json

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.author import Author
from brandpress.pipeline.deliver.decisions import (
    THREADS,
    Decision,
    Verdict,
    read_all_decisions,
    read_decisions,
    withdraw_decision,
    write_decisions,
)
from brandpress.pipeline.deliver.manifest import (
    BrokenManifestError,
    NothingPublishedError,
    PartKind,
    Published,
    manifest_key,
    manifest_numbers,
    read_fields,
    read_latest,
    read_manifest,
    read_new_fields,
)
from brandpress.pipeline.deliver.publication import newest_intact
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.spec.messages import closest, quote
from brandpress.pipeline.store.protocol import Store

REVIEWED: tuple[PartKind, ...] = ("variants", "dropped", "unapproved")
"""The parts of a manifest with pictures that people review."""

_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Picture:
    """A delivered picture: its output name, its identity, and its point of the matrix.

    stale: the manifest lists it only until the next one is rendered, because the job has changed or it was rejected.
    """

    name: str
    render_key: str
    sha256: str
    axes: Mapping[str, str]
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """Decisions that were made. overtaken: decisions of others about pictures that were to be decided; they were made
    later, so that they hold. outdated: the names of pictures that were decided, but are of an earlier version of the
    job, so that nothing follows from the decision. replaced: earlier decisions that said otherwise and hold no longer.
    """

    decisions: tuple[Decision, ...]
    overtaken: tuple[Decision, ...] = ()
    outdated: tuple[str, ...] = ()
    replaced: tuple[Decision, ...] = ()


def reject(folder: Store, names: Sequence[str], author: Author) -> Choice:
    """Rejects the published pictures with these names or globs.

    The next run renders each with the next seed. Raises RequestError for a name that isn't published, and StoreError.
    """
    published = published_pictures(folder)
    chosen = _matching(published, names)
    decisions = read_all_decisions(folder, {picture.sha256 for picture in chosen})
    return _decide(folder, chosen, "rejected", author, decisions, _sharing(chosen, published))


def approve(folder: Store, names: Sequence[str], author: Author) -> Choice:
    """Approves the published pictures with these names or globs. An approval lapses when the picture changes.

    Picked pictures keep their decision, which is an approval, too. Raises RequestError for a name that isn't published,
    and StoreError.
    """
    published = published_pictures(folder)
    chosen = _matching(published, names)
    decisions = read_all_decisions(folder, {picture.sha256 for picture in chosen})
    picked = _digests(decisions, "picked")
    unpicked = [picture for picture in chosen if picture.sha256 not in picked]
    return _decide(folder, unpicked, "approved", author, decisions, _sharing(chosen, published))


def pick(folder: Store, names: Sequence[str], author: Author) -> Choice:
    """Picks the pictures with these names or globs among the seeds of their combinations.

    A name can also be that of a picture that was picked out before. Raises RequestError for a name that no picture has
    and for two pictures of one combination, and StoreError.
    """
    published = published_pictures(folder)
    decisions = read_all_decisions(folder, {one.sha256 for one in published if _matches_any(one.name, names)})
    rejected, picked = _digests(decisions, "rejected"), _digests(decisions, "picked")
    known = {picture.name for picture in published}
    others = _delivered_pictures(folder, published, rejected) if _unmatched(names, known) else []
    known_pictures = [*published, *others]
    chosen = _matching(known_pictures, names)
    sharing = _sharing(chosen, known_pictures)
    points: dict[tuple[Any, ...], Picture] = {}
    for picture in chosen:
        for same in sharing[picture.sha256]:
            other = points.setdefault(_point(same), picture)
            if other.sha256 != picture.sha256:
                raise RequestError(_conflict(other, picture, same))
    choice = _decide(folder, chosen, "picked", author, decisions, sharing)
    decided = {one.sha256 for one in choice.decisions}
    for picture in published:
        instead = points.get(_point(picture), picture).sha256
        if picture.sha256 in picked and instead != picture.sha256 and instead in decided:
            withdraw_decision(folder, decisions[picture.sha256], author)
    return choice


def undo(folder: Store, names: Sequence[str], verdict: Verdict, author: Author) -> tuple[Decision, ...]:
    """Takes back the latest decision of this kind about each name (or glob), and returns these decisions.

    Decisions that somebody replaces meanwhile stay. Raises RequestError for a name without such a decision, and
    StoreError.
    """
    decisions = [one for one in read_decisions(folder).values() if one.decision == verdict]
    latest = {name: one for one in decisions for name in one.names}
    for name in _unmatched(names, latest):
        raise RequestError(f"no picture of the name {quote(name)} is {verdict}{_did_you_mean(name, latest)}")
    latest_ones = tuple({latest[name].sha256: latest[name] for name in _names_matching(names, latest)}.values())
    with ThreadPoolExecutor(THREADS) as threads:
        withdrawn = tuple(threads.map(lambda one: withdraw_decision(folder, one, author), latest_ones))
    return tuple(one for one, taken_back in zip(latest_ones, withdrawn, strict=True) if taken_back)


def decisions_of(folder: Store, verdict: Verdict) -> tuple[Decision, ...]:
    """Returns all decisions of this kind, by name. Raises StoreError."""
    matching = (one for one in read_decisions(folder).values() if one.decision == verdict)
    return tuple(sorted(matching, key=lambda one: (one.name, one.at)))


def published_pictures(folder: Store) -> list[Picture]:
    """Returns the pictures of the manifest that people review, those that aren't published last.

    Raises NothingPublishedError and BrokenManifestError.
    """
    return [_picture(fields) for fields in reviewed_fields(folder, reviewed_manifest(folder)) if _is_picture(fields)]


def reviewed_manifest(folder: Store) -> Published:
    """Returns the latest manifest, or the newest one if there is no latest yet. Raises NothingPublishedError and
    BrokenManifestError."""
    published = read_latest(folder) or newest_intact(folder)
    if published is None:
        raise NothingPublishedError(folder)
    return published


def reviewed_fields(folder: Store, published: Published) -> Iterator[dict[str, Any]]:
    """Yields the fields of the pictures that a manifest lists, then of those that the quality gate drops, and of those
    that wait for an approval; `listed_as` is the kind of their part. Raises BrokenManifestError."""
    for kind in REVIEWED:
        for fields in read_fields(folder, published, kind):
            yield fields | {"listed_as": kind}


def _delivered_pictures(folder: Store, published: Sequence[Picture], rejected: Set[str]) -> list[Picture]:
    """Returns the newest delivered picture of each name that isn't published, without rejected ones. They are stale if
    a published picture of their combination is.

    Records have one name of each picture; earlier manifests have those that share it, too.
    """
    exclude = {picture.name for picture in published}
    stale = {_point(picture) for picture in published if picture.stale and picture.sha256 not in rejected}
    newest: dict[str, dict[str, Any]] = {}
    done = read_index(folder).done
    for fields in chain(map(from_json, done.values()), _earlier_fields(folder)):
        name, created = fields["name"], str(fields.get("created"))
        if (
            name in exclude
            or not _is_picture(fields)
            or fields["sha256"] in rejected
            or fields["render_key"] not in done
        ):
            continue
        if name not in newest or created > str(newest[name].get("created")):
            newest[name] = fields
    pictures = map(_picture, newest.values())
    return [replace(picture, stale=_point(picture) in stale) for picture in pictures]


def _earlier_fields(folder: Store) -> Iterator[dict[str, Any]]:
    """Yields what the intact manifests list, the newest first."""
    read_parts: set[str] = set()
    for number in reversed(manifest_numbers(folder)):
        with suppress(BrokenManifestError):
            yield from read_new_fields(folder, read_manifest(folder, manifest_key(number)), read_parts)


def _digests(decisions: Mapping[str, Decision], verdict: Verdict) -> frozenset[str]:
    return frozenset(sha256 for sha256, one in decisions.items() if one.decision == verdict)


def _sharing(chosen: Iterable[Picture], known: Iterable[Picture]) -> dict[str, list[Picture]]:
    """Returns SHA-256 -> the known pictures with this content, which have the same render key under several names."""
    sharing: dict[str, list[Picture]] = {picture.sha256: [] for picture in chosen}
    for picture in known:
        if picture.sha256 in sharing:
            sharing[picture.sha256].append(picture)
    return sharing


def _conflict(one: Picture, other: Picture, same: Picture) -> str:
    shared = "" if same.name == other.name else f" ({quote(same.name)} shows the same picture as {quote(other.name)})"
    return f"{quote(one.name)} and {quote(other.name)} differ only in their seed{shared}; pick one of them"


def _decide(
    folder: Store,
    pictures: Sequence[Picture],
    verdict: Verdict,
    author: Author,
    seen: Mapping[str, Decision],
    sharing: Mapping[str, Sequence[Picture]],
) -> Choice:
    """Writes one decision for each picture, however many names it has. seen: the decisions before, by SHA-256: rejected
    pictures are stale in the manifest, too, but the job still has them. sharing: see `_sharing`."""
    pictures = list({picture.sha256: picture for picture in reversed(pictures)}.values())[::-1]
    decisions = tuple(
        Decision(
            name=picture.name,
            render_key=picture.render_key,
            sha256=picture.sha256,
            decision=verdict,
            reason=author.reason,
            by=author.by,
            at=author.at,
            also=tuple(sorted({same.name for same in sharing[picture.sha256]} - {picture.name})),
        )
        for picture in pictures
    )
    overtaken = tuple(write_decisions(folder, decisions, seen))
    decided = {one.sha256 for one in decisions} - {one.sha256 for one in overtaken}
    rejected = _digests(seen, "rejected")
    outdated = (one.name for one in pictures if one.stale and one.sha256 in decided and one.sha256 not in rejected)
    effective = tuple(one for one in decisions if one.sha256 in decided)
    before = (seen[one.sha256] for one in effective if one.sha256 in seen)
    agreeing = {verdict, "withdrawn"} | ({"approved"} if verdict == "picked" else set())
    replaced = (one for one in before if one.decision not in agreeing)
    return Choice(effective, overtaken, tuple(outdated), tuple(replaced))


def _matching(pictures: Iterable[Picture], names: Sequence[str]) -> list[Picture]:
    """Returns the pictures with these names or globs, by name. Raises RequestError for a name that none has."""
    by_name = {picture.name: picture for picture in pictures}
    for name in _unmatched(names, by_name):
        raise RequestError(f"no picture of the name {quote(name)} is published{_did_you_mean(name, by_name)}")
    return [by_name[name] for name in _names_matching(names, by_name)]


def _names_matching(names: Iterable[str], existing: Collection[str]) -> list[str]:
    """Returns the existing names that are among `names` or match a glob among them, sorted."""
    return sorted({match for name in names for match in _matches(name, existing)})


def _unmatched(names: Iterable[str], existing: Collection[str]) -> list[str]:
    return [name for name in names if not _matches(name, existing)]


def _matches(name: str, existing: Collection[str]) -> list[str]:
    """Returns the existing names that a name or glob means. Output names have none of a glob's special characters."""
    if name in existing:
        return [name]
    return [one for one in existing if fnmatchcase(one, name)] if re.search(r"[*?\[]", name) else []


def _matches_any(existing: str, names: Iterable[str]) -> bool:
    return any(_matches(name, (existing,)) for name in names)


def _did_you_mean(name: str, names: Collection[str]) -> str:
    suggestion = closest(name, names)
    return f"; did you mean {suggestion}?" if suggestion else ""


def _picture(fields: Mapping[str, Any]) -> Picture:
    stale = fields.get("stale") is True
    return Picture(fields["name"], fields["render_key"], fields["sha256"], fields["axes"], stale)


def _is_picture(fields: Mapping[str, Any]) -> bool:
    digests = (fields["render_key"], fields.get("sha256"))
    return fields["status"] == "done" and all(isinstance(one, str) and _DIGEST.fullmatch(one) for one in digests)


def _point(picture: Picture) -> tuple[Any, ...]:
    return tuple(sorted(picture.axes.items()))
