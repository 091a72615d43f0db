"""The artwork: icons and emoji, read from npm packages and cached as trimmed sprites.

Sources, with their licences in NOTICE: `@lobehub/fluent-emoji-3d` (renderings of 256 pixels),
`@iconify-json/fluent-emoji-flat` and the families of `families.py` (SVG, rasterised with resvg),
`emoji-datasource-google` (names and categories). Only training needs them. These commands install the versions that
nano was trained on:

    npm install --ignore-scripts --prefix DIR \\
        @lobehub/fluent-emoji-3d@1.1.0 @iconify-json/fluent-emoji-flat@1.2.6 emoji-datasource-google@16.0.0 \\
        @iconify-json/twemoji@1.2.5 @iconify-json/emojione@1.2.3 @iconify-json/fxemoji@1.2.2 \\
        @iconify-json/streamline-emojis@1.2.4 @iconify-json/flat-color-icons@1.2.3
    pip install "brandpress[train]"

`model/nano/world/packed_art.py` packs the artwork into one file for machines without these packages.
"""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from brandpress.model.nano.world.art_archive import Row, unpack
from brandpress.model.nano.world.colours import dominant_colour
from brandpress.model.nano.world.families import FAMILIES, family_icons
from brandpress.model.nano.world.nouns import Emoji, list_emoji

SPRITE_SIZE = 144
"""Pixels of a cached sprite's longer side."""
RASTER_SIDE = 288
"""Pixels of a drawing's longer side before it is trimmed."""
ART_REVISION = "5d0c93e7a1"
"""Part of the cache's file names. Change it whenever a change selects, names or draws any artwork differently, so that
old caches and packed files are not read."""


@dataclass(frozen=True, slots=True)
class Artwork:
    """One sprite of one noun.

    category: character or object. group: the emoji's subcategory; without an emoji person, or the object's family.
    style: 3d, flat, or the name of a family. colour: the name of the dominant colour, None without one.
    pixels: (height, width, 4) RGBA, trimmed.
    """

    noun: str
    category: str
    group: str
    style: str
    colour: str | None
    pixels: NDArray[np.uint8]

    def sprite(self) -> Image.Image:
        """Returns the sprite as an RGBA picture."""
        return Image.fromarray(self.pixels)


_SCENIC = ("place-", "sky", "event", "transport-", "sport", "person-sport")
"""Groups of emoji that some families draw as a square scene, by prefix."""
_PLAIN_FACES = ("emojione", "streamline-emojis")
"""Families without faces, which look alike."""


def rasterise(body: str, width: int, height: int, side: int = RASTER_SIDE) -> Image.Image:
    """Returns an SVG's body, drawn in a view box of `width` x `height`, as RGBA; the longer side has `side` pixels.

    Raises ModuleNotFoundError without resvg-py (extra `train`).
    """
    import resvg_py

    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">{body}</svg>'
    scale = side / max(width, height)
    png = resvg_py.svg_to_bytes(svg_string=svg, width=round(width * scale), height=round(height * scale))
    return Image.open(io.BytesIO(bytes(png))).convert("RGBA")


def _trim(picture: Image.Image, size: int) -> NDArray[np.uint8] | None:
    box = picture.getchannel("A").point(lambda alpha: 255 if alpha > 24 else 0).getbbox()
    if box is None:
        return None
    cut = picture.crop(box)
    scale = size / max(cut.size)
    shape = (max(8, round(cut.width * scale)), max(8, round(cut.height * scale)))
    return np.asarray(cut.resize(shape, Image.Resampling.LANCZOS))


def _fewer_levels(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns a drawing with 64 levels per channel, 48 dB from the original: a third smaller in the packed file."""
    rounded = np.minimum((pixels.astype(np.uint16) + 2) // 4 * 4, 255)
    alpha = rounded[..., 3]
    rounded[..., 3] = np.where(alpha >= 252, 255, alpha)
    rounded[alpha == 0] = 0
    return rounded.astype(np.uint8)


def _renderings(art: Path, emoji: Emoji, icons: dict[str, dict[str, str]], box: int) -> list[tuple[str, Image.Image]]:
    renderings: list[tuple[str, Image.Image]] = []
    assets = art / "node_modules/@lobehub/fluent-emoji-3d/assets"
    for code in dict.fromkeys((emoji.code, emoji.code.replace("-fe0f", ""))):
        if (assets / f"{code}.webp").is_file():
            with Image.open(assets / f"{code}.webp") as picture:
                renderings.append(("3d", picture.convert("RGBA")))
            break
    if emoji.icon and emoji.icon in icons:
        renderings.append(("flat", rasterise(icons[emoji.icon]["body"], box, box)))
    return renderings


def _is_square(pixels: NDArray[np.uint8]) -> bool:
    """Returns whether a sprite fills a square: it is a scene rather than a thing."""
    height, width = pixels.shape[:2]
    return bool((pixels[..., 3] > 128).mean() > 0.93) and 0.8 < width / height < 1.25


def _family_art(art: Path, emoji: Sequence[Emoji], size: int) -> Iterator[Artwork]:
    for family in FAMILIES:
        for icon in family_icons(art, family, emoji):
            face = icon.group.startswith("face-") and icon.group != "face-costume"
            if icon.group == "heart" or (face and icon.style in _PLAIN_FACES):
                continue
            pixels = _trim(rasterise(icon.body, *icon.box), size)
            if pixels is not None and not (icon.group.startswith(_SCENIC) and _is_square(pixels)):
                pixels = _fewer_levels(pixels)
                colour = dominant_colour(Image.fromarray(pixels))
                yield Artwork(icon.noun, icon.category, icon.group, icon.style, colour, pixels)


def build_art(art: Path, size: int = SPRITE_SIZE) -> tuple[Artwork, ...]:
    """Returns all artwork, read from the folder that contains `node_modules`. Takes about two minutes.

    Raises FileNotFoundError for a missing file, and ModuleNotFoundError without resvg-py (extra `train`).
    """
    flat = json.loads((art / "node_modules/@iconify-json/fluent-emoji-flat/icons.json").read_text("utf-8"))
    icons, box = flat["icons"], int(flat.get("width", 32))
    artworks: list[Artwork] = []
    selected = tuple(list_emoji(art))
    for emoji in selected:
        for style, picture in _renderings(art, emoji, icons, box):
            pixels = _trim(picture, size)
            if pixels is not None:
                pixels = pixels if style == "3d" else _fewer_levels(pixels)
                colour = dominant_colour(Image.fromarray(pixels))
                artworks.append(Artwork(emoji.noun, emoji.category, emoji.group, style, colour, pixels))
    artworks.extend(_family_art(art, selected, size))
    return tuple(artworks)


def load_art(art: Path, cache: Path | None = None, size: int = SPRITE_SIZE) -> tuple[Artwork, ...]:
    """Returns all artwork from the folder `cache`, which the first call fills.

    It is filled from the packed file in `cache` if there is one, otherwise from the packages in `art`. The cached
    pixels are memory-mapped, so that many processes share them. Without `cache`, each call reads the packages.
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
            artworks = build_art(art, size)
            rows, pictures = [row_of(artwork) for artwork in artworks], [artwork.pixels for artwork in artworks]
        cache.mkdir(parents=True, exist_ok=True)
        np.save(blob_path, np.concatenate([pixels.reshape(-1) for pixels in pictures]))
        rows_path.write_text(json.dumps(rows), "utf-8")
    blob: NDArray[np.uint8] = np.load(blob_path, mmap_mode="r")
    cached, start = [], 0
    for noun, category, group, style, colour, height, width in json.loads(rows_path.read_text("utf-8")):
        end = start + height * width * 4
        cached.append(Artwork(noun, category, group, style, colour, blob[start:end].reshape(height, width, 4)))
        start = end
    return tuple(cached)


def row_of(artwork: Artwork) -> Row:
    """Returns an artwork's row in the cache: everything except its pixels."""
    height, width = artwork.pixels.shape[:2]
    return [artwork.noun, artwork.category, artwork.group, artwork.style, artwork.colour, height, width]


def is_cached(cache: Path, size: int = SPRITE_SIZE) -> bool:
    """Returns whether `load_art` reads the artwork from the folder `cache`, which takes seconds instead of minutes."""
    return any((cache / f"{cache_name(size)}.{suffix}").is_file() for suffix in ("json", "zip"))


def cache_name(size: int) -> str:
    """Returns the name, without suffix, of the cache's files and of the packed file."""
    return f"art-{size}-{ART_REVISION}"
