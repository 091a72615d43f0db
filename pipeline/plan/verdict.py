"""What a job's quality gate says about a picture."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from brandpress.pipeline.spec.quality_gate import MEASURES, Severity

Outcome = Literal["pass", "warn", "block"]
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Reason:
    """Why a picture isn't passed. value: None if the measure has no value."""

    measure: str
    subject: str | None
    severity: Severity
    value: float | None
    threshold: float | None
    text: str

    def __str__(self) -> str:
        where = f" of {self.subject}" if self.subject else ""
        return f"{self.measure}{where}: {self.text}"

    @property
    def miss(self) -> float:
        """By how much the threshold is missed, as a share of the measure's range; 1 if there is nothing to compare."""
        if self.value is None or self.threshold is None:
            return 1.0
        measure = MEASURES.get(self.measure)
        return abs(self.value - self.threshold) / (measure.most - measure.least if measure else 1.0)


@dataclass(frozen=True)
class Verdict:
    """What the gate says about a picture. review: the measures for which people should look at it."""

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    review: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The reasons in one line."""
        return "; ".join(map(str, self.reasons))

    @property
    def badness(self) -> tuple[int, float]:
        """How bad a blocked picture is: the number of blocking reasons, then by how much these are missed."""
        blocking = [reason for reason in self.reasons if reason.severity == "block"]
        return len(blocking), sum(reason.miss for reason in blocking)

    def to_json(self) -> dict[str, Any]:
        """Returns the verdict as plain JSON values."""
        reasons = [
            {
                "measure": one.measure,
                "subject": one.subject,
                "severity": one.severity,
                "value": one.value,
                "threshold": one.threshold,
                "text": one.text,
            }
            for one in self.reasons
        ]
        return {"outcome": self.outcome, "reasons": reasons, "review": list(self.review)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Verdict:
        """Returns the verdict that `to_json` wrote. Raises KeyError, TypeError and ValueError for other values."""
        outcome = values["outcome"]
        if outcome not in ("pass", "warn", "block"):
            raise ValueError(f"{outcome!r} isn't an outcome")
        review = _checked(values["review"], list)
        return cls(
            outcome,
            tuple(_reason(one) for one in _checked(values["reasons"], list)),
            tuple(_checked(measure, str) for measure in review),
        )


def _reason(values: Mapping[str, Any]) -> Reason:
    """Returns a reason. Raises as `Verdict.from_json`: these values may have been written by anybody."""
    severity = values["severity"]
    if severity not in ("block", "warn"):
        raise ValueError(f"{severity!r} isn't a severity")
    subject = values["subject"]
    return Reason(
        measure=_checked(values["measure"], str),
        subject=None if subject is None else _checked(subject, str),
        severity=severity,
        value=_number(values["value"]),
        threshold=_number(values["threshold"]),
        text=_checked(values["text"], str),
    )


def _checked(value: object, expected: type[_Value]) -> _Value:
    if not isinstance(value, expected):
        raise ValueError(f"{value!r} isn't of the type {expected.__name__}")
    return value


def _number(value: object) -> float | None:
    """Returns a number that can be compared, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise ValueError(f"{value!r} isn't a finite number")
    return float(value)
