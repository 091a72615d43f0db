"""Timing sides in alternation."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.bench.alternate import Contest, Side, alternate, duel


def test_sides_take_turns_and_change_who_is_first() -> None:
    calls: list[str] = []

    def side(name: str) -> int:
        calls.append(name)
        return 3

    result = duel(Contest("a", lambda: side("o"), lambda: side("t"), lambda one, other: one - other, 0), 4)
    assert "".join(calls) == "ot" + "ot" + "to" + "ot" + "to"
    assert len(result.ours) == len(result.theirs) == 4


def test_of_three_sides_each_is_first_in_turn() -> None:
    calls: list[str] = []

    def side(name: str) -> Side[None]:
        return Side(lambda number: calls.append(f"{name}{number}"))

    sides = {name: side(name) for name in "abc"}
    judged: list[Mapping[str, None]] = []
    alternate(sides, 3, judged.append, warm_up=[lambda: calls.append("w")])
    assert calls == ["w", "a0", "b0", "c0", "b1", "c1", "a1", "c2", "a2", "b2"]
    assert [set(results) for results in judged] == [set("abc")] * 3


def test_the_largest_difference_of_all_rounds_counts() -> None:
    results = iter([0.0, 0.1, 5.0, 0.2])
    contest: Contest[float] = Contest("a", lambda: next(results), lambda: 0.0, lambda one, other: abs(one - other), 1)
    assert duel(contest, 3).difference == 5.0


def test_a_share_is_told_for_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 13.0, 20.0, 21.5])
    monkeypatch.setattr("tests.bench.alternate.time.perf_counter", lambda: next(clock))
    assert alternate({"a": Side(lambda _: None, share=0.25)}, 2, lambda results: None, warm_up=())["a"] == (12, 6)


def test_each_round_says_its_seconds() -> None:
    lines: list[str] = []
    alternate({"one": Side(lambda number: number)}, 2, lambda results: None, lines.append)
    assert [line.partition(" 0")[0] for line in lines] == ["round 1 of 2: one", "round 2 of 2: one"]
