from __future__ import annotations

import pytest

from brandpress.pipeline.spec.area import parse_area
from brandpress.pipeline.spec.problem import WrongValueError


@pytest.mark.parametrize(
    ("value", "pixels"),
    [
        (4096, 4096),
        (4_096_576, 4_096_576),
        ("64x64", 4096),
        ("1024x1024", 1_048_576),
        (" 1536x640 ", 983_040),
        ("2024x2024", 4_096_576),
    ],
)
def test_valid_areas(value: object, pixels: int) -> None:
    assert parse_area(value) == pixels


@pytest.mark.parametrize(
    ("value", "suggestion"),
    [
        (4095, ""),
        (4_096_577, ""),
        (-4096, ""),
        (10**400, ""),
        ("2024x2025", ""),
        ("0x0", ""),
        (True, ""),
        (1e6, ""),
        (None, ""),
        ((1024, 1024), ""),
        ("1048576", "1048576"),
        ("1_048_576", "1048576"),
        ("1024 × 1024", "'1024x1024'"),  # noqa: RUF001
        ("1MP", ""),
        ("", ""),
    ],
)
def test_invalid_areas(value: object, suggestion: str) -> None:
    with pytest.raises(WrongValueError) as raised:
        parse_area(value)
    assert raised.value.suggestion == suggestion
    assert "4,096 to 4,096,576" in raised.value.allowed
    assert len(raised.value.what) < 120
