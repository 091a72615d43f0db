"""How far a picture of a subject is from the campaign's other pictures of it: consistency, not likeness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brandpress.pipeline.review.measures.measure import Scale
from brandpress.pipeline.review.measures.scales import SCALES
from brandpress.pipeline.review.score import Score
from brandpress.pipeline.review.vector import unpacked

LEAST_PICTURES = 8
"""Fewer pictures of a subject say nothing about what is usual."""
_NORMAL = 1.4826
"""Median absolute deviation -> standard deviation, for normally distributed values."""
_FLOOR = 0.01
"""Least deviation that counts: without it, equal pictures would make any other one an outlier."""


@dataclass(frozen=True)
class Spread:
    """`spread`: how many median absolute deviations (scaled to standard deviations) a picture of a subject is further
    from the others than usual.

    The distance of a picture is one minus the cosine similarity of its best crop's features and the mean of the others.
    """

    @property
    def scales(self) -> Mapping[str, Scale]:
        """One score per picture and subject."""
        return {"spread": SCALES["spread"]}

    @property
    def needs(self) -> str:
        """The features of the best crops."""
        return "subject"

    def __call__(self, scores: Mapping[str, Sequence[Score]]) -> Mapping[str, Sequence[Score]]:
        """Returns picture -> one score per subject in it."""
        by_subject: dict[str, dict[str, NDArray[np.float32]]] = {}
        for name, own in scores.items():
            for score in own:
                if score.subject is not None and "vector" in score.evidence:
                    by_subject.setdefault(score.subject, {})[name] = unpacked(score.evidence["vector"])
        result: dict[str, list[Score]] = {}
        for subject, vectors in by_subject.items():
            for name, score in zip(vectors, self._of_subject(subject, np.stack([*vectors.values()])), strict=True):
                result.setdefault(name, []).append(score)
        return result

    def _of_subject(self, subject: str, vectors_ND: NDArray[np.float32]) -> list[Score]:  # noqa: N803
        """Returns a score for each of N vectors of D features."""
        count = len(vectors_ND)
        if count < LEAST_PICTURES:
            reason = f"{count} pictures of the subject; {LEAST_PICTURES} are needed"
            return [Score("spread", None, subject, reason)] * count
        unit = vectors_ND / np.linalg.norm(vectors_ND, axis=1, keepdims=True)
        others = unit.sum(0) - unit
        distances = 1 - (unit * others).sum(1) / np.linalg.norm(others, axis=1)
        median = float(np.median(distances))
        deviation = max(_FLOOR, _NORMAL * float(np.median(np.abs(distances - median))))
        return [
            Score(
                "spread",
                float(distance - median) / deviation,
                subject,
                evidence={"distance": round(float(distance), 4)},
            )
            for distance in distances
        ]
