"""Times several implementations in one process, alternating, so that a slow machine affects all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Result = TypeVar("Result")
Log = Callable[[str], None]


def silent(line: str) -> None:
    """Ignores progress."""


@dataclass(frozen=True)
class Side(Generic[Result]):
    """One implementation. run: called with the round's number, from 0. share: the part of the work done per round;
    its seconds are scaled to the whole."""

    run: Callable[[int], Result]
    share: float = 1.0


@dataclass(frozen=True)
class Contest(Generic[Result]):
    """`ours` and `theirs` compute the same result; `difference` compares two, and may be at most `allowed`."""

    name: str
    ours: Callable[[], Result]
    theirs: Callable[[], Result]
    difference: Callable[[Result, Result], float]
    allowed: float


@dataclass(frozen=True)
class Duel:
    """The result of a contest. ours, theirs: seconds of each round. difference: the largest over all rounds."""

    name: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    difference: float
    allowed: float


def alternate(
    sides: Mapping[str, Side[Result]],
    rounds: int,
    judge: Callable[[Mapping[str, Result]], None],
    log: Log = silent,
    warm_up: Iterable[Callable[[], object]] | None = None,
) -> dict[str, tuple[float, ...]]:
    """Returns the seconds of each side's rounds; the order rotates. judge: called with each round's results.

    warm_up: runs before the timed rounds; a full round if None.
    """
    names = list(sides)
    if warm_up is None:
        judge({name: sides[name].run(0) for name in names})
    for warm in warm_up or ():
        warm()
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        turn = number % len(names)
        results: dict[str, Result] = {}
        for name in names[turn:] + names[:turn]:
            start = time.perf_counter()
            results[name] = sides[name].run(number)
            seconds[name].append((time.perf_counter() - start) / sides[name].share)
        judge(results)
        log(f"round {number + 1} of {rounds}: " + ", ".join(f"{name} {seconds[name][-1]:.2f} s" for name in names))
    return {name: tuple(times) for name, times in seconds.items()}


def duel(contest: Contest[Result], rounds: int, log: Log = silent) -> Duel:
    """Times a contest after one untimed round."""
    differences: list[float] = []

    def judge(results: Mapping[str, Result]) -> None:
        differences.append(contest.difference(results["ours"], results["theirs"]))

    sides = {"ours": Side(lambda _: contest.ours()), "theirs": Side(lambda _: contest.theirs())}
    seconds = alternate(sides, rounds, judge, log)
    return Duel(contest.name, seconds["ours"], seconds["theirs"], max(differences), contest.allowed)
