"""Percentages as people write them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from brandpress.pipeline.spec.percentage import parse_percentage


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("0%", Fraction(0)),
        (" 2 % ", Fraction(2)),
        ("32.3%", Fraction(323, 10)),
        ("100%", Fraction(100)),
        ("100.1%", None),
        ("-1%", None),
        ("2", None),
        (".5%", None),
        ("0.1234567%", None),
    ],
)
def test_a_percentage_is_exact(text: str, percent: Fraction | None) -> None:
    assert parse_percentage(text) == percent
