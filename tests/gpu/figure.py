"""The figures of the check, their sections, and both as JSON."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from tests.bench.row import Goal

Status = Literal["done", "failed", "out of time", "left out"]


@dataclass(frozen=True)
class Figure:
    """One measured result. value: a number in `unit`, or text. must: missing the goal is an error, not just slow.
    beside: diffusers' value, in the same unit."""

    name: str
    value: float | str
    unit: str = ""
    goal: Goal | None = None
    must: bool = False
    beside: float | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the value reaches the goal; None without a goal."""
        if self.goal is None or isinstance(self.value, str):
            return None
        return self.goal.met(self.value)

    @property
    def wrong(self) -> bool:
        return self.must and self.met is False

    def as_json(self) -> dict[str, Any]:
        """The figure as JSON. Numbers that aren't finite become text, as JSON has no notation for them."""
        value = self.value if isinstance(self.value, str) or math.isfinite(self.value) else str(self.value)
        return asdict(self) | {"value": value, "met": self.met}


@dataclass
class Section:
    """The result of a section. about: one sentence. profile: (kernel, milliseconds, calls) of the GPU's time."""

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
