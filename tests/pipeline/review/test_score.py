"""Scores and their directions."""

from __future__ import annotations

import pytest

from brandpress.pipeline.review.score import Better, Score, worse


def test_a_score_survives_json() -> None:
    score = Score("subject", 0.5, "product:mug", evidence={"box": [0, 0, 1, 1]})
    assert Score.from_json(score.to_json()) == score
    assert Score.from_json(Score("spread", None, reason="too few").to_json()) == Score("spread", None, reason="too few")


@pytest.mark.parametrize(
    ("value", "better", "expected"),
    [
        (0.4, "higher", True),
        (0.5, "higher", False),
        (0.6, "higher", False),
        (0.6, "lower", True),
        (0.5, "lower", False),
    ],
)
def test_worse(value: float, better: Better, expected: bool) -> None:
    assert worse(value, 0.5, better) is expected
