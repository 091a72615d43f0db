"""Reference pictures as the renderer takes them."""

from __future__ import annotations

import hashlib
import os
from io import BytesIO

from PIL import Image, ImageOps

from brandpress.model.errors import RequestError
from brandpress.pipeline.plan.variant import Reference
from brandpress.pipeline.spec.picture import MAX_FILE_BYTES, REFERENCE_FORMATS


def open_reference(reference: Reference) -> Image.Image:
    """The picture, whole, upright by its EXIF orientation: a transparent one on its background, as RGB, others in their
    own mode.

    Raises RequestError if the file isn't the one that was planned with: the render key would lie.
    """
    try:
        with reference.path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size  # it may have been replaced by something large
            data = file.read(min(size, MAX_FILE_BYTES) + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RequestError(f"the {reference.role} reference {reference.file} can't be read: {reason}") from None
    if hashlib.sha256(data).hexdigest() != reference.sha256:
        raise RequestError(f"the {reference.role} reference {reference.file} was changed since the plan; run again")
    picture = Image.open(BytesIO(data), formats=REFERENCE_FORMATS)
    picture.load()
    upright = ImageOps.exif_transpose(picture)
    return upright if reference.background is None else flatten(upright, reference.background)


def flatten(picture: Image.Image, background: str) -> Image.Image:
    """The picture, of any mode, laid on a colour: RGB without transparency."""
    ground = Image.new("RGBA", picture.size, background)
    return Image.alpha_composite(ground, picture.convert("RGBA")).convert("RGB")
