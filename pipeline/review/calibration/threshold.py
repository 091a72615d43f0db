"""A threshold between a subject's scores in pictures of itself and its scores in pictures of other subjects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brandpress.pipeline.review.score import Better

TAIL = 0.05
"""The share of each distribution that the threshold may cut off."""
LEAN = 0.25
"""How far the threshold is from the subject's own scores, as a share of the gap to the others'. A faulty picture of the
subject is nearer to it than a picture of another subject."""
DEVIATIONS = 3.0
"""How far from the median the threshold is if the distributions overlap, in deviations of the subject's own scores: a
dozen scores don't show how far the tail reaches."""
LEAST_SCORES = 4
_NORMAL = 1.4826
"""Median absolute deviation -> standard deviation, for normally distributed values."""


@dataclass(frozen=True)
class Calibrated:
    """A threshold, and the scores that it was derived from, sorted. separated: the distributions' bodies don't overlap.

    If they do, the threshold is what the subject's own scores rarely miss, and other subjects may pass.
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
    signed = sign * np.array(own, np.float64)
    low = float(np.quantile(signed, TAIL))
    high = float(np.quantile(sign * np.array(others), 1 - TAIL)) if len(others) else -np.inf
    separated = bool(len(others)) and low > high
    limit = low - LEAN * (low - high) if separated else min(low, _usual_limit(signed))
    return Calibrated(sign * limit, separated, tuple(sorted(own)), tuple(sorted(others)))


def _usual_limit(scores: NDArray[np.float64]) -> float:
    """Returns the value that few further scores will fall below."""
    median = float(np.median(scores))
    return median - DEVIATIONS * _NORMAL * float(np.median(np.abs(scores - median)))
