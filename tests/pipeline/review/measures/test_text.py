"""Quoted copy, and whether pictures show it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from PIL import Image, ImageDraw, ImageFont

from brandpress.pipeline.review.measures.text import (
    Text,
    character_error_rate,
    letters,
    load_reader,
    quoted_copy,
)
from brandpress.pipeline.review.sample import Sample


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ('a mug with a sign that says "Summer Sale"', ("Summer Sale",)),
        ("a mug, “Neu” and „Alt“ and «Été»", ("Neu", "Alt", "Été")),
        ('"NEW", and again "NEW"', ("NEW",)),
        ("the dog's bowl isn't 'quoted'", ()),
        ('a sign with "…"', ()),
        ('{"scene": "a sign that says \\"OPEN\\"", "style": ["bold", "the word “Now”"]}', ("OPEN", "Now")),
        ('{"scene": "nothing quoted"}', ()),
        ('[not JSON, "but quoted"]', ("but quoted",)),
    ],
)
def test_quoted_copy(prompt: str, expected: tuple[str, ...]) -> None:
    assert quoted_copy(prompt) == expected


@pytest.mark.parametrize(
    ("copy", "lines", "rate"),
    [
        ("Summer Sale", ["SUMMER SALE"], 0),
        ("Summer Sale", ["SUMMER", "SALE!"], 0),
        ("Summer Sale", ["Mug No. 5", "Summer", "Sale", "since 1990"], 0),
        ("Summer Sale", ["SUMNER SALE"], 0.1),
        ("Summer Sale", ["SALE"], 0.6),
        ("Summer Sale", [], 1),
        ("Summer Sale", ["qqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"], 1),
    ],
)
def test_character_error_rate(copy: str, lines: Sequence[str], rate: float) -> None:
    assert character_error_rate(copy, lines)[0] == pytest.approx(rate)


def test_letters_have_no_case_spaces_or_width() -> None:
    assert letters("Straße 5, \uff2f\uff2b!") == "strasse5ok"


def test_the_worst_quote_decides() -> None:
    text = Text(lambda picture: ["OPEN", "NOVV"])
    (score,) = text(Sample(Image.new("RGB", (64, 64)), 'signs with "OPEN" and "NOW"'))
    assert score.value == pytest.approx(2 / 3)
    assert [one["nearest"] for one in score.evidence["copy"]] == ["OPEN", "NOVV"]


def test_prompts_without_copy_have_no_score() -> None:
    def read(picture: Image.Image) -> Sequence[str]:
        raise AssertionError("nothing to read")

    assert Text(read)(Sample(Image.new("RGB", (64, 64)), "a mug"))[0].value is None


@pytest.mark.slow
def test_rapidocr_reads_a_sign() -> None:
    picture = Image.new("RGB", (320, 160), "#f4f0e4")
    ImageDraw.Draw(picture).text((160, 80), "FRESH COFFEE", "#202020", ImageFont.load_default(34), anchor="mm")
    blank = Image.new("RGB", (320, 160), "#f4f0e4")
    text = Text(load_reader())
    prompt = 'a sign "Fresh coffee"'
    assert text(Sample(picture, prompt))[0].value == 0
    assert text(Sample(blank, prompt))[0].value == 1
