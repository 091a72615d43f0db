"""The table of `measure`."""

from __future__ import annotations

from brandpress.pipeline.cli.measures_text import measures_lines
from brandpress.pipeline.review.figures import Figure
from brandpress.pipeline.review.measure_campaign import MeasuredCampaign


def lines_of(*rows: Figure) -> list[str]:
    return list(measures_lines(MeasuredCampaign("manifest.json", ()), {}, rows, ()))


def figure(measure: str, subject: str | None, threshold: float | None) -> Figure:
    return Figure(measure, subject, 8, 0.8, 0.8, 0.6, threshold, missed=2)


def test_missing_thresholds_are_computed_by_calibrate() -> None:
    calibrated, noise = figure("subject", "mug", 0.7), figure("noise", None, None)
    assert not any("calibrate" in line for line in lines_of(calibrated, noise))
    *_, last = lines_of(calibrated, figure("subject", "fox", None), figure("colour", "fox", None), noise)
    assert last == "no thresholds for subject and colour of some subjects; `brandpress calibrate` computes them"


def test_a_row_has_the_threshold_and_how_many_miss_it() -> None:
    _, header, row = lines_of(figure("subject", "mug", 0.7))
    assert header.split()[-2:] == ["threshold", "missed"]
    assert row.split() == ["subject", "mug", "8", "0.8", "0.8", "0.6", "0.7", "2"]
