"""Pictures that are rendered small and enlarged."""

from __future__ import annotations

import pytest
from PIL import Image

from brandpress.model.enlarging import enlarged, sampled_size

BASE = 256 * 256


@pytest.mark.parametrize("size", [(256, 256), (512, 512), (1024, 256), (16, 16)])
def test_up_to_four_times_the_base_area_is_rendered_as_it_is(size: tuple[int, int]) -> None:
    assert sampled_size(*size, BASE) == size


@pytest.mark.parametrize(
    ("size", "sampled"),
    [
        ((528, 512), (272, 256)),
        ((1024, 1024), (256, 256)),
        ((2048, 2048), (256, 256)),
        ((2048, 1024), (352, 176)),
        ((1024, 1536), (208, 320)),
        ((5760, 720), (736, 96)),
    ],
)
def test_larger_ones_are_rendered_at_about_the_base_area(size: tuple[int, int], sampled: tuple[int, int]) -> None:
    assert sampled_size(*size, BASE) == sampled
    assert sampled_size(*size, None) == size


def test_proportions_are_kept_as_well_as_multiples_of_16_allow() -> None:
    for width in range(64, 4096, 48):
        for height in range(64, 4096, 48):
            if 4 * BASE < width * height <= 1 << 22 and max(width, height) <= 8 * min(width, height):
                across, down = sampled_size(width, height, BASE)
                assert 0.93 < across / down * height / width < 1.07
                assert 0.85 < across * down / BASE < 1.15


def test_an_enlarged_picture_keeps_its_proportions() -> None:
    picture = Image.new("RGB", (368, 176), "white")
    picture.paste("black", (134, 38, 234, 138))  # a square
    box = enlarged(picture, 2048, 1024).convert("L").point(lambda level: 255 * (level < 128)).getbbox()
    assert box is not None
    assert abs((box[2] - box[0]) - (box[3] - box[1])) <= 2
    assert enlarged(picture, 368, 176) is picture
