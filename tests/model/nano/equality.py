"""A nano folder in diffusers' pipeline and in our renderer: the same pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from brandpress.model import Renderer, RenderRequest
from brandpress.model.inference.preprocess import prepare_reference, to_picture
from brandpress.model.request import MIN_REFERENCE_SIDE
from tests.model.small import judged, levels_of


def weigh(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def prepared(pictures: Sequence[Image.Image], max_pixels: int) -> tuple[Image.Image, ...]:
    """What is larger than `max_pixels` scaled down as the renderer does it: diffusers' pipeline has one cap only."""
    return tuple(
        picture
        if picture.width * picture.height <= max_pixels
        else to_picture(prepare_reference(picture, max_pixels)[0])
        for picture in pictures
    )


def difference(renderer: Renderer, pipeline: Any, folder: Path, request: RenderRequest) -> int:
    """The largest difference in levels of 255. Fails where diffusers' picture is flat, which would prove nothing."""
    index = json.loads((folder / "model_index.json").read_text())
    references = prepared(request.references, index["reference_pixels"])
    assert all(min(picture.size) >= MIN_REFERENCE_SIDE for picture in references), "diffusers would refuse these"
    asked = RenderRequest(request.prompt, references, request.width, request.height, request.seed, steps=request.steps)
    theirs = judged(pipeline, asked, index["max_sequence_length"], tuple(index["text_encoder_out_layers"]))
    assert np.std(theirs) > 4
    (ours,) = renderer.render([request])
    return int(np.abs(levels_of(ours) - theirs).max())
