"""The packed artwork's file format: a zip of lossless WebP pictures and their descriptions."""

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
Pixels = NDArray[np.uint8]


def pack(path: Path, rows: Sequence[Row], pictures: Sequence[Pixels]) -> None:
    """Write each artwork's row and its RGBA pixels, as lossless WebP, into one zip file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("rows.json", json.dumps(rows))
        for index, pixels in enumerate(pictures):
            data = io.BytesIO()
            Image.fromarray(pixels).save(data, "WEBP", lossless=True, exact=True, quality=80)
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
