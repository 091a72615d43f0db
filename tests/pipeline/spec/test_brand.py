"""The background of a brand spec: a colour, or a name of its palette."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.pipeline.spec.brand import check_background
from brandpress.pipeline.spec.brand_file import examine_brand
from brandpress.pipeline.spec.problem import WrongValueError


@pytest.mark.parametrize(
    ("written", "colour"),
    [
        ("", "#ffffff"),
        ('background: "#F7f7F2"\n', "#f7f7f2"),
        ('background: " #ABCDEF "\n', "#abcdef"),
        ("background: pine\n", "#1f4d3a"),
        ("background: fff\n", "#000000"),
    ],
)
def test_the_background_of_transparent_pictures(written: str, colour: str, tmp_path: Path) -> None:
    (tmp_path / "brand.yaml").write_text('brand: x\npalette: {pine: "#1F4D3A", fff: "#000000"}\n' + written)
    brand = examine_brand(tmp_path / "brand.yaml").brand
    assert brand is not None
    assert brand.background_colour == colour


@pytest.mark.parametrize(
    ("written", "suggestion"),
    [("pin", "'pine'"), ("white", ""), ("1F4D3A", "'#1f4d3a'"), ("abc", "'#aabbcc'"), ("", "")],
)
def test_a_background_that_is_not_in_the_palette(written: str, suggestion: str) -> None:
    with pytest.raises(WrongValueError) as raised:
        check_background(written, ("pine", "snow"))
    assert raised.value.suggestion == suggestion
    assert raised.value.allowed == "allowed: \"#rrggbb\", in quotes, or a name of the palette: 'pine', 'snow'"


def test_a_blank_before_a_wrong_colour(tmp_path: Path) -> None:
    (tmp_path / "brand.yaml").write_text('brand: x\nbackground: " #zzzzzz"\n')
    [problem] = examine_brand(tmp_path / "brand.yaml").problems
    assert "'#zzzzzz' isn't a colour" in problem.what


def test_a_wrong_palette_colour_is_reported_once(tmp_path: Path) -> None:
    """The background that names it isn't a second problem."""
    (tmp_path / "brand.yaml").write_text("brand: x\npalette: {pine: green}\nbackground: pine\n")
    assert [problem.line for problem in examine_brand(tmp_path / "brand.yaml").problems] == [2]
