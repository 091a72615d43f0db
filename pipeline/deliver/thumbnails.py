"""Thumbnails of delivered pictures, at keys that follow from the pictures' own.

A worker writes them with the pictures. What is missing after a publication, because a picture was renamed or
`thumbnails:` was added later, is made from the delivered files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

from PIL import Image

from brandpress.pipeline.deliver.encode import CONTENT_TYPES, encode
from brandpress.pipeline.deliver.manifest import Published, read_fields
from brandpress.pipeline.deliver.read_xmp import read_metadata
from brandpress.pipeline.deliver.resume import ASSETS
from brandpress.pipeline.deliver.xmp import Metadata
from brandpress.pipeline.store.protocol import Store, sha256_hex

THUMBNAILS = "thumbnails/"
FORMAT = "webp"
THREADS = 8


def thumbnail_key(asset: str, size: int) -> str:
    """Returns the key of the thumbnail of an asset. size: of its longer side, in pixels."""
    return f"{THUMBNAILS}{_stem(asset)}.{size}.{FORMAT}"


def asset_stem_of(key: str) -> str:
    """Returns the key of a thumbnail's asset, without its folder and its extension."""
    return key.removeprefix(THUMBNAILS).rpartition(".")[0].rpartition(".")[0]


def stems_of(assets: Iterable[str]) -> Set[str]:
    """Returns the keys of assets as `asset_stem_of` returns them."""
    return {_stem(asset) for asset in assets}


def write_thumbnail(folder: Store, asset: str, picture: Image.Image, size: int, metadata: Metadata) -> bool:
    """Writes the thumbnail of an asset, with the metadata of its picture. Returns False if it exists."""
    small = picture.convert("RGB")
    small.thumbnail((size, size), Image.Resampling.LANCZOS)
    return folder.create(thumbnail_key(asset, size), encode(small, FORMAT, metadata), CONTENT_TYPES[FORMAT])


def add_missing_thumbnails(folder: Store, published: Published, size: int) -> int:
    """Writes the thumbnails that the pictures of a manifest lack. Returns how many. Raises StoreError."""
    existing = {folder.canonical(key) for key in folder.list(THUMBNAILS)}
    pictures = {
        fields["asset"]: fields["sha256"]
        for fields in read_fields(folder, published, "variants")
        if fields["asset"] is not None
    }
    lacking = {
        asset: sha256
        for asset, sha256 in pictures.items()
        if folder.canonical(thumbnail_key(asset, size)) not in existing
    }
    return _make(folder, lacking, size)


def _make(folder: Store, digests: Mapping[str, str], size: int) -> int:
    def make(pair: tuple[str, str]) -> bool:
        asset, sha256 = pair
        data = folder.read(asset)
        metadata = None if data is None else read_metadata(data)
        if data is None or metadata is None or sha256_hex(data) != sha256:
            return False  # `verify` reports it
        with Image.open(BytesIO(data)) as picture:
            return write_thumbnail(folder, asset, picture, size, metadata)

    with ThreadPoolExecutor(THREADS) as threads:
        return sum(threads.map(make, digests.items()))


def _stem(asset: str) -> str:
    return asset.removeprefix(ASSETS).rpartition(".")[0]
