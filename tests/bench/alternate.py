"""Ways to one result, timed in one process in alternation: what slows the machine down hits all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Result = TypeVar("Result")
Say = Callable[[str], None]


def silent(line: str) -> None:
    """For who wants no progress."""


@dataclass(frozen=True)
class Side(Generic[Result]):
    """One way. run: given the round's number, from 0. share: the part of the work that it does in a round; its seconds
    are told for the whole."""

    run: Callable[[int], Result]
    share: float = 1.0


@dataclass(frozen=True)
class Contest(Generic[Result]):
    """`ours` and `theirs` make the same result; `difference` says how far two are apart, at most `allowed`."""

    name: str
    ours: Callable[[], Result]
    theirs: Callable[[], Result]
    difference: Callable[[Result, Result], float]
    allowed: float


@dataclass(frozen=True)
class Duel:
    """What a contest gave. ours, theirs: seconds of each round. difference: the largest of all rounds."""

    name: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    difference: float
    allowed: float


def alternate(
    sides: Mapping[str, Side[Result]],
    rounds: int,
    judge: Callable[[Mapping[str, Result]], None],
    say: Say = silent,
    warm_up: Iterable[Callable[[], object]] | None = None,
) -> dict[str, tuple[float, ...]]:
    """Seconds of each side's rounds; who goes first changes with each round. judge: sees each round's results.

    warm_up: what is done before anything counts; a whole round when None.
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
        say(f"round {number + 1} of {rounds}: " + ", ".join(f"{name} {seconds[name][-1]:.2f} s" for name in names))
    return {name: tuple(told) for name, told in seconds.items()}


def duel(contest: Contest[Result], rounds: int, say: Say = silent) -> Duel:
    """Time a contest, after one round that isn't counted."""
    differences: list[float] = []

    def judge(results: Mapping[str, Result]) -> None:
        differences.append(contest.difference(results["ours"], results["theirs"]))

    sides = {"ours": Side(lambda _: contest.ours()), "theirs": Side(lambda _: contest.theirs())}
    seconds = alternate(sides, rounds, judge, say)
    return Duel(contest.name, seconds["ours"], seconds["theirs"], max(differences), contest.allowed)
