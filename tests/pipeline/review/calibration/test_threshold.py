"""Thresholds between two distributions."""

from __future__ import annotations

import pytest

from brandpress.pipeline.review.calibration.threshold import threshold_between


def test_the_threshold_lies_in_the_gap_near_the_own_scores() -> None:
    result = threshold_between([0.8] * 10, [0.4] * 10, "higher")
    assert result.separated
    assert result.threshold == pytest.approx(0.7)


def test_lower_can_be_better() -> None:
    result = threshold_between([4.0] * 10, [20.0] * 10, "lower")
    assert result.separated
    assert result.threshold == pytest.approx(8.0)
    assert result.own == (4.0,) * 10


def test_overlapping_scores_arent_separated() -> None:
    own = [0.5 + 0.01 * number for number in range(20)]
    result = threshold_between(own, own, "higher")
    assert not result.separated
    assert result.threshold == pytest.approx(0.595 - 3 * 1.4826 * 0.05)


def test_without_others_the_limit_is_the_own_scores() -> None:
    result = threshold_between([0.8] * 5, [], "higher")
    assert not result.separated
    assert result.threshold == pytest.approx(0.8)


def test_too_few_scores_are_an_error() -> None:
    with pytest.raises(ValueError, match="3 scores; at least 4 are needed"):
        threshold_between([0.8] * 3, [], "higher")
