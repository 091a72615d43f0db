"""Compares the pictures of a nano folder between diffusers' pipeline and brandpress."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from brandpress.model import Renderer, RenderRequest
from brandpress.model.inference.preprocess import prepare_reference, to_levels
from brandpress.model.request import MIN_REFERENCE_SIDE
from tests.model.small import judged, levels_of


def folder_bytes(folder: Path) -> int:
    """Returns the total size of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def prepare_references(pictures: Sequence[Image.Image], max_pixels: int) -> tuple[Image.Image, ...]:
    """Scale pictures above `max_pixels` down like the renderer; diffusers' pipeline supports only its own limit."""
    return tuple(
        picture
        if picture.width * picture.height <= max_pixels
        else Image.fromarray(to_levels(prepare_reference(picture, max_pixels)[0]).numpy())
        for picture in pictures
    )


def difference(renderer: Renderer, pipeline: Any, folder: Path, request: RenderRequest) -> int:
    """Returns the largest difference in levels. Fails if diffusers' picture is flat, which would prove nothing."""
    index = json.loads((folder / "model_index.json").read_text())
    references = prepare_references(request.references, index["reference_pixels"])
    assert all(min(picture.size) >= MIN_REFERENCE_SIDE for picture in references), (
        "diffusers rejects references this small"
    )
    prepared_request = RenderRequest(
        request.prompt, references, request.width, request.height, request.seed, steps=request.steps
    )
    expected = judged(pipeline, prepared_request, index["max_sequence_length"], tuple(index["text_encoder_out_layers"]))
    assert np.std(expected) > 4
    (picture,) = renderer.render([request])
    return int(np.abs(levels_of(picture) - expected).max())
