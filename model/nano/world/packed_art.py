"""Packs all artwork into one file, so that training needs neither the npm packages nor an SVG renderer.

    python -m brandpress.model.nano.world.packed_art --art DIR --out FOLDER

Pass FOLDER as `--art` to the training and the evaluation. Drawings are lossless, renderings
lossy at high quality.
"""

import argparse
from pathlib import Path

from brandpress.model.nano.world.art import SPRITE_SIZE, cache_name, load_art, row_of
from brandpress.model.nano.world.art_archive import pack


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m brandpress.model.nano.world.packed_art")
    parser.add_argument("--art", type=Path, required=True, help="folder that contains node_modules with the artwork")
    parser.add_argument(
        "--out", type=Path, required=True, help="output folder, to pass as --art to the training and the evaluation"
    )
    options = parser.parse_args()
    artworks = load_art(options.art, options.art / "cache")
    path = options.out / "cache" / f"{cache_name(SPRITE_SIZE)}.zip"
    pack(path, [row_of(artwork) for artwork in artworks], [artwork.pixels for artwork in artworks])
    print(f"{len(artworks)} pictures in {path}, {path.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main()
