"""The length of each training stage: a number of steps, or a share of a wall-clock budget."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from brandpress.model.errors import BrandpressError

MAX_MINUTES = 10_000
SHARES = {"autoencoder": 0.24, "transformer": 0.63, "decoder": 0.08, "evaluation": 0.05}
"""Each stage's share of the budget. The autoencoder's share includes rendering the first pictures, the transformer's
encoding and compilation, the evaluation's the export. A stage that begins late still ends on time."""


def stage_ends(seconds: float) -> dict[str, float]:
    """Returns the second of the budget at which each stage ends, keyed by stage."""
    return dict(zip(SHARES, (seconds * share for share in accumulate(SHARES.values())), strict=True))


class BudgetError(BrandpressError):
    """The budget leaves a stage no time for its first step."""

    @classmethod
    def of(cls, stage: str, used: float, seconds: float) -> BudgetError:
        """Returns the error for a stage when `used` of the budget's `seconds` are used."""
        end = stage_ends(seconds)[stage]
        minimum = math.floor(used / end * seconds / 6 + 1) / 10
        return cls(
            f"--minutes {seconds / 60:g}: no time is left for the {stage}'s first step: {used:.1f} s are used and "
            f"its share ends at {end:.1f} s; set --minutes to at least {minimum:g}, plus time to train"
        )


class Clock:
    """Counts the used seconds of the budget: by earlier runs up to their last checkpoints, and by this run."""

    def __init__(
        self, used: float = 0.0, started: float | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        """started: what `now()` returned at the beginning of this run; by default, what it returns here."""
        self._now = now
        self._zero = (now() if started is None else started) - used

    def used(self) -> float:
        """Returns the used seconds."""
        return self._now() - self._zero


class Schedule(Protocol):
    """The progress of a stage."""

    def share(self, step: int) -> float:
        """Returns the completed share of the stage after `step` steps; 1 or more if it is over."""

    def label(self, step: int) -> str:
        """Returns the progress as text."""


@dataclass(frozen=True)
class StepSchedule:
    """A stage with a fixed number of steps."""

    steps: int

    def share(self, step: int) -> float:
        """Returns the completed share of the stage."""
        return step / self.steps if self.steps else 1.0

    def label(self, step: int) -> str:
        """Returns the progress as text."""
        return f"{step}/{self.steps}"


@dataclass(frozen=True)
class TimeSchedule:
    """A stage between two seconds of the budget, which has `seconds` in total."""

    clock: Clock
    began: float
    ends: float
    seconds: float

    def share(self, step: int) -> float:
        """Returns the completed share of the stage."""
        length = self.ends - self.began
        return (self.clock.used() - self.began) / length if length > 0 else 1.0

    def label(self, step: int) -> str:
        """Returns the progress as text."""
        return f"{step} steps, {min(1.0, self.share(step)):.0%}"


def learning_rate_factor(step: int, share: float, warm_up: int, decay_from: float) -> float:
    """Returns the learning rate relative to its peak: linear warm-up, constant, then linear decay to 0.05.

    warm_up: steps. share: the completed share of the stage. decay_from: the share at which the decay begins.
    """
    if step < warm_up:
        return (step + 1) / warm_up
    return max(0.05, min(1.0, (1 - share) / (1 - decay_from)))
