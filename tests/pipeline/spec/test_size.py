from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.size import Size, nearest, parse_size

sides = st.integers(0, 999_999)


@pytest.mark.parametrize("text", ["64x64", "64x512", "512x64", "2048x2048", "4096x1024", "1536x2720", " 1024x1024 "])
def test_valid_sizes(text: str) -> None:
    assert str(parse_size(text)) == text.strip()


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("1000x1000", "'1008x1008'"),
        ("63x64", "'64x64'"),
        ("16x16", "'64x64'"),
        ("64x528", "'64x512'"),
        ("2048x2064", "'2048x2048'"),
        ("1024 x 768", "'1024x768'"),
        ("1024*768", "'1024x768'"),
        ("1024\u00d7768", "'1024x768'"),
        ("1024X768", "'1024x768'"),
        ("-64x64", ""),
        ("1024", ""),
        ("", ""),
        ("\u0661\u0662\u0668x128", ""),
        (1024, ""),
        (None, ""),
    ],
)
def test_invalid_sizes(value: object, meant: str) -> None:
    with pytest.raises(WrongValueError) as raised:
        parse_size(value)
    assert raised.value.suggestion == meant
    assert "multiple of 16 from 64, at most 4,194,304 pixels, at most 8:1" in raised.value.allowed


@given(sides, sides)
def test_a_size_is_parsed_or_a_valid_one_is_suggested(width: int, height: int) -> None:
    good = (
        width % 16 == height % 16 == 0
        and min(width, height) >= 64
        and width * height <= 4_194_304
        and max(width, height) <= 8 * min(width, height)
    )
    if good:
        assert parse_size(f"{width}x{height}") == Size(width, height)
        return
    with pytest.raises(WrongValueError) as raised:
        parse_size(f"{width}x{height}")
    parse_size(raised.value.suggestion.strip("'"))


@given(st.integers(64, 999_999), st.integers(64, 999_999))
def test_the_nearest_size_keeps_the_orientation(width: int, height: int) -> None:
    suggestion = nearest(Size(width, height))
    if width > 2 * height:
        assert suggestion.width > suggestion.height
    if height > 2 * width:
        assert suggestion.height > suggestion.width
