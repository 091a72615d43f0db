"""What a manifest lists: the newest picture of every planned variant, and the variants that failed. Pure functions."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from brandpress.pipeline.deliver.admission import UNRESTRICTED, Admission, withheld_pictures
from brandpress.pipeline.deliver.manifest import Counts
from brandpress.pipeline.deliver.record import to_line
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.store.protocol import sha256_hex

MAX_PART_RECORDS = 10_000
MIN_PART_RECORDS = 1_000
_CUT_ONE_IN = 4_096


@dataclass(frozen=True, slots=True)
class Contents:
    """The records of a manifest as JSON lines, sorted by name.

    variants: with a picture; one that a planned variant has from an earlier version of the job is marked `stale`.
    failures: variants that failed or are quarantined. unapproved: pictures that wait for an approval.
    dropped: pictures that the quality gate blocks, with `on_fail: drop`. withholds: whether a picture isn't listed, or
    isn't any more, because the gate blocks it or people haven't approved it.
    """

    counts: Counts
    variants: tuple[bytes, ...]
    failures: tuple[bytes, ...]
    unapproved: tuple[bytes, ...] = ()
    dropped: tuple[bytes, ...] = ()
    withholds: bool = False

    @property
    def digest(self) -> str:
        """SHA-256 over the names, render keys and digests of the pictures."""
        return digest_of(map(from_json, self.variants))


def compose(
    variants: Sequence[Variant],
    done: Mapping[str, bytes],
    failures: Mapping[str, bytes],
    previous: Callable[[], Iterable[dict[str, Any]]],
    exists: Callable[[str], bool] = lambda asset: True,
    picked_out: int = 0,
    shared: Mapping[str, bytes | None] | None = None,
    admission: Admission = UNRESTRICTED,
    attempts: Mapping[str, bytes] | None = None,
) -> Contents:
    """Returns the contents for these planned variants.

    done, failures: lines of records, keyed by render key. previous: returns the records with a picture of the manifest
    before; called only if a planned variant isn't done. exists: whether an asset's key exists. picked_out: how many
    more variants the job has, which aren't published. shared: lines of the variants whose picture is another one's,
    keyed by their names; None for a picture that isn't there. admission: which pictures may be listed. attempts: lines
    of the pictures that the gate blocked, keyed by render key.
    """
    lines = {variant.name: (shared or {}).get(variant.name, done.get(variant.render_key)) for variant in variants}
    pictures = {name: line for name, line in lines.items() if line is not None}
    withheld = withheld_pictures([one for one in variants if one.name in pictures], done, admission)
    own = {name: admission.listed(line, name, attempts or {}) for name, line in pictures.items()}
    undone = [one for one in variants if one.name not in pictures or one.name in withheld]
    replaceable = [variant for variant in undone if withheld.get(variant.name) != "dropped"]
    earlier = (one for one in previous() if is_picture(one) and exists(one["asset"])) if replaceable else ()
    stale, withdrawn = [], False
    for name, fields in _earlier_pictures(replaceable, earlier):
        if admission.may_stay(fields, withheld.get(name)):
            stale.append(to_line(fields | {"name": name, "stale": True}))
        else:
            withdrawn = True
    failed = [_named(failures[one.render_key], one.name) for one in undone if one.render_key in failures]
    failed += [
        admission.failure(one, pictures[one.name], attempts or {})
        for one in undone
        if withheld.get(one.name) == "failed"
    ]
    unapproved, dropped = (
        [own[name] for name, reason in withheld.items() if reason == wanted] for wanted in ("unapproved", "dropped")
    )
    counts = Counts(
        planned=len(variants) + picked_out,
        done=len(variants) - len(undone),
        stale=len(stale),
        failed=len(failed),
        missing=len(undone) - len(failed) - len(unapproved) - len(dropped),
        picked_out=picked_out,
        dropped=len(dropped),
        unapproved=len(unapproved),
    )
    listed = [line for name, line in own.items() if name not in withheld]
    withholds = withdrawn or any(reason != "unchecked" for reason in withheld.values())
    return Contents(
        counts,
        variants=_sorted(listed + stale),
        failures=_sorted(failed),
        unapproved=_sorted(unapproved),
        dropped=_sorted(dropped),
        withholds=withholds,
    )


def _named(line: bytes, name: str) -> bytes:
    """Returns the record of a failure with the name of one of the variants that share its picture."""
    fields = from_json(line)
    return line if fields["name"] == name else to_line(fields | {"name": name})


def _earlier_pictures(
    undone: Sequence[Variant], previous: Iterable[dict[str, Any]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields these variants' names and the records of their earlier pictures: of the same point of the matrix, or else
    of that name.

    After names have moved between points, a name alone would list another variant's picture.
    """
    names = dict.fromkeys(variant.name for variant in undone)
    points = {_point(variant.axes, variant.seed): variant for variant in undone}
    by_name: dict[str, dict[str, Any]] = {}
    by_point: dict[str, dict[str, Any]] = {}
    for fields in previous:
        if (variant := points.get(_point(fields["axes"], fields["seed"]))) is not None:
            by_point[variant.name] = fields
        elif fields["name"] in names:
            by_name[fields["name"]] = fields
    for name in names:
        fields = by_point.get(name) or by_name.get(name, {})
        if fields:
            yield name, fields


def is_picture(fields: Mapping[str, Any]) -> bool:
    """Whether a record is that of a picture: the parts of version 1 hold failures, too."""
    return fields["status"] == "done" and fields["asset"] is not None and isinstance(fields.get("sha256"), str)


def _point(axes: Mapping[str, str], seed: int) -> tuple[object, ...]:
    return seed, *sorted(axes.items())


def _sorted(lines: Iterable[bytes]) -> tuple[bytes, ...]:
    def order(line: bytes) -> tuple[str, str]:
        fields = from_json(line)
        return fields["name"], fields["render_key"]

    return tuple(sorted(lines, key=order))


def parts_of(lines: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Cuts lines, which are sorted by name, into parts of at most 10,000.

    Where a part ends depends on the names around the cut alone, so that manifests share the parts in which nothing has
    changed.
    """
    start = 0
    for end, line in enumerate(lines, 1):
        length = end - start
        cut = length >= MIN_PART_RECORDS and zlib.crc32(from_json(line)["name"].encode()) % _CUT_ONE_IN == 0
        if cut or length == MAX_PART_RECORDS:
            yield lines[start:end]
            start = end
    if start < len(lines):
        yield lines[start:]


def digest_of(records: Iterable[Mapping[str, Any]]) -> str:
    """Returns the SHA-256 over the names, render keys and digests of the pictures among these records' fields."""
    pictures = sorted((one["name"], one["render_key"], one["sha256"]) for one in records if one["status"] == "done")
    return sha256_hex("".join(f"{name}\t{key}\t{sha256}\n" for name, key, sha256 in pictures).encode())
