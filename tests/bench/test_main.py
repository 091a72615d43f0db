"""Parts of the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench.__main__ import measure_family, report_of, rows_of_earlier_run
from tests.bench.bench import Bench, Family
from tests.bench.families import KEYS
from tests.bench.machine import host
from tests.bench.report import Report
from tests.bench.row import Row

ROWS = tuple(Row(key, key, "", (1.0,), (2.0,)) for key in ("kv-4", "dispatch", "kv-4"))


def bench(folder: Path, lines: list[str]) -> Bench:
    return Bench(True, 1, frozenset(KEYS), False, "nano", folder, lines.append)


def test_keys_are_unique() -> None:
    assert len(set(KEYS)) == len(KEYS)


def test_rows_are_sorted_by_key() -> None:
    assert [row.key for row in report_of(reversed(ROWS), False).rows] == ["kv-4", "kv-4", "dispatch"]


def test_rows_of_an_earlier_run_are_kept_unless_measured_again(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    file.write_text(json.dumps(Report(host(), False, ROWS).as_json()))
    assert list(rows_of_earlier_run(file, False, {"kv-4"})) == [ROWS[1]]
    assert list(rows_of_earlier_run(file, False, ())) == list(ROWS)
    assert list(rows_of_earlier_run(None, False, ())) == []


@pytest.mark.parametrize(("changed", "quick"), [({"torch": "1.0"}, False), ({}, True)])
def test_rows_of_another_machine_or_kind_are_rejected(tmp_path: Path, changed: dict[str, str], quick: bool) -> None:
    file = tmp_path / "bench.json"
    file.write_text(json.dumps(Report(host() | changed, quick, ROWS).as_json()))
    with pytest.raises(SystemExit, match=r"bench\.json: it was measured on another machine, with other versions or"):
        list(rows_of_earlier_run(file, False, ()))


def test_a_family_that_fails_keeps_what_others_have_measured(tmp_path: Path) -> None:
    def breaks(bench: Bench) -> list[Row]:
        raise RuntimeError("no memory is left")

    rows: list[Row] = []
    lines: list[str] = []
    assert measure_family(Family(("a",), lambda bench: ROWS[:1]), bench(tmp_path, lines), rows)
    assert not measure_family(Family(("b",), breaks), bench(tmp_path, lines), rows)
    assert [(row.key, len(row.date)) for row in rows] == [("kv-4", 10)]
    assert lines[0].startswith("b: can't be measured") and "no memory is left" in lines[0]
