"""Verdicts of the quality gate in the campaign's folder, in files of JSON lines: `reviews/verdicts/<sha256>.jsonl`.

Records stay as they are: a verdict stands beside the picture. It names the file by its SHA-256, and holds only as long
as its basis (the gate's rules and what they compare with) is the job's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json

from brandpress.pipeline.deliver.decisions import REVIEWS
from brandpress.pipeline.deliver.record import record_key
from brandpress.pipeline.plan.verdict import Verdict
from brandpress.pipeline.store.protocol import Store, sha256_hex

VERDICTS = f"{REVIEWS}verdicts/"
SCHEMA = "brandpress.verdict/1"
JSON_LINES = "application/jsonl"
THREADS = 16


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """A verdict, and the picture that it's about: its render key and the SHA-256 of its file. basis: see
    `plan.verdict_basis`."""

    render_key: str
    sha256: str
    basis: str
    verdict: Verdict

    def to_line(self) -> bytes:
        """Returns one line of JSON, without a newline."""
        values = {"schema": SCHEMA, "render_key": self.render_key, "sha256": self.sha256, "basis": self.basis}
        text = json.dumps(values | self.verdict.to_json(), ensure_ascii=False, separators=(",", ":"))
        return text.encode()


@dataclass(frozen=True, slots=True)
class VerdictIndex:
    """The verdicts of a campaign. by_file: (render key, basis, SHA-256 of the file) -> verdict. digests: render key ->
    SHA-256 of each file that was judged."""

    by_file: Mapping[tuple[str, str, str], Verdict] = field(default_factory=dict)
    digests: Mapping[str, Set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, verdicts: Iterable[StoredVerdict]) -> VerdictIndex:
        """Returns an index; of several verdicts on the same file and basis, the last one counts."""
        by_file = {(one.render_key, one.basis, one.sha256): one.verdict for one in verdicts}
        digests: dict[str, set[str]] = {}
        for render_key, _, sha256 in by_file:
            digests.setdefault(render_key, set()).add(sha256)
        return cls(by_file, digests)


def write_verdicts(folder: Store, verdicts: Iterable[StoredVerdict]) -> None:
    """Writes verdicts into one file. Raises StoreError."""
    data = b"".join(one.to_line() + b"\n" for one in sorted(verdicts, key=lambda one: (one.render_key, one.basis)))
    if data:
        folder.create(f"{VERDICTS}{sha256_hex(data)}.jsonl", data, JSON_LINES)


def read_verdicts(folder: Store) -> VerdictIndex:
    """Returns the campaign's verdicts. Costs one listing, and one read for each run that has judged pictures.

    A file that was changed, and a line that isn't valid, count as none: its pictures are judged again. The times of
    the files decide nothing. Raises StoreError.
    """
    with ThreadPoolExecutor(THREADS) as threads:
        contents = threads.map(lambda key: (key, folder.read(key)), sorted(folder.list(VERDICTS)))
        intact = [data for key, data in contents if data and key == f"{VERDICTS}{sha256_hex(data)}.jsonl"]
    parsed = (_parsed(line) for data in intact for line in data.splitlines())
    return VerdictIndex.of(one for one in parsed if one is not None)


def verdicts_about(folder: Store, keys: Set[str]) -> Iterator[str]:
    """Yields the keys of the files with a verdict on a picture whose record's key is among `keys`. Raises
    StoreError."""
    for key in sorted(folder.list(VERDICTS)):
        verdicts = map(_parsed, (folder.read(key) or b"").splitlines())
        if any(one is not None and record_key(one.render_key) in keys for one in verdicts):
            yield key


def _parsed(line: bytes) -> StoredVerdict | None:
    try:
        values: dict[str, Any] = from_json(line)
        if values["schema"] != SCHEMA:
            return None
        render_key, sha256, basis = (str(values[name]) for name in ("render_key", "sha256", "basis"))
        return StoredVerdict(render_key, sha256, basis, Verdict.from_json(values))
    except (ValueError, KeyError, TypeError):
        return None
