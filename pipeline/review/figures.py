"""Figures of a measured campaign: per measure and subject, and the worst pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from brandpress.pipeline.review.gate import Thresholds, limit_of
from brandpress.pipeline.review.measure_campaign import MeasuredPicture, by_measure
from brandpress.pipeline.review.measures.measure import Scale
from brandpress.pipeline.review.score import Score, worse

_NORMAL = 1.4826
_FLOOR = 0.01
"""Least deviation, as a share of a measure's range: equal scores would make any other one an outlier."""


@dataclass(frozen=True)
class Figure:
    """One measure of one subject, or of pictures if subject is None.

    worst: the worst value. threshold: the calibrated one; None if there is none. missed: how many scores miss it.
    """

    measure: str
    subject: str | None
    count: int
    mean: float
    median: float
    worst: float
    threshold: float | None
    missed: int


@dataclass(frozen=True)
class Outlier:
    """A picture's worst score. badness: how many deviations it's worse than its threshold; without one, than the median
    or than the scale's poor score, whichever is better."""

    name: str
    score: Score
    threshold: float | None
    badness: float


def figures(
    pictures: Sequence[MeasuredPicture], scales: Mapping[str, Scale], thresholds: Thresholds
) -> tuple[Figure, ...]:
    """Returns the figures in the order of `scales`, then by subject."""
    order = list(scales)
    rows = []
    for (measure, subject), scored in by_measure(pictures).items():
        if measure not in scales:
            continue
        better, limit = scales[measure].better, limit_of(thresholds, measure, subject)
        values = np.array([score.value for _, score in scored], np.float64)
        rows.append(
            Figure(
                measure=measure,
                subject=subject,
                count=len(values),
                mean=float(values.mean()),
                median=float(np.median(values)),
                worst=float(values.min() if better == "higher" else values.max()),
                threshold=limit,
                missed=0 if limit is None else sum(worse(float(value), limit, better) for value in values),
            )
        )
    return tuple(sorted(rows, key=lambda row: (order.index(row.measure), row.subject or "")))


def worst(
    pictures: Sequence[MeasuredPicture], scales: Mapping[str, Scale], thresholds: Thresholds, count: int = 20
) -> tuple[Outlier, ...]:
    """Returns at most `count` pictures that are worse than their threshold, the worst first, each with its worst score.

    Where there is no threshold, they are worse than the median of their measure and subject, or than a poor score:
    where all copy is illegible, all pictures are bad.
    """
    outliers: dict[str, Outlier] = {}
    for (measure, subject), scored in by_measure(pictures).items():
        if measure not in scales:
            continue
        scale, limit = scales[measure], limit_of(thresholds, measure, subject)
        sign = 1.0 if scale.better == "higher" else -1.0
        values = np.array([score.value for _, score in scored], np.float64)
        median = float(np.median(values))
        floor = _FLOOR * (scale.most - scale.least)
        deviation = max(floor, _NORMAL * float(np.median(np.abs(values - median))))
        bound = limit if limit is not None else median
        if limit is None and scale.poor is not None and worse(median, scale.poor, scale.better):
            bound = scale.poor
        for (name, score), value in zip(scored, values, strict=True):
            badness = sign * (bound - float(value)) / deviation
            if badness > 0 and (name not in outliers or badness > outliers[name].badness):
                outliers[name] = Outlier(name, score, limit, badness)
    return tuple(sorted(outliers.values(), key=lambda one: (-one.badness, one.name))[:count])
