from __future__ import annotations

from brandpress.pipeline.plan.cost.spread import NONE, Spread, total


def test_many_measurements_have_their_quartiles_as_range() -> None:
    assert Spread.of([1.0, 2.0, 3.0, 4.0, 100.0]) == Spread(2.0, 3.0, 4.0)


def test_few_measurements_have_a_wider_range_than_they_show() -> None:
    assert Spread.of([2.0]) == Spread(1.5, 2.0, 2.5)
    assert Spread.of([2.0, 2.0, 2.0]) == Spread(1.5, 2.0, 2.5)


def test_spreads_are_added_and_multiplied() -> None:
    assert total([Spread(1, 2, 3), Spread(10, 20, 30)]) == Spread(11, 22, 33)
    assert total([]) == NONE
    assert Spread(1, 2, 3) * 2 == Spread(2, 4, 6)
    assert Spread(1, 2, 3).times(Spread(2, 3, 4)) == Spread(2, 6, 12)
    assert Spread.around(10, 0.5, 2) == Spread(5, 10, 20)
