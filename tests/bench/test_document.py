"""The Markdown of a report."""

from __future__ import annotations

import pytest

from tests.bench.document import QUICK, goals, grid, markdown
from tests.bench.report import Report
from tests.bench.row import Goal, Row

MET = Row("a", "one | two", "the first row", (1.0,), (2.0,), goal=Goal(1.5), date="2026-01-02")
MISSED = Row("b", "slow", "the second row", (1.0,), (1.0,), goal=Goal(1.5), table="the pipeline", date="2026-01-02")
FREE = Row("c", "free", "no goal", (1.0,), (1.0,), date="2026-01-03")


def test_a_table_has_a_line_for_each_row_and_escapes_bars() -> None:
    assert grid(("a", "b"), [("1", "2|3")]) == ["| a | b |", "| --- | --- |", r"| 1 | 2\|3 |"]


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([MET, FREE], "1 of 1 goals are met."),
        ([MET, MISSED], "1 of 2 goals are met; not met: slow."),
        ([FREE], "0 of 0 goals are met."),
    ],
)
def test_missed_goals_are_named(rows: list[Row], text: str) -> None:
    assert goals(rows) == text


@pytest.mark.parametrize("quick", [False, True])
def test_the_document_has_date_machine_tables_and_a_line_for_each_row(quick: bool) -> None:
    text = markdown(Report({"cores": "2", "torch": "9.9"}, quick, (MET, MISSED, FREE)))
    assert "on 2026-01-02 and 2026-01-03. Each row" in text
    assert "| torch | 9.9 |" in text
    assert text.index("## Ours against diffusers") < text.index("- **free**: no goal") < text.index("## The pipeline")
    assert "| slow | 1.00 s | 1.00 s (diffusers) | 1.00x as fast | 1 round | ≥ 1.5 | no | not comparable |" in text
    assert (QUICK.strip() in text) is quick
    assert text.endswith("\n") and "\n\n\n" not in text
