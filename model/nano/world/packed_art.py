"""All artwork in one small file, so that training needs neither the npm packages nor an SVG renderer:

    python -m brandpress.model.nano.world.packed_art --art DIR --out FOLDER

FOLDER then serves as `--art`. The pictures are lossless.
"""

import argparse
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Row = list[str | int | None]
Pixels = NDArray[np.uint8]


def pack(path: Path, rows: Sequence[Row], pictures: Sequence[Pixels]) -> None:
    """Writes what is said of each artwork and its RGBA pixels, as WebP, into one zip file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("rows.json", json.dumps(rows))
        for index, pixels in enumerate(pictures):
            data = io.BytesIO()
            Image.fromarray(pixels).save(data, "WEBP", lossless=True, exact=True, quality=80)
            file.writestr(f"{index}.webp", data.getvalue())


def unpack(path: Path) -> tuple[list[Row], list[Pixels]]:
    """Returns what `pack` wrote."""
    with zipfile.ZipFile(path) as file:
        rows: list[Row] = json.loads(file.read("rows.json"))
        pictures = []
        for index in range(len(rows)):
            with Image.open(io.BytesIO(file.read(f"{index}.webp"))) as picture:
                pictures.append(np.asarray(picture.convert("RGBA")))
    return rows, pictures


def main() -> None:
    from brandpress.model.nano.world.art import SPRITE_SIZE, cache_name, described, load_art

    parser = argparse.ArgumentParser(prog="python -m brandpress.model.nano.world.packed_art")
    parser.add_argument("--art", type=Path, required=True, help="the folder that holds node_modules with the art")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write, for --art of other commands")
    options = parser.parse_args()
    works = load_art(options.art, options.art / "cache")
    path = options.out / "cache" / f"{cache_name(SPRITE_SIZE)}.zip"
    pack(path, [described(work) for work in works], [work.pixels for work in works])
    print(f"{len(works)} pictures in {path}, {path.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
