"""How long each stage of a training goes on: for a number of steps, or for a share of a budget of time."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from brandpress.model.errors import BrandpressError

MOST_MINUTES = 10_000
SHARES = {"autoencoder": 0.22, "transformer": 0.60, "decoder": 0.08, "evaluation": 0.10}
"""What each stage gets of the budget. Drawing the first pictures counts as the autoencoder's, encoding and compilation
as the transformer's, the export as the evaluation's. A stage that begins late is shorter, never later to end."""


def stage_ends(seconds: float) -> dict[str, float]:
    """The second of the budget at which each stage ends."""
    return dict(zip(SHARES, (seconds * share for share in accumulate(SHARES.values())), strict=True))


class BudgetError(BrandpressError):
    """A budget that leaves a stage no time for its first step."""

    @classmethod
    def of(cls, stage: str, used: float, seconds: float) -> BudgetError:
        """used: seconds of the budget, of `seconds` in all."""
        ends = stage_ends(seconds)[stage]
        least = math.floor(used / ends * seconds / 6 + 1) / 10
        return cls(
            f"--minutes {seconds / 60:g}: no time is left for the {stage}'s first step: {used:.1f} s are used, and its "
            f"share ends at {ends:.1f} s; give at least {least:g} minutes, and time to train"
        )


class Clock:
    """The seconds of the budget that are used up: by earlier runs as far as their checkpoints go, and by this one."""

    def __init__(self, used: float = 0.0, started: float | None = None) -> None:
        """started: `time.monotonic()` when this run began; now when None."""
        self._zero = (time.monotonic() if started is None else started) - used

    def used(self) -> float:
        return time.monotonic() - self._zero


class Schedule(Protocol):
    """How far a stage is."""

    def share(self, step: int) -> float:
        """The share of the stage that is over after `step` steps; 1 or more when the stage is over."""

    def label(self, step: int) -> str:
        """How far the stage is, in print."""


@dataclass(frozen=True)
class StepSchedule:
    """A stage of a number of steps."""

    steps: int

    def share(self, step: int) -> float:
        return step / self.steps if self.steps else 1.0

    def label(self, step: int) -> str:
        return f"{step}/{self.steps}"


@dataclass(frozen=True)
class TimeSchedule:
    """A stage from one second of the budget to another. seconds: the whole budget."""

    clock: Clock
    began: float
    ends: float
    seconds: float

    def share(self, step: int) -> float:
        length = self.ends - self.began
        return (self.clock.used() - self.began) / length if length > 0 else 1.0

    def label(self, step: int) -> str:
        return f"{step} steps, {min(1.0, self.share(step)):.0%}"


def rate(step: int, share: float, warm_up: int, falls_from: float) -> float:
    """The learning rate's factor after `step` steps and a share of the stage: warm-up, flat, linear to a twentieth."""
    if step < warm_up:
        return (step + 1) / warm_up
    return max(0.05, min(1.0, (1 - share) / (1 - falls_from)))
