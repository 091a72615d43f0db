"""Position ids against diffusers' pipelines."""

from __future__ import annotations

import pytest
import torch
from diffusers import Flux2KleinPipeline

from brandpress.model.network.positions import image_ids, reference_ids, text_ids


@pytest.mark.parametrize("length", [1, 24, 512])
def test_text_ids_equal_diffusers(length: int) -> None:
    assert torch.equal(text_ids(length), Flux2KleinPipeline._prepare_text_ids(torch.zeros(1, length, 4))[0])


@pytest.mark.parametrize(("height", "width"), [(1, 1), (4, 7), (9, 2)])
def test_image_ids_equal_diffusers(height: int, width: int) -> None:
    expected = Flux2KleinPipeline._prepare_latent_ids(torch.zeros(1, 8, height, width))[0]
    assert torch.equal(image_ids(height, width), expected)


@pytest.mark.parametrize("grids", [[(4, 4)], [(1, 5), (6, 2), (3, 3)], [(2, 2)] * 10], ids=len)
def test_reference_ids_equal_diffusers(grids: list[tuple[int, int]]) -> None:
    expected = Flux2KleinPipeline._prepare_image_ids([torch.zeros(1, 8, *grid) for grid in grids])[0]
    assert torch.equal(reference_ids(grids), expected)


def test_no_references_have_no_ids() -> None:
    assert reference_ids([]).shape == (0, 4)
