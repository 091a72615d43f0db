"""Reading signs."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw, ImageFont

from brandpress.model.nano.evaluation.lettering import edit_distance, letters, load_reader, sign_figures


@pytest.mark.parametrize(
    ("one", "other", "distance"), [("SALE", "SALE", 0), ("SALE", "SAIE", 1), ("SALE", "", 4), ("NEW", "NEWS", 1)]
)
def test_edit_distances(one: str, other: str, distance: int) -> None:
    assert edit_distance(one, other) == distance


def test_figures_of_signs() -> None:
    assert letters("Big sale!") == "BIGSALE"
    figures = sign_figures(["BIG SALE", "NEW", "OPEN"], ["BIGSALE", "NFW", "LONG NONSENSE"])
    assert figures == {"read exactly": 0.333, "character errors": 0.444}


@pytest.mark.slow
def test_drawn_signs_are_read() -> None:
    read = load_reader()
    picture = Image.new("RGB", (256, 256), (150, 190, 230))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((40, 40, 216, 100), (250, 245, 230))
    draw.text((128, 70), "BIG SALE", (150, 20, 30), ImageFont.load_default(36), anchor="mm")
    assert read(picture) == "BIGSALE"
    assert read(Image.new("RGB", (256, 256), (150, 190, 230))) == ""
