"""Figures of sightings."""

from __future__ import annotations

from PIL import Image

from brandpress.model.nano.evaluation.brand import Brand
from brandpress.model.nano.evaluation.finding import Sighting
from brandpress.model.nano.evaluation.sheet import draw_grid, draw_sheet
from brandpress.model.nano.evaluation.shots import crowd_shots, pair_shots
from brandpress.model.nano.evaluation.stranger import Seen, composite, crowd_figures, pair_figures, shot_requests

PICTURE = Image.new("RGB", (64, 64), "grey")
APART, TOGETHER = ((0.25, 0.7), (0.75, 0.7)), ((0.45, 0.7), (0.55, 0.7))


def test_figures_of_pairs(brand: Brand) -> None:
    shots = pair_shots(brand, 4)  # the third one names the character first
    sightings = [
        Sighting((True, True), APART, 0.2),
        Sighting((True, False), TOGETHER, -0.1),
        Sighting((True, False), APART, -0.2),
        Sighting((True, True), APART[::-1], 0.1),
    ]
    figures = pair_figures([Seen(shot, PICTURE, one) for shot, one in zip(shots, sightings, strict=True)])
    assert figures == {"both found": 0.5, "apart": 0.75, "in order": 0.5, "product": 0.75, "character": 0.75}


def test_figures_of_crowds(brand: Brand) -> None:
    three, four = crowd_shots(brand, 2)
    seen = [
        Seen(three, PICTURE, Sighting((True, True, True), ((0, 0), (1, 0), (2, 0)), 0.1)),
        Seen(four, PICTURE, Sighting((True, True, True, False), ((0, 0), (1, 0), (2, 0), (3, 0)), -0.1)),
    ]
    assert crowd_figures(seen) == {
        "all found": 0.5, "all found of three": 1.0, "all found of four": 0.0, "found": 0.857,
    }  # fmt: skip


def test_requests_have_the_references_on_white_in_order(brand: Brand) -> None:
    shot = pair_shots(brand, 3)[2]
    request = shot_requests([shot], 192, 4)[0]
    assert (request.width, request.height, request.steps, request.prompt) == (192, 192, 4, shot.prompt)
    assert [reference.size for reference in request.references] == [(256, 256)] * 2
    assert request.references[0].getpixel((2, 2)) == (255, 255, 255)
    assert [one.seed for one in shot_requests([shot, shot], 192, 4)] == [0, 1]
    assert [one.seed for one in shot_requests([shot, shot], 192, 4, [5, 7])] == [5, 7, 5, 7]
    assert request.references[0].tobytes() == shot.references[0].reference().tobytes()


def test_composites_show_the_subjects_side_by_side(brand: Brand) -> None:
    shot = pair_shots(brand, 1)[0]
    ground = Image.new("RGB", (256, 256), (1, 2, 3))
    picture = composite(ground, shot, brand.cutouts())
    halves = [picture.crop((x, 0, x + 128, 256)) for x in (0, 128)]
    assert all(len(half.getcolors(128 * 256) or ()) > 20 for half in halves)
    assert picture.crop((0, 0, 256, 110)).getcolors() == [(256 * 110, (1, 2, 3))]


def test_the_worst_picture_comes_first_on_a_sheet(brand: Brand) -> None:
    shots = pair_shots(brand, 2)
    red, blue = Image.new("RGB", (64, 64), (200, 0, 0)), Image.new("RGB", (64, 64), (0, 0, 200))
    seen = [
        Seen(shots[0], blue, Sighting((True, True), APART, 0.3)),
        Seen(shots[1], red, Sighting((True, False), TOGETHER, -0.3)),
    ]
    sheet = draw_sheet(seen)
    assert (sheet.getpixel((100, 100)), sheet.getpixel((364, 100))) == ((200, 0, 0), (0, 0, 200))
    assert draw_grid([red] * 9).size == (sheet.width, 2 * 264 + 8)
