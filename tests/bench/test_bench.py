"""The benchmark runs; its measurements are not tested."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.__main__ import main
from tests.bench.families import KEYS
from tests.bench.loading import QUICK_CASES
from tests.bench.report import Report

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_quick_run_measures_every_row(tmp_path: Path) -> None:
    figures, document = tmp_path / "bench.json", tmp_path / "bench.md"
    command = [sys.executable, "-m", "tests.bench", "--quick", "--json", str(figures), "--write", str(document)]
    completed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    report = Report.from_json(json.loads(figures.read_text()))
    assert report.quick
    assert tuple(dict.fromkeys(row.key for row in report.rows)) == KEYS
    written = document.read_text()
    for row in report.rows:
        assert all(figure > 0 for figure in row.figures), row
        assert row.difference is None or row.difference.equal is not False, row
        assert row.about and f"- **{row.name}**: " in written
    assert len([row for row in report.rows if row.key == "loading"]) == 2 * len(QUICK_CASES)
    for place in (ROOT, tmp_path, Path.home()):
        assert str(place) not in written


def test_an_unknown_row_is_rejected_with_the_allowed_ones(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["tests.bench", "--only", "kv-4,kv-5"])
    with pytest.raises(SystemExit) as exit_info:
        main()
    assert exit_info.value.code == 2
    assert "kv-5: allowed: text-klein, text-dev," in capsys.readouterr().err.replace("\n", " ")
