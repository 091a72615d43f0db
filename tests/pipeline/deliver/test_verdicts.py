"""Verdicts in a campaign's folder, each about one file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from brandpress.pipeline.deliver.verdicts import VERDICTS, StoredVerdict, VerdictIndex, read_verdicts, write_verdicts
from brandpress.pipeline.plan.verdict import Reason, Verdict
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store, sha256_hex

BLOCK = Verdict("block", (Reason("noise", None, "block", 0.5, 0.3, ""),))
KEY, BASIS = "1" * 64, "2" * 64


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    return open_campaign(str(tmp_path), "spring")


def stored(sha256: str, verdict: Verdict, basis: str = BASIS) -> StoredVerdict:
    return StoredVerdict(KEY, sha256 * 64, basis, verdict)


def test_each_file_has_its_verdict_whatever_the_times_of_the_stored_ones_are(folder: Store, tmp_path: Path) -> None:
    one, other = stored("a", BLOCK), stored("b", Verdict("pass"))
    write_verdicts(folder, [one])
    write_verdicts(folder, [other])
    for times in ((1, 2), (2, 1)):
        for file, seconds in zip(sorted(tmp_path.rglob("*.jsonl")), times, strict=True):
            os.utime(file, (seconds, seconds))
        index = read_verdicts(folder)
        assert index.by_file == {(KEY, BASIS, "a" * 64): BLOCK, (KEY, BASIS, "b" * 64): Verdict("pass")}
        assert index.digests == {KEY: {"a" * 64, "b" * 64}}


@pytest.mark.parametrize(
    ("before", "after"),
    [(b'"value":0.5', b'"value":"x"'), (b'"measure":"noise"', b'"measure":["noise"]'), (b"{", b"[")],
)
def test_a_line_that_is_not_valid_counts_as_none(folder: Store, before: bytes, after: bytes) -> None:
    data = b"\n".join([stored("a", BLOCK).to_line().replace(before, after), stored("b", BLOCK).to_line()])
    folder.create(f"{VERDICTS}{sha256_hex(data)}.jsonl", data, "application/jsonl")
    assert list(read_verdicts(folder).digests[KEY]) == ["b" * 64]


def test_a_file_that_was_changed_counts_as_none(folder: Store) -> None:
    folder.create(f"{VERDICTS}{'0' * 64}.jsonl", stored("a", BLOCK).to_line(), "application/jsonl")
    assert read_verdicts(folder) == VerdictIndex()
