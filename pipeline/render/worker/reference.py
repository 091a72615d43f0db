"""Opens a reference picture for the renderer."""

from __future__ import annotations

import hashlib
import os
from io import BytesIO

from PIL import Image, ImageOps

from brandpress.model.errors import RequestError
from brandpress.pipeline.plan.variant import Reference
from brandpress.pipeline.spec.picture import MAX_FILE_BYTES, REFERENCE_FORMATS


def open_reference(reference: Reference) -> Image.Image:
    """Returns the picture, fully loaded and upright by its EXIF orientation.

    A picture with a background colour is flattened onto it, as RGB; others keep their mode. Raises RequestError if the
    file differs from the one planned with, because the render key would be wrong.
    """
    try:
        with reference.path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size  # the file may have been replaced by a huge one
            data = file.read(min(size, MAX_FILE_BYTES) + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RequestError(f"the {reference.role} reference {reference.file} can't be read: {reason}") from None
    if hashlib.sha256(data).hexdigest() != reference.sha256:
        raise RequestError(
            f"the {reference.role} reference {reference.file} has changed since the plan was made; run again"
        )
    picture = Image.open(BytesIO(data), formats=REFERENCE_FORMATS)
    picture.load()
    upright = ImageOps.exif_transpose(picture)
    return upright if reference.background is None else flatten(upright, reference.background)


def flatten(picture: Image.Image, background: str) -> Image.Image:
    """Returns the picture, of any mode, composited onto a colour: RGB without transparency."""
    ground = Image.new("RGBA", picture.size, background)
    return Image.alpha_composite(ground, picture.convert("RGBA")).convert("RGB")
