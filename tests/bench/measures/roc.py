"""ROC areas, and a gate's precision and recall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


def auc(right: Sequence[float], wrong: Sequence[float]) -> float:
    """Returns the probability that a right picture's value is larger than a wrong one's; equal values count half."""
    a, b = np.array(right)[:, None], np.array(wrong)[None]
    return float((a > b).mean() + (a == b).mean() / 2)


@dataclass(frozen=True)
class GateFigures:
    """Numbers of pictures that the gate blocked and passed, faulty and right ones."""

    blocked_faulty: int
    blocked_right: int
    passed_faulty: int
    passed_right: int

    @property
    def precision(self) -> float:
        """The share of the blocked pictures that are faulty."""
        return self.blocked_faulty / max(1, self.blocked_faulty + self.blocked_right)

    @property
    def recall(self) -> float:
        """The share of the faulty pictures that are blocked."""
        return self.blocked_faulty / max(1, self.blocked_faulty + self.passed_faulty)


def gate_figures(verdicts: Sequence[tuple[bool, bool]]) -> GateFigures:
    """Returns the figures of pictures as (is faulty, was blocked)."""
    count = [verdicts.count(pair) for pair in ((True, True), (False, True), (True, False), (False, False))]
    return GateFigures(*count)
