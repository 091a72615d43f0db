"""Whether a picture is noise: what a model returns that didn't denoise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from brandpress.pipeline.review.measures.measure import Scale
from brandpress.pipeline.review.measures.scales import SCALES
from brandpress.pipeline.review.sample import Sample
from brandpress.pipeline.review.score import Score


@dataclass(frozen=True)
class Noise:
    """`noise`: how little neighbouring pixels agree: half the variance of their differences per variance of the pixels.

    1 for white noise, near 0 for pictures: that is one minus the correlation of neighbours.
    """

    @property
    def scales(self) -> Mapping[str, Scale]:
        """One score per picture."""
        return {"noise": SCALES["noise"]}

    @property
    def identity(self) -> str:
        """Version 1."""
        return "noise/1"

    def inputs(self, sample: Sample) -> Any:
        """Nothing but the picture."""
        return None

    def __call__(self, sample: Sample) -> Sequence[Score]:
        """Returns the score."""
        gray = np.asarray(sample.picture.convert("L"), np.float64)
        variance = float(gray.var())
        if variance < 1:
            return [Score("noise", 0.0)]
        differences = [float(np.square(np.diff(gray, axis=axis)).mean()) for axis in (0, 1) if gray.shape[axis] > 1]
        return [Score("noise", sum(differences) / len(differences) / (2 * variance))]
