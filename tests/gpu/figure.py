"""What the check finds out: figures, the sections they belong to, and the whole as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from tests.bench.row import Goal

Status = Literal["done", "failed", "out of time", "left out"]


@dataclass(frozen=True)
class Figure:
    """One thing that was found out. value: a number in `unit`, or words. goal: what it should reach. must: a figure
    that misses its goal is a fault, not a matter of speed. beside: the same of diffusers, in the same unit."""

    name: str
    value: float | str
    unit: str = ""
    goal: Goal | None = None
    must: bool = False
    beside: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        if self.goal is None or isinstance(self.value, str):
            return None
        return self.goal.met(self.value)

    @property
    def wrong(self) -> bool:
        return self.must and self.met is False

    def as_json(self) -> dict[str, Any]:
        """JSON has no word for numbers that aren't finite: they are text there."""
        value = self.value if isinstance(self.value, str) or math.isfinite(self.value) else str(self.value)
        return asdict(self) | {"value": value, "met": self.met}


@dataclass
class Section:
    """A section's outcome. about: one sentence. profile: what a GPU spent its time on (kernel, milliseconds, calls)."""

    key: str
    about: str
    status: Status = "left out"
    seconds: float = 0.0
    figures: list[Figure] = field(default_factory=list)
    profile: list[tuple[str, float, int]] = field(default_factory=list)
    cause: str = ""

    @property
    def wrong(self) -> bool:
        return self.status != "done" or any(figure.wrong for figure in self.figures)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"figures": [figure.as_json() for figure in self.figures]}
