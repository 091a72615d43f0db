"""Two ways to one result, timed in one process in alternation: what slows the machine down hits both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Generic, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Contest(Generic[Result]):
    """`ours` and `theirs` make the same result; `difference` says how far two are apart, at most `allowed`."""

    name: str
    ours: Callable[[], Result]
    theirs: Callable[[], Result]
    difference: Callable[[Result, Result], float]
    allowed: float


@dataclass(frozen=True)
class Row:
    """What a contest gave. ours, theirs: seconds of each round. difference: the largest of all rounds."""

    name: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    difference: float
    allowed: float

    @property
    def equal(self) -> bool:
        return self.difference <= self.allowed

    @property
    def ratios(self) -> tuple[float, ...]:
        """How many times faster ours was, round by round."""
        return tuple(their / our for our, their in zip(self.ours, self.theirs, strict=True))

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    def as_json(self) -> dict[str, Any]:
        figures = {
            "ours_median_s": statistics.median(self.ours),
            "theirs_median_s": statistics.median(self.theirs),
            "ratio_median": self.ratio,
            "ratio_min": min(self.ratios),
            "ratio_max": max(self.ratios),
            "equal": self.equal,
        }
        return asdict(self) | figures


def alternate(contest: Contest[Result], rounds: int) -> Row:
    """Time both sides `rounds` times, after one round that isn't counted; who goes first changes with each round."""
    difference = contest.difference(contest.ours(), contest.theirs())
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    for number in range(rounds):
        results: dict[str, Result] = {}
        sides = {"ours": contest.ours, "theirs": contest.theirs}
        for side in sorted(sides, reverse=bool(number % 2)):
            start = time.perf_counter()
            results[side] = sides[side]()
            seconds[side].append(time.perf_counter() - start)
        difference = max(difference, contest.difference(results["ours"], results["theirs"]))
    return Row(contest.name, tuple(seconds["ours"]), tuple(seconds["theirs"]), difference, contest.allowed)
