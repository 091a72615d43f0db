"""Moderation: whether a picture shows nudity."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from brandpress.pipeline.review.extras import require
from brandpress.pipeline.review.measures.measure import Scale
from brandpress.pipeline.review.measures.scales import SCALES
from brandpress.pipeline.review.sample import Sample
from brandpress.pipeline.review.score import Score

EXPLICIT = frozenset(
    {
        "ANUS_EXPOSED",
        "BUTTOCKS_EXPOSED",
        "FEMALE_BREAST_EXPOSED",
        "FEMALE_GENITALIA_EXPOSED",
        "MALE_GENITALIA_EXPOSED",
    }
)
"""nudenet's classes that count."""

Detector = Callable[[Image.Image], Sequence[Mapping[str, Any]]]
"""Returns detections: `class`, `score` from 0 to 1, `box` as x, y, width and height in pixels."""


def load_detector() -> Detector:
    """Returns nudenet's detector; its model is in the package. Raises MissingPackageError."""
    detector = require("nudenet", "safe", "review-safe").NudeDetector()

    def detect(picture: Image.Image) -> Sequence[Mapping[str, Any]]:
        detections: Sequence[Mapping[str, Any]] = detector.detect(
            np.asarray(picture.convert("RGB"))[..., ::-1].copy()
        )  # BGR
        return detections

    return detect


@dataclass(frozen=True)
class Safe:
    """`safe`: one minus the highest confidence that the picture shows nudity."""

    detect: Detector

    @property
    def scales(self) -> Mapping[str, Scale]:
        """One score per picture."""
        return {"safe": SCALES["safe"]}

    @property
    def identity(self) -> str:
        """Version 1."""
        return "safe/1 nudenet"

    def inputs(self, sample: Sample) -> Any:
        """Nothing but the picture."""
        return None

    def __call__(self, sample: Sample) -> Sequence[Score]:
        """Returns the score, with what was detected."""
        width, height = sample.picture.size
        detections = []
        for one in self.detect(sample.picture):
            if one["class"] in EXPLICIT:
                x, y, across, down = one["box"]
                box = [x / width, y / height, (x + across) / width, (y + down) / height]
                detections.append((float(one["score"]), str(one["class"]), [round(float(edge), 4) for edge in box]))
        detections.sort(reverse=True)
        evidence = {
            "found": [{"class": kind, "confidence": round(score, 3), "box": box} for score, kind, box in detections]
        }
        return [Score("safe", 1 - max((score for score, _, _ in detections), default=0.0), evidence=evidence)]
