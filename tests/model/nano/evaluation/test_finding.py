"""Finding a brand's items with real features, in pictures whose content is known."""

from __future__ import annotations

import pytest
from PIL import Image

from brandpress.model.nano.evaluation.brand import Brand
from brandpress.model.nano.evaluation.features import Features
from brandpress.model.nano.evaluation.finding import Finder, Sighting, on_ground, trimmed, windows
from brandpress.model.nano.evaluation.shots import pair_shots
from brandpress.model.nano.evaluation.stranger import composite, look, pair_figures
from brandpress.model.nano.world.scenes import Scene

SCENES = ("autumn", "kitchen", "beach", "snow", "night city", "street")


def test_windows_cover_the_picture() -> None:
    boxes = windows((0.5,), 200, 100)
    assert {(x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes} == {(0.25, 0.5)}
    assert (min(box[0] for box in boxes), max(box[2] for box in boxes)) == (0, 1)
    assert (min(box[1] for box in boxes), max(box[3] for box in boxes)) == (0, 1)


def test_a_cutout_is_centred_on_its_ground() -> None:
    square = on_ground(Image.new("RGBA", (20, 10), (255, 0, 0, 255)), 100, (0, 0, 255), 0.1)
    assert square.size == (100, 100)
    assert (square.getpixel((50, 50)), square.getpixel((50, 20))) == ((255, 0, 0), (0, 0, 255))
    assert square.getpixel((5, 50)) == (0, 0, 255)


def test_transparent_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="transparent all over"):
        trimmed(Image.new("RGBA", (8, 8)))


def test_the_distance_is_that_of_the_nearest_two() -> None:
    assert Sighting((True,) * 3, ((0.1, 0.5), (0.9, 0.5), (0.5, 0.8)), 0.1).distance == pytest.approx(0.4)


@pytest.mark.slow
def test_perfect_pictures_reach_the_highest_figures_and_others_do_not(brand: Brand) -> None:
    shots, cutouts = pair_shots(brand, 6), brand.cutouts()
    finder = Finder.of(Features.load(), cutouts)
    grounds = [Scene(SCENES[index % len(SCENES)], None, "none", index).draw(256, 256) for index in range(len(shots))]
    perfect = [composite(ground, shot, cutouts) for ground, shot in zip(grounds, shots, strict=True)]
    figures = pair_figures(look(finder, shots, perfect))
    assert figures == dict.fromkeys(("both found", "apart", "in order", "product", "character"), 1.0)
    mirrored = pair_figures(
        look(finder, shots, [picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for picture in perfect])
    )
    assert mirrored["in order"] == 0
    empty = pair_figures(look(finder, shots, grounds))
    assert empty["both found"] < 0.5
