"""The measures that need no network: palette, ground and fill, and noise."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from brandpress.pipeline.review.measures.ground import GroundAndFill
from brandpress.pipeline.review.measures.noise import Noise
from brandpress.pipeline.review.measures.palette import Palette
from brandpress.pipeline.review.sample import Sample

PALETTE = {"pine": "#1f4d3a", "snow": "#f7f7f2"}


def test_a_picture_in_the_palettes_colours_has_no_distance() -> None:
    picture = Image.new("RGB", (80, 80), "#1f4d3a")
    picture.paste("#f7f7f2", (0, 0, 80, 20))
    (score,) = Palette()(Sample(picture, palette=PALETTE))
    assert score.value == pytest.approx(0, abs=0.01)
    assert [one["nearest"] for one in score.evidence["colours"]] == ["pine", "snow"]


def test_foreign_colours_count_by_area() -> None:
    values = []
    for width in (10, 40):
        picture = Image.new("RGB", (80, 80), "#1f4d3a")
        picture.paste("#ff00ff", (0, 0, width, 80))
        values.append(Palette()(Sample(picture, palette=PALETTE))[0].value)
    assert values[1] == pytest.approx(4 * (values[0] or 0), rel=0.05)


def test_a_brand_without_a_palette_has_no_score() -> None:
    (score,) = Palette()(Sample(Image.new("RGB", (80, 80))))
    assert score.value is None
    assert score.reason == "the brand has no palette"


@pytest.mark.parametrize(
    ("ground", "box", "white", "fill"),
    [
        ("#ffffff", (10, 20, 90, 60), 1.0, 0.8),
        ("#fefefe", (10, 20, 90, 60), 1.0, 0.8),
        ("#fafafa", (10, 20, 90, 60), 0.0, 0.8),
        ("#1f4d3a", (40, 5, 60, 95), 0.0, 0.9),
    ],
)
def test_ground_and_fill(ground: str, box: tuple[int, int, int, int], white: float, fill: float) -> None:
    picture = Image.new("RGB", (100, 100), ground)
    picture.paste("#c03030", box)
    scores = GroundAndFill()(Sample(picture))
    assert [(score.measure, score.value) for score in scores] == [("ground", white), ("fill", pytest.approx(fill))]
    assert scores[1].evidence["box"] == [edge / 100 for edge in box]


def test_an_empty_ground_is_filled_by_nothing() -> None:
    assert [score.value for score in GroundAndFill()(Sample(Image.new("RGB", (100, 100), "white")))] == [1.0, 0.0]


def test_fill_needs_a_plain_ground() -> None:
    scene = Image.fromarray(np.random.default_rng(1).integers(0, 256, (60, 60, 3), np.uint8))
    ground, fill = GroundAndFill()(Sample(scene))
    assert ground.value == 0
    assert fill.value is None
    assert fill.reason


def test_noise_is_distinguished_from_pictures() -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (96, 96, 3), np.uint8))
    ramp = Image.fromarray(np.tile(np.arange(96, dtype=np.uint8) * 2, (96, 1))).convert("RGB")
    values = [Noise()(Sample(picture))[0].value for picture in (noise, ramp, Image.new("RGB", (9, 9), "teal"))]
    assert values[0] == pytest.approx(1, abs=0.05)
    assert values[1] == pytest.approx(0, abs=0.01)
    assert values[2] == 0
