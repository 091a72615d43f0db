"""A threshold between a subject's scores in pictures of itself and its scores in pictures of other subjects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from brandpress.pipeline.review.score import Better

TAIL = 0.05
"""The share of each distribution that the threshold may cut off."""
LEAN = 0.25
"""How far the threshold is from the subject's own scores, as a share of the gap to the others'. A faulty picture of the
subject is nearer to it than a picture of another subject."""
LEAST_SCORES = 4


@dataclass(frozen=True)
class Calibrated:
    """A threshold, and the scores that it was derived from, sorted. separated: the distributions' bodies don't overlap.

    If they do, the threshold is the limit of the subject's own scores, and other subjects may pass.
    """

    threshold: float
    separated: bool
    own: tuple[float, ...]
    others: tuple[float, ...]


def threshold_between(own: Sequence[float], others: Sequence[float], better: Better) -> Calibrated:
    """Returns the threshold. own, others: scores in pictures of the subject and of other subjects, at least four of its
    own. Raises ValueError for fewer."""
    if len(own) < LEAST_SCORES:
        raise ValueError(f"{len(own)} scores; at least {LEAST_SCORES} are needed")
    sign = 1.0 if better == "higher" else -1.0
    low = float(np.quantile(sign * np.array(own), TAIL))
    high = float(np.quantile(sign * np.array(others), 1 - TAIL)) if len(others) else -np.inf
    separated = bool(len(others)) and low > high
    limit = low - LEAN * (low - high) if separated else low
    return Calibrated(sign * limit, separated, tuple(sorted(own)), tuple(sorted(others)))
