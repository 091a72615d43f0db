"""A row's figures and its way through JSON."""

from __future__ import annotations

import json
import math

import pytest

from tests.bench.row import Difference, Figure, Goal, Row

OURS, THEIRS = (1.0, 2.0, 4.0), (3.0, 2.0, 8.0)


@pytest.mark.parametrize(
    ("figure", "figures", "value"),
    [
        ("theirs/ours", (3.0, 1.0, 2.0), 2.0),
        ("ours/theirs", (1 / 3, 1.0, 0.5), 0.5),
        ("ours", OURS, 2.0),
    ],
)
def test_figures_are_per_round_and_their_median_counts(
    figure: Figure, figures: tuple[float, ...], value: float
) -> None:
    row = Row("a", "a", "", OURS, THEIRS, figure=figure)
    assert row.figures == pytest.approx(figures)
    assert row.value == value
    values = row.as_json()
    assert (values["min"], values["median"], values["max"]) == pytest.approx((min(figures), value, max(figures)))


@pytest.mark.parametrize(
    ("goal", "words", "met"),
    [
        (None, None, None),
        (Goal(2), "≥ 2", True),
        (Goal(2.05), "≥ 2.05", False),
        (Goal(2, at_least=False), "≤ 2", True),
        (Goal(1.9, at_least=False), "≤ 1.9", False),
    ],
)
def test_a_goal_is_met_by_the_median(goal: Goal | None, words: str | None, met: bool | None) -> None:
    assert Row("a", "a", "", OURS, THEIRS, goal=goal).met is met
    assert goal is None or str(goal) == words


@pytest.mark.parametrize(
    ("difference", "words", "differs"),
    [
        (Difference(1, "levels", allowed=1), "equal (1 levels)", False),
        (Difference(2, "levels", allowed=1), "DIFFERS (2 levels)", True),
        (Difference(math.nan, "levels", allowed=1), "DIFFERS (nan levels)", True),
        (Difference(31.25, "dB PSNR"), "31.2 dB PSNR", False),
    ],
)
def test_results_are_equal_up_to_what_is_allowed(difference: Difference, words: str, differs: bool) -> None:
    assert str(difference) == words
    assert Row("a", "a", "", OURS, THEIRS, difference=difference).differs is differs


@pytest.mark.parametrize(
    "row",
    [
        Row("a", "a name", "about it", OURS, THEIRS, goal=Goal(2), difference=Difference(0.1, "levels", 1)),
        Row("b", "b", "", OURS, (), "nothing", "ms", "ours", Goal(5, at_least=False), None, "the pipeline"),
        Row("c", "c", "", OURS, THEIRS, difference=Difference(math.inf, "dB PSNR")),
    ],
    ids=lambda row: row.key,
)
def test_a_row_comes_back_from_json(row: Row) -> None:
    assert Row.from_json(json.loads(json.dumps(row.as_json(), allow_nan=False))) == row
