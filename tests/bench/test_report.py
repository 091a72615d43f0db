"""Rows as words, tables and JSON."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from tests.bench.report import COLUMNS, Report, cells, measure, tables_of, terminal_table
from tests.bench.row import Difference, Goal, Row

FASTER = Row("a", "faster", "", (1.0, 2.0, 4.0), (3.0, 2.0, 8.0), goal=Goal(1.5), difference=Difference(1, "levels", 1))
SMALLER = Row("b", "smaller", "", (300.0,), (400.0,), unit="MiB", figure="ours/theirs", goal=Goal(0.7, at_least=False))
ALONE = Row("c", "alone", "", (4.5, 5.0), unit="ms", figure="ours", table="the pipeline")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            FASTER,
            ("faster", "2.00 s", "3.00 s (diffusers)", "2.00x", "1.00 to 3.00", "≥ 1.5", "yes", "equal (1 levels)"),
        ),
        (
            SMALLER,
            (
                *("smaller", "300 MiB", "400 MiB (diffusers)", "0.75 of it", "1 round", "≤ 0.7", "no"),
                "not comparable",
            ),
        ),
        (ALONE, ("alone", "4.75 ms", "", "4.75", "4.50 to 5.00", "", "", "not comparable")),
    ],
    ids=lambda value: value.name if isinstance(value, Row) else "",
)
def test_a_row_in_words(row: Row, words: tuple[str, ...]) -> None:
    assert cells(row) == words
    assert len(words) == len(COLUMNS)


@pytest.mark.parametrize(
    ("value", "words"),
    [(1234.5, "1,234 s"), (123.4, "123 s"), (12.34, "12.3 s"), (1.234, "1.23 s"), (0.01234, "0.012 s")],
)
def test_measures_have_about_three_digits(value: float, words: str) -> None:
    assert measure(value, "s") == words


def test_rows_stand_in_the_table_that_they_name() -> None:
    assert tables_of([ALONE, FASTER, SMALLER]) == {"the pipeline": [ALONE], "ours against diffusers": [FASTER, SMALLER]}


def test_the_terminal_shows_every_row() -> None:
    file = io.StringIO()
    Console(file=file, width=140).print(terminal_table("a title", [FASTER, SMALLER]))
    shown = file.getvalue()
    assert all(word in shown for word in ("a title", "faster", "2.00x", "smaller", "0.75 of it"))


def test_a_report_comes_back_from_json() -> None:
    report = Report({"cores": "2"}, False, (FASTER, SMALLER, ALONE))
    assert Report.from_json(json.loads(json.dumps(report.as_json(), allow_nan=False))) == report
