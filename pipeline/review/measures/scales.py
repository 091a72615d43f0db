"""The scales of all measures, which readers of stored scores need without loading what the measures run with."""

from __future__ import annotations

from collections.abc import Mapping

from brandpress.pipeline.review.measures.measure import Scale

SCALES: Mapping[str, Scale] = {
    "noise": Scale("lower", 0, 2, "one minus the correlation of neighbouring pixels; 1 is white noise", poor=0.3),
    "palette": Scale("lower", 0, 100, "mean CIEDE2000 difference to the palette's nearest colour, by area"),
    "ground": Scale("higher", 0, 1, "share of the ground that is pure white"),
    "fill": Scale("higher", 0, 1, "share of the frame, along one side, that the subject fills"),
    "text": Scale("lower", 0, 1, "character error rate of the quoted copy", poor=0.2),
    "duplicate": Scale("higher", 0, 64, "bits of the perceptual hash that differ from the nearest other's"),
    "subject": Scale("higher", -1, 1, "similarity of the best crop's features to the nearest reference's"),
    "colour": Scale("lower", 0, 100, "CIEDE2000 difference of the best crop's colours to the reference's, by area"),
    "spread": Scale("lower", -10, 100, "deviations that it's further from the subject's others than usual"),
    "safe": Scale("higher", 0, 1, "one minus the confidence that the picture shows nudity", poor=0.5),
}
"""Name of a score -> its scale, in the order of output."""
