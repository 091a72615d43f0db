"""The packed artwork's file format: a zip of WebP pictures and their descriptions."""

import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Row = list[str | int | None]
"""Noun, category, group, style, colour, height and width of one artwork."""
_STYLE = 3
Pixels = NDArray[np.uint8]


def pack(path: Path, rows: Sequence[Row], pictures: Sequence[Pixels]) -> None:
    """Write each artwork's row and its RGBA pixels into one zip file.

    Drawings are lossless WebP. Renderings (style 3d) are lossy WebP of quality 90 with exact alpha, a third as large.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("rows.json", json.dumps(rows))
        for index, pixels in enumerate(pictures):
            data = io.BytesIO()
            lossless = rows[index][_STYLE] != "3d"
            Image.fromarray(pixels).save(
                data, "WEBP", lossless=lossless, exact=lossless, quality=80 if lossless else 90, alpha_quality=100
            )
            file.writestr(f"{index}.webp", data.getvalue())


def unpack(path: Path) -> tuple[list[Row], list[Pixels]]:
    """Returns the rows and RGBA pixels that `pack` wrote."""
    with zipfile.ZipFile(path) as file:
        rows: list[Row] = json.loads(file.read("rows.json"))
        pictures = []
        for index in range(len(rows)):
            with Image.open(io.BytesIO(file.read(f"{index}.webp"))) as picture:
                pictures.append(np.asarray(picture.convert("RGBA")))
    return rows, pictures
