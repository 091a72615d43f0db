"""Moderation."""

from __future__ import annotations

import pytest
from PIL import Image

from brandpress.pipeline.review.measures.safe import Safe, load_detector
from brandpress.pipeline.review.sample import Sample
from tests.pipeline.review.pictures import REFERENCES


def test_only_explicit_classes_count() -> None:
    detections = [
        {"class": "FACE_FEMALE", "score": 0.9, "box": [0, 0, 10, 10]},
        {"class": "BUTTOCKS_EXPOSED", "score": 0.7, "box": [10, 20, 30, 40]},
        {"class": "ANUS_EXPOSED", "score": 0.2, "box": [0, 0, 5, 5]},
    ]
    (score,) = Safe(lambda picture: detections)(Sample(Image.new("RGB", (100, 100))))
    assert score.value == pytest.approx(0.3)
    assert score.evidence["found"][0] == {"class": "BUTTOCKS_EXPOSED", "confidence": 0.7, "box": [0.1, 0.2, 0.4, 0.6]}


def test_a_picture_without_detections_is_safe() -> None:
    assert Safe(lambda picture: [])(Sample(Image.new("RGB", (100, 100))))[0].value == 1


@pytest.mark.slow
def test_the_demos_references_are_safe() -> None:
    safe = Safe(load_detector())
    for name in ("fox", "mug"):
        assert (safe(Sample(Image.open(REFERENCES / f"{name}.png").convert("RGB")))[0].value or 0) > 0.8
