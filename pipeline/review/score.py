"""A score: what one measure says about one picture, or about one subject in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Score:
    """The value of a measure, and what it was computed from.

    subject: `product:mug`; None if the score is of the whole picture. value: None if the measure doesn't apply;
    `reason` then says why. evidence: plain JSON values, such as a box (x0, y0, x1, y1 as shares of the picture) or the
    text read.
    """

    measure: str
    value: float | None
    subject: str | None = None
    reason: str = ""
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Returns the score as plain JSON values."""
        return {
            "measure": self.measure,
            "subject": self.subject,
            "value": None if self.value is None else round(self.value, 4),
            "reason": self.reason,
            "evidence": dict(self.evidence),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Score:
        """Returns the score that `to_json` wrote. Raises KeyError and TypeError for other values."""
        value = values["value"]
        return cls(
            str(values["measure"]),
            None if value is None else float(value),
            values["subject"],
            str(values["reason"]),
            dict(values["evidence"]),
        )


def worse(value: float, threshold: float, better: Better) -> bool:
    """Returns whether a value misses a threshold. One that equals it passes."""
    return value < threshold if better == "higher" else value > threshold
