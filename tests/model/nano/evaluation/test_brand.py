"""The strangers' brands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from brandpress.model.nano.evaluation.brand import NOTO_CHARACTERS, NOTO_PRODUCTS, noto_brand, photograph_brand


def test_emoji_are_read_from_the_npm_package(tmp_path: Path) -> None:
    folder = tmp_path / "node_modules/@iconify-json/noto"
    folder.mkdir(parents=True)
    body = '<rect x="32" y="48" width="64" height="32" fill="#ff0000"/>'
    icons = {row[0]: {"body": body} for row in (*NOTO_PRODUCTS, *NOTO_CHARACTERS)}
    (folder / "icons.json").write_text(json.dumps({"icons": icons, "width": 128}))
    brand = noto_brand(tmp_path)
    assert (len(brand.products), len(brand.characters)) == (8, 8)
    assert brand.products[0].coloured == "purple umbrella"
    assert brand.products[0].cutout.size == (128, 64)
    reference = brand.characters[0].reference()
    assert reference.size == (256, 256)
    assert (reference.getpixel((24, 128)), reference.getpixel((28, 128))) == ((255, 255, 255), (255, 0, 0))


def test_photographs_are_read_from_a_folder(tmp_path: Path) -> None:
    for kind in ("products", "characters"):
        (tmp_path / kind).mkdir()
        for index in range(8):
            picture = Image.new("RGBA", (20, 20))
            picture.paste((10, 20, 30, 255), (5, 5, 15, 10))
            picture.save(tmp_path / kind / f"thing {index}.png")
    brand = photograph_brand(tmp_path)
    assert brand.products[3].coloured == "thing 3"
    assert brand.products[3].cutout.size == (10, 5)
    (tmp_path / "products" / "thing 0.png").unlink()
    with pytest.raises(FileNotFoundError, match="7 PNG files; 8 cut-outs are needed"):
        photograph_brand(tmp_path)
