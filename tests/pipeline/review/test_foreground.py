"""Plain grounds and what stands on them."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from brandpress.pipeline.review.foreground import box_of, cutouts_of, foreground, plain_ground


def on_white(hole: bool = False) -> Image.Image:
    """Returns a red square on white, with a white hole in it."""
    picture = Image.new("RGB", (100, 80), "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((30, 20, 69, 59), fill="red")
    if hole:
        pen.rectangle((45, 35, 54, 44), fill="white")
    return picture


def test_the_ground_is_connected_with_the_border() -> None:
    ground = plain_ground(on_white(hole=True))
    assert ground is not None
    assert ground.colour == (255, 255, 255)
    mask = foreground(on_white(hole=True))
    assert mask is not None
    assert mask.sum() == 40 * 40  # the hole belongs to the square
    assert box_of(mask) == (30, 20, 70, 60)


def test_dust_is_no_foreground() -> None:
    picture = on_white()
    picture.putpixel((5, 5), (0, 0, 0))
    mask = foreground(picture)
    assert mask is not None
    assert box_of(mask) == (30, 20, 70, 60)


def test_a_scene_has_no_plain_ground() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (60, 60, 3), np.uint8)
    assert plain_ground(Image.fromarray(noise)) is None
    assert foreground(Image.fromarray(noise)) is None
    [whole] = cutouts_of(Image.fromarray(noise))
    assert whole.size == (60, 60)


def test_an_empty_ground_has_no_foreground() -> None:
    assert foreground(Image.new("RGB", (50, 50), "white")) is None


def test_cutouts_have_no_margin() -> None:
    [cutout] = cutouts_of(on_white())
    assert cutout.size == (40, 40)
    assert cutout.getchannel("A").getextrema() == (255, 255)
    transparent = Image.new("RGBA", (50, 50))
    transparent.paste("teal", (10, 20, 30, 40))
    [cutout] = cutouts_of(transparent)
    assert cutout.size == (20, 20)


def test_what_may_be_a_hole_is_one_in_the_second_cutout() -> None:
    filled, pierced = (np.asarray(cutout.getchannel("A")) == 255 for cutout in cutouts_of(on_white(hole=True)))
    assert filled.shape == pierced.shape == (40, 40)
    assert filled.all()
    assert (~pierced).sum() == 10 * 10
    assert not pierced[15:25, 15:25].any()
