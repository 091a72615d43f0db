"""The benchmark runs; what it measures is no matter of tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.bench.loading import QUICK_CASES

ROOT = Path(__file__).parents[2]


def test_it_runs(tmp_path: Path) -> None:
    figures = tmp_path / "bench.json"
    command = [sys.executable, "-m", "tests.bench", "--quick", "--json", str(figures)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(figures.read_text())
    assert report["quick"] is True
    assert len(report["rows"]) == 3
    for row in report["rows"]:
        assert row["equal"], row
        assert len(row["ours"]) == len(row["theirs"]) == report["rounds"]
        assert row["ratio_min"] <= row["ratio_median"] <= row["ratio_max"]
        assert row["name"] in done.stdout
    tiles = report["tiles"]
    assert tiles["equal"], tiles
    assert tiles["bands"]["peak_bytes"] >= 0 < tiles["one_piece"]["seconds"]
    assert "decoding 64x64" in done.stdout
    assert [row["name"] for row in report["loading"]] == list(QUICK_CASES)
    for row in report["loading"]:
        assert row["peak_bytes"] > row["weight_bytes"] > 0 < row["time_ratio"]
