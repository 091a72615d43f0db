"""The emoji artwork: read from npm packages once, kept in a cache of trimmed pictures.

Sources, all MIT (see NOTICE): `@lobehub/fluent-emoji-3d` (rendered, 256 pixels), `@iconify-json/fluent-emoji-flat`
(SVG, drawn with resvg), `emoji-datasource-google` (names and categories). Only training needs them; this fetches the
versions that nano was trained on:

    npm install --ignore-scripts --prefix DIR \\
        @lobehub/fluent-emoji-3d@1.1.0 @iconify-json/fluent-emoji-flat@1.2.6 emoji-datasource-google@16.0.0
    pip install "brandpress[train]"

`model/nano/world/packed_art.py` makes one file of it all for machines that have neither.
"""

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from brandpress.model.nano.world.colours import dominant_colour
from brandpress.model.nano.world.nouns import Emoji, list_emoji
from brandpress.model.nano.world.packed_art import Row, unpack

SPRITE_SIZE = 120  # pixels of the longer side, as cached


@dataclass(frozen=True, slots=True)
class Artwork:
    """One picture of one noun. `category`: character or object. `style`: 3d or flat. `pixels`: RGBA, trimmed."""

    noun: str
    category: str
    group: str
    style: str
    colour: str | None
    pixels: NDArray[np.uint8]

    def sprite(self) -> Image.Image:
        """Returns the artwork as an RGBA picture whose longer side is the cache's size."""
        return Image.fromarray(self.pixels)


def _flat(body: str, box: int) -> Image.Image:
    import resvg_py

    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {box} {box}">{body}</svg>'
    png = resvg_py.svg_to_bytes(svg_string=svg, width=256, height=256)
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA")


def _trimmed(picture: Image.Image, size: int) -> NDArray[np.uint8] | None:
    box = picture.getchannel("A").point(lambda alpha: 255 if alpha > 24 else 0).getbbox()
    if box is None:
        return None
    cut = picture.crop(box)
    scale = size / max(cut.size)
    shape = (max(8, round(cut.width * scale)), max(8, round(cut.height * scale)))
    return np.asarray(cut.resize(shape, Image.Resampling.LANCZOS))


def _renderings(art: Path, emoji: Emoji, icons: dict[str, dict[str, str]], box: int) -> list[tuple[str, Image.Image]]:
    found: list[tuple[str, Image.Image]] = []
    assets = art / "node_modules/@lobehub/fluent-emoji-3d/assets"
    for code in dict.fromkeys((emoji.code, emoji.code.replace("-fe0f", ""))):
        if (assets / f"{code}.webp").is_file():
            with Image.open(assets / f"{code}.webp") as picture:
                found.append(("3d", picture.convert("RGBA")))
            break
    if emoji.icon and emoji.icon in icons:
        found.append(("flat", _flat(icons[emoji.icon]["body"], box)))
    return found


def build_art(art: Path, size: int = SPRITE_SIZE) -> tuple[Artwork, ...]:
    """Reads and draws all artwork below the folder that holds `node_modules`; takes about a minute.

    Raises FileNotFoundError naming the missing file, ModuleNotFoundError without resvg-py (extra `train`).
    """
    flat = json.loads((art / "node_modules/@iconify-json/fluent-emoji-flat/icons.json").read_text("utf-8"))
    icons, box = flat["icons"], int(flat.get("width", 32))
    works: list[Artwork] = []
    for emoji in list_emoji(art):
        for style, picture in _renderings(art, emoji, icons, box):
            pixels = _trimmed(picture, size)
            if pixels is not None:
                colour = dominant_colour(Image.fromarray(pixels))
                works.append(Artwork(emoji.noun, emoji.category, emoji.group, style, colour, pixels))
    return tuple(works)


def load_art(art: Path, cache: Path | None = None, size: int = SPRITE_SIZE) -> tuple[Artwork, ...]:
    """Returns all artwork; reads it from the folder `cache`, which the first call fills: from the packed file when one
    lies there, else from the packages below `art`.

    The cache's pixels are mapped into memory, so that many processes share them.
    """
    if cache is None:
        return build_art(art, size)
    name = cache_name(size)
    rows_path, blob_path = cache / f"{name}.json", cache / f"{name}.npy"
    if not rows_path.is_file():
        packed = cache / f"{name}.zip"
        if packed.is_file():
            rows, pictures = unpack(packed)
        else:
            works = build_art(art, size)
            rows, pictures = [described(work) for work in works], [work.pixels for work in works]
        cache.mkdir(parents=True, exist_ok=True)
        np.save(blob_path, np.concatenate([pixels.reshape(-1) for pixels in pictures]))
        rows_path.write_text(json.dumps(rows), "utf-8")
    blob: NDArray[np.uint8] = np.load(blob_path, mmap_mode="r")
    works_, start = [], 0
    for noun, category, group, style, colour, height, width in json.loads(rows_path.read_text("utf-8")):
        end = start + height * width * 4
        works_.append(Artwork(noun, category, group, style, colour, blob[start:end].reshape(height, width, 4)))
        start = end
    return tuple(works_)


def described(work: Artwork) -> Row:
    """Returns an artwork's row in the cache: all but its pixels."""
    height, width = work.pixels.shape[:2]
    return [work.noun, work.category, work.group, work.style, work.colour, height, width]


def cache_name(size: int) -> str:
    """Returns the name of the cache's files. It changes with the code that chose and drew the art, so that a changed
    choice fills a new cache."""
    return f"art-{size}-{_fingerprint()}"


def _fingerprint() -> str:
    here = Path(__file__).parent
    sources = b"".join((here / name).read_bytes() for name in ("art.py", "nouns.py", "colours.py"))
    return hashlib.sha256(sources).hexdigest()[:10]
