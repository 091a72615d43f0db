"""Every test that docs/threat-model.md names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TEXT = (TESTS.parent / "docs" / "threat-model.md").read_text()
ROWS = [line for line in TEXT.splitlines() if line.startswith("| ") and "test_" in line]
NAME = re.compile(r"`([\w/.]*)(?:::(\w+))?`")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[2:50])
def test_a_promise_names_tests_that_exist(row: str) -> None:
    file = None
    for path, name in NAME.findall(row.rpartition(" | ")[2]):
        if path:
            file = TESTS.parent / path if path.startswith("tests/") else TESTS / "pipeline" / path
            assert file.exists(), path
        assert file is not None
        if name:
            assert re.search(rf"^def {name}\(", file.read_text(), re.MULTILINE), name


def test_there_are_promises() -> None:
    assert len(ROWS) > 40
