"""A row of the benchmark: figures of all rounds, their median, the goal, and whether the results agree."""

from __future__ import annotations

import math
import statistics
from dataclasses import asdict, dataclass
from typing import Any, Literal

Figure = Literal["theirs/ours", "ours/theirs", "ours"]
"""The figure of a row: the speed-up over theirs, our share of theirs, or ours alone."""

AGAINST_DIFFUSERS = "ours against diffusers"
PIPELINE = "the pipeline"


@dataclass(frozen=True)
class Goal:
    """A lower bound, or an upper one."""

    bound: float
    at_least: bool = True

    def met(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"


@dataclass(frozen=True)
class Difference:
    """The difference between two results, in `unit`. allowed: the maximum; None if they needn't be equal."""

    value: float
    unit: str
    allowed: float | None = None

    @property
    def equal(self) -> bool | None:
        """Whether the results are equal; None if they needn't be."""
        return None if self.allowed is None else self.value <= self.allowed

    def __str__(self) -> str:
        text = f"{self.value:.3g} {self.unit}"
        return text if self.equal is None else f"{'equal' if self.equal else 'DIFFERS'} ({text})"


@dataclass(frozen=True)
class Row:
    """A measurement.

    key: what `--only` calls it; several rows may share one. about: one sentence with the sizes and what is and isn't in
    the figures. ours, theirs: round by round, in `unit`; theirs is empty without a comparison. beside: the
    name of theirs. difference: None where the results can't be compared. table: the title of its table. date: the day
    of the measurement.
    """

    key: str
    name: str
    about: str
    ours: tuple[float, ...]
    theirs: tuple[float, ...] = ()
    beside: str = "diffusers"
    unit: str = "s"
    figure: Figure = "theirs/ours"
    goal: Goal | None = None
    difference: Difference | None = None
    table: str = AGAINST_DIFFUSERS
    date: str = ""

    @property
    def figures(self) -> tuple[float, ...]:
        """The row's figure for each round."""
        if self.figure == "ours":
            return self.ours
        pairs = zip(self.ours, self.theirs, strict=True)
        return tuple(their / our if self.figure == "theirs/ours" else our / their for our, their in pairs)

    @property
    def value(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.figures)

    @property
    def met(self) -> bool | None:
        """Whether the median reaches the goal; None without one."""
        return None if self.goal is None else self.goal.met(self.value)

    @property
    def differs(self) -> bool:
        return self.difference is not None and self.difference.equal is False

    def as_json(self) -> dict[str, Any]:
        """The fields and derived values. An infinite PSNR is null, because JSON has no infinity."""
        values = asdict(self)
        if self.difference is not None:
            value = self.difference.value
            values["difference"] |= {"value": value if math.isfinite(value) else None, "equal": self.difference.equal}
        return values | {
            "median": self.value,
            "min": min(self.figures),
            "max": max(self.figures),
            "met": self.met,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Row:
        """The row that `as_json` returned."""
        fields = {name: values[name] for name in cls.__dataclass_fields__}
        goal, difference = fields.pop("goal"), fields.pop("difference")
        if difference is not None:
            value = math.inf if difference["value"] is None else difference["value"]
            difference = Difference(value, difference["unit"], difference["allowed"])
        ours, theirs = tuple(fields.pop("ours")), tuple(fields.pop("theirs"))
        goal = None if goal is None else Goal(**goal)
        return cls(**fields, ours=ours, theirs=theirs, goal=goal, difference=difference)
