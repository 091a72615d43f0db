"""Templates of references, and where they are found in pictures."""

from __future__ import annotations

import pytest
from PIL import Image

from brandpress.pipeline.review.features.finder import find, scene_map
from brandpress.pipeline.review.features.template import SIZES, ReferenceTemplates
from brandpress.pipeline.review.foreground import cutouts_of
from tests.pipeline.review.pictures import ColourCells, shown, subject

NETWORK = ColourCells()


def templates(name: str) -> ReferenceTemplates:
    """Returns the templates of one of the demo's references."""
    return ReferenceTemplates.of(NETWORK, subject(name).references[0].picture)


def test_templates_have_all_sizes_and_weights() -> None:
    produced = templates("mug").templates
    assert [(one.cells, one.mirrored) for one in produced] == [(size, m) for size in SIZES for m in (False, True)]
    for one in produced:
        assert one.weighted.shape == (12, one.cells, one.cells)
        assert float(one.weights.sum()) == pytest.approx(1)
        assert float(one.weights[0, 0]) == float(one.weights[-1, -1]) == 0


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_subject_is_found_where_it_stands(mirrored: bool) -> None:
    cutout = templates("mug").cutouts[0]
    picture = shown(cutout.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else cutout, length=0.42)
    sighting = find(scene_map(NETWORK, picture), [templates("fox"), templates("mug")])
    assert sighting.reference == 1
    assert sighting.mirrored is mirrored
    assert sighting.similarity > 0.85
    x0, y0, x1, y1 = sighting.box
    middle = (0.15 + 0.21 * cutout.width / max(cutout.size), 0.3 + 0.21 * cutout.height / max(cutout.size))
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx(middle, abs=0.06)
    assert sighting.vector.shape == (12,)


def test_wide_and_tall_pictures_have_maps_of_their_shape() -> None:
    assert scene_map(NETWORK, Image.new("RGB", (200, 100), "teal")).shape == (12, 24, 48)
    assert scene_map(NETWORK, Image.new("RGB", (100, 150), "teal")).shape == (12, 36, 24)
    assert scene_map(NETWORK, Image.new("RGB", (64, 2048), "teal")).shape == (12, 96, 24)


def test_no_references_are_an_error() -> None:
    with pytest.raises((ValueError, RuntimeError)):
        find(scene_map(NETWORK, Image.new("RGB", (64, 64))), [])


def test_a_reference_without_a_plain_ground_is_used_as_a_whole() -> None:
    scene = shown(cutouts_of(subject("fox").references[0].picture)[0])
    produced = ReferenceTemplates.of(NETWORK, scene)
    assert produced.cutouts[0].size == scene.size
