"""Reads reference pictures, and opens them for the renderer."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from PIL import Image

from brandpress.model.errors import RequestError
from brandpress.pipeline.plan.variant import Reference
from brandpress.pipeline.spec.decode import PictureError, decode
from brandpress.pipeline.spec.picture import MAX_FILE_BYTES
from brandpress.pipeline.spec.regular_file import open_regular


def read_unchanged(path: Path, sha256: str) -> bytes | None:
    """Returns the file of a reference; None if it's another one than that with this SHA-256. Raises OSError.

    Reads at most one byte more than the largest allowed size: a huge file may have replaced it.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read(min(size, MAX_FILE_BYTES) + 1)
    return data if hashlib.sha256(data).hexdigest() == sha256 else None


def open_reference(reference: Reference) -> Image.Image:
    """Returns the picture: upright, in sRGB, scaled down to `max_pixels`; RGB if it's opaque or has a background.

    Scaling here and not in the model gives the same pixels and keeps large pictures out of memory. Raises RequestError
    if the file differs from the one planned with, because the render key would be wrong.
    """
    try:
        data = read_unchanged(reference.path, reference.sha256)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RequestError(f"the {reference.role} reference {reference.file} can't be read: {reason}") from None
    if data is None:
        raise RequestError(
            f"the {reference.role} reference {reference.file} has changed since the plan was made; run again"
        )
    try:
        decoded = decode(data, reference.file, background=reference.background, max_pixels=reference.max_pixels)
    except PictureError as error:
        raise RequestError(f"the {reference.role} reference {reference.file}: {error}") from None
    return decoded.picture
