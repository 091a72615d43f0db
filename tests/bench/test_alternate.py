"""Timing two sides in alternation."""

from __future__ import annotations

import pytest

from tests.bench.alternate import Contest, Row, alternate


def test_sides_take_turns_and_change_who_is_first() -> None:
    calls: list[str] = []

    def side(name: str) -> int:
        calls.append(name)
        return 3

    row = alternate(Contest("a", lambda: side("o"), lambda: side("t"), lambda one, other: one - other, 0), 4)
    assert "".join(calls) == "ot" + "ot" + "to" + "ot" + "to"
    assert len(row.ours) == len(row.theirs) == 4
    assert row.equal


def test_the_largest_difference_of_all_rounds_counts() -> None:
    results = iter([0.0, 0.1, 5.0, 0.2])
    contest: Contest[float] = Contest("a", lambda: next(results), lambda: 0.0, lambda one, other: abs(one - other), 1)
    row = alternate(contest, 3)
    assert row.difference == 5.0
    assert not row.equal


def test_figures_are_per_round() -> None:
    row = Row("a", ours=(1.0, 2.0, 4.0), theirs=(3.0, 2.0, 8.0), difference=0.5, allowed=1)
    assert row.ratios == (3.0, 1.0, 2.0)
    assert row.ratio == 2.0
    report = row.as_json()
    assert (report["ratio_min"], report["ratio_max"], report["ours_median_s"]) == (1.0, 3.0, 2.0)
    assert report["theirs_median_s"] == pytest.approx(3.0)
