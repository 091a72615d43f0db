"""Verdicts of the quality gate in the campaign's folder, in files of JSON lines: `reviews/verdicts/<sha256>.jsonl`.

Records stay as they are: a verdict stands beside the picture. It names the file by its SHA-256, and holds only as long
as its basis (the gate's rules and what they compare with) is the job's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
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


VerdictIndex = Mapping[tuple[str, str], StoredVerdict]
"""(render key, basis) -> verdict."""


def write_verdicts(folder: Store, verdicts: Iterable[StoredVerdict]) -> None:
    """Writes verdicts into one file. Raises StoreError."""
    data = b"".join(one.to_line() + b"\n" for one in sorted(verdicts, key=lambda one: (one.render_key, one.basis)))
    if data:
        folder.create(f"{VERDICTS}{sha256_hex(data)}.jsonl", data, JSON_LINES)


def read_verdicts(folder: Store) -> VerdictIndex:
    """Returns the campaign's verdicts. Costs one listing, and one read for each run that has judged pictures.

    A file that was changed, and a line that isn't valid, count as none: its pictures are judged again. Of two verdicts
    on the same render key and basis, the newer one counts: the picture was deleted and rendered again. Raises
    StoreError.
    """
    entries = sorted(folder.entries(VERDICTS), key=lambda entry: (entry.modified, entry.key))
    with ThreadPoolExecutor(THREADS) as threads:
        contents = threads.map(lambda entry: (entry.key, folder.read(entry.key)), entries)
        verdicts: dict[tuple[str, str], StoredVerdict] = {}
        for key, data in contents:
            if data is None or key != f"{VERDICTS}{sha256_hex(data)}.jsonl":
                continue
            for line in data.splitlines():
                if (one := _parsed(line)) is not None:
                    verdicts[one.render_key, one.basis] = one
    return verdicts


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
