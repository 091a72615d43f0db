"""Figures per measure and subject, and the worst pictures."""

from __future__ import annotations

import pytest

from brandpress.pipeline.review.figures import figures, worst
from brandpress.pipeline.review.measure_campaign import MeasuredPicture
from brandpress.pipeline.review.measures.measure import Scale
from brandpress.pipeline.review.score import Score

SCALES = {"subject": Scale("higher", 0, 1, "likeness"), "text": Scale("lower", 0, 1, "errors")}
VALUES = {"a": (0.8, 0.0), "b": (0.82, 0.1), "c": (0.4, 0.0), "d": (0.79, 1.0), "e": (0.81, None)}
PICTURES = [
    MeasuredPicture(name, f"assets/{name}.png", "0" * 64, (Score("subject", one, "product:mug"), Score("text", other)))
    for name, (one, other) in VALUES.items()
]


def test_figures() -> None:
    subject, text = figures(PICTURES, SCALES, {("subject", "product:mug"): 0.6})
    assert (subject.measure, subject.subject, subject.count) == ("subject", "product:mug", 5)
    assert (subject.median, subject.worst, subject.threshold, subject.missed) == (0.8, 0.4, 0.6, 1)
    assert (text.count, text.worst, text.threshold, text.missed) == (4, 1.0, None, 0)
    assert text.mean == pytest.approx(0.275)


def test_the_worst_pictures_come_first() -> None:
    outliers = worst(PICTURES, SCALES, {})
    assert [(one.name, one.score.measure) for one in outliers][:2] == [("c", "subject"), ("d", "text")]
    assert len(worst(PICTURES, SCALES, {}, 1)) == 1
    assert worst(PICTURES, SCALES, {}, 0) == ()


def test_with_a_threshold_only_pictures_that_miss_it_are_listed() -> None:
    scales = {"subject": SCALES["subject"]}
    (one,) = worst(PICTURES, scales, {("subject", "product:mug"): 0.6})
    assert (one.name, one.threshold) == ("c", 0.6)


def test_pictures_that_are_all_poor_are_all_listed() -> None:
    """Their median says nothing."""
    scales = {"text": Scale("lower", 0, 1, "errors", poor=0.2)}
    pictures = [
        MeasuredPicture(name, f"assets/{name}.png", "0" * 64, (Score("text", value),))
        for name, value in {"a": 0.6, "b": 0.6, "c": 0.7, "d": 0.6, "e": 0.1}.items()
    ]
    assert [one.name for one in worst(pictures, scales, {})] == ["c", "a", "b", "d"]
    assert [one.name for one in worst(pictures, scales, {("text", None): 0.65})] == ["c"]


def test_measures_that_arent_wanted_are_left_out() -> None:
    assert [row.measure for row in figures(PICTURES, {"text": SCALES["text"]}, {})] == ["text"]
