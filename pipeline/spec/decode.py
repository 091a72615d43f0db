"""Decodes a picture's file to upright 8-bit sRGB, within a memory budget: for `validate`, workers and contact sheets.

What a file says about its pixels is followed: ICC profiles, CMYK, 16 bits, palettes, transparency, EXIF's orientation.
Of what isn't followed (see `png` and `colour_profile`) the result has a warning.

Memory: pictures of more than LARGE_PIXELS are decoded one at a time in a process, together with their scaling. Pillow
needs four bytes per pixel, and each step keeps at most two copies of the picture; a progressive JPEG in CMYK needs
12 bytes per pixel, and libwebp 16. With the limits below, decoding takes at most DECODING_BYTES.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING, Any

from PIL import Image

from brandpress.model.errors import BrandpressError
from brandpress.model.reference_size import fit_area, fitted_size, has_allowed_shape
from brandpress.model.request import MAX_REFERENCE_PIXELS
from brandpress.pipeline.spec.colour_profile import to_srgb
from brandpress.pipeline.spec.file_kind import unusable_kind
from brandpress.pipeline.spec.png import GRAY, GRAY_ALPHA, SIGNATURE, Png, read_png

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_PICTURE_PIXELS = 100_000_000
MAX_WEBP_PIXELS = 64_000_000
LARGE_PIXELS = 8_000_000
DECODING_BYTES = 1_536 * 2**20
"""What decoding adds to a process with two threads: a large picture (1,200 MB), a small one (128 MB) and two files of
64 MiB, each twice."""

_BYTES_PER_PIXEL = 16
_MOST_PIXEL_BYTES = 1_200_000_000

REFERENCE_FORMATS = ("PNG", "JPEG", "WEBP")
_COMPLETE = "allowed: a complete PNG, JPEG or WebP file"
_LARGE = Lock()
_STRIP_PIXELS = 2**20
_ORIENTATION = 0x0112
_EXIF_IFD, _COLOUR_SPACE, _ADOBE_RGB = 0x8769, 0xA001, 2
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class PictureError(BrandpressError):
    """A file that can't be used as a picture. allowed: what can be, or what to do."""

    def __init__(self, what: str, allowed: str) -> None:
        super().__init__(f"{what}; {allowed}")
        self.what, self.allowed = what, allowed


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture.

    picture: upright, RGB, or RGBA if any pixel isn't opaque. size: its (width, height) before it was scaled. warnings:
    what the file says and isn't followed, as sentences.
    """

    picture: Image.Image
    size: tuple[int, int]
    warnings: tuple[str, ...]


def decoding_bytes(pixels: int) -> int:
    """Returns the most memory that decoding a picture of this size takes, without its file."""
    return min(_BYTES_PER_PIXEL * pixels, _MOST_PIXEL_BYTES)


def decode(content: bytes, name: str, *, background: str | None = None, max_pixels: int | None = None) -> Decoded:
    """Returns the picture in a PNG, JPEG or WebP file.

    name: for messages. background: a colour that transparent pictures are flattened onto. max_pixels: the area that
    larger pictures are scaled down to, as the model does it; very narrow ones stay larger. Raises PictureError.
    """
    png = _read_png(content, name)
    picture = _open(png.content if png else content, name, content)
    _check_header(picture, name, png)
    # Each step is given the only reference to the step before's picture, so that there are never more than two copies.
    with _LARGE if picture.width * picture.height > LARGE_PIXELS else nullcontext():
        _load(picture, name)
        exif = _exif(png.exif if png else picture.info.get("exif", b""))
        profile: bytes | None = png.profile if png else picture.info.get("icc_profile")
        notes = list(png.warnings if png else _colour_warnings(picture, exif))
        picture, alpha = _eight_bits(picture, png)
        picture, note = to_srgb(picture, profile)
        notes += [note] if note else []
        picture = _with_alpha(picture, alpha)
        turn = _TURNS.get(exif.get(_ORIENTATION, 1) if exif else 1)
        picture = picture if turn is None else picture.transpose(turn)
        size = picture.size
        if background is not None:
            picture = flatten(picture, background)
        if max_pixels is not None:
            picture = fit_area(picture, _reachable_area(size, max_pixels))
    return Decoded(picture, size, tuple(f"the picture {name} {note}" for note in notes))


def _read_png(content: bytes, name: str) -> Png | None:
    if not content.startswith(SIGNATURE):
        return None
    try:
        return read_png(content)
    except ValueError as error:
        raise PictureError(f"the picture {name} is broken: {error}", "save it again") from None


def _open(pixels: bytes, name: str, content: bytes) -> Image.Image:
    """Returns the picture with its header read. pixels: the file without metadata; content: the whole file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about large pictures; the limit is checked below
            return Image.open(BytesIO(pixels), formats=REFERENCE_FORMATS)
    except Image.DecompressionBombError:
        raise _too_many(name, MAX_PICTURE_PIXELS) from None
    except Exception:  # as in `_load`
        kind = unusable_kind(content)
        if kind is not None:
            raise PictureError(f"{name} {kind.what}", kind.advice) from None
        if content[:4] == b"RIFF" and len(content) < 8 + int.from_bytes(content[4:8], "little"):
            raise PictureError(f"the picture {name} is broken: image file is truncated", "save it again") from None
        raise PictureError(f"{name} isn't a readable picture", _COMPLETE) from None


def _check_header(opened: Image.Image, name: str, png: Png | None) -> None:
    limit = MAX_WEBP_PIXELS if opened.format == "WEBP" else MAX_PICTURE_PIXELS
    if opened.width * opened.height > limit:
        raise _too_many(name, limit, "a WebP of at most" if opened.format == "WEBP" else "at most")
    # A phone's JPEG with an extra preview is an MPO; its first frame is the picture.
    frames = png.frames if png else 1 if opened.format == "MPO" else getattr(opened, "n_frames", 1)
    if frames > 1:
        raise PictureError(f"the picture {name} is an animation", "allowed: one frame")


def _too_many(name: str, limit: int, rule: str = "at most") -> PictureError:
    what = f"the picture {name} has more than {limit:,} pixels"
    return PictureError(what, f"allowed: {rule} {limit:,}; scale it down")


def _load(picture: Image.Image, name: str) -> None:
    try:
        picture.load()
    except Exception as error:  # Pillow raises many kinds of errors for hostile files
        what = f"the picture {name} is broken: {str(error) or type(error).__name__}"
        raise PictureError(what, "save it again") from None


def _eight_bits(picture: Image.Image, png: Png | None) -> tuple[Image.Image, Image.Image | None]:
    """Returns the picture as L, RGB, RGBA or CMYK with 8 bits per sample, and the alpha channel where the picture has
    none of these but transparent pixels."""
    alpha = None
    if png is not None and png.colour_type == GRAY:
        if png.transparent_sample is not None:
            alpha = _gray_alpha(picture, png.transparent_sample[0], png.bits)
        if picture.mode.startswith("I"):
            picture = _by_strips(picture, lambda samples: samples >> 8)
        return picture.convert("L") if picture.mode != "L" else picture, alpha
    if png is not None and png.colour_type == GRAY_ALPHA:
        return picture.getchannel(0), picture.getchannel("A")
    if png is not None and png.transparent_sample is not None and png.bits == 16:
        return picture, _colour_alpha(picture, _low_bytes(png), png.transparent_sample)
    if png is not None and png.transparent_sample is not None:
        picture.info["transparency"] = png.transparent_sample
        return picture.convert("RGBA"), None
    if picture.mode not in ("L", "RGB", "RGBA", "CMYK"):
        return picture.convert("RGBA" if picture.has_transparency_data else "RGB"), None
    return picture.copy() if picture.format == "WEBP" else picture, None  # Pillow's WebP keeps its decoder's memory


def _with_alpha(picture: Image.Image, alpha: Image.Image | None) -> Image.Image:
    """Returns the picture as RGB, or as RGBA if any pixel isn't opaque."""
    if alpha is not None:
        picture.putalpha(alpha)
    opaque = picture.mode == "RGBA" and picture.getchannel("A").getextrema() == (255, 255)
    return picture.convert("RGB") if opaque else picture


def _gray_alpha(picture: Image.Image, sample: int, bits: int) -> Image.Image:
    """Returns the alpha channel of a gray picture in which pixels of one level are transparent."""
    if bits == 16:
        return _by_strips(picture, lambda samples: (samples != sample) * 255)
    transparent = sample * 255 // (2**bits - 1)
    return picture.convert("L").point([0 if level == transparent else 255 for level in range(256)])


def _low_bytes(png: Png) -> Image.Image:
    """Returns the low bytes of the samples of a 16-bit RGB picture; Pillow's are the high ones."""
    picture = Image.open(BytesIO(png.content))
    picture.tile = [tile._replace(args="RGB;16L") for tile in picture.tile]
    picture.load()
    return picture


def _colour_alpha(high: Image.Image, low: Image.Image, sample: tuple[int, ...]) -> Image.Image:
    """Returns the alpha channel of a 16-bit RGB picture in which pixels of one colour are transparent."""
    import numpy as np  # as in `_by_strips`

    alpha = Image.new("L", high.size)
    for box in _strips(high.size):
        levels = np.asarray(high.crop(box)).astype(np.uint16) << 8 | np.asarray(low.crop(box))
        alpha.paste(Image.fromarray(((levels != sample).any(axis=2) * 255).astype(np.uint8)), box)
    return alpha


def _by_strips(picture: Image.Image, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Image.Image:
    """Returns an 8-bit gray picture of a 16-bit one. change: from an array of samples to levels; gets a few rows."""
    import numpy as np  # not at the top: only few pictures need it, and importing it takes long

    result = Image.new("L", picture.size)
    for box in _strips(picture.size):
        result.paste(Image.fromarray(change(np.asarray(picture.crop(box))).astype(np.uint8)), box)
    return result


def _strips(size: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """Returns boxes that cover a picture, of whole rows and about a megapixel each."""
    width, height = size
    rows = max(1, _STRIP_PIXELS // width)
    return [(0, top, width, min(top + rows, height)) for top in range(0, height, rows)]


def _reachable_area(size: tuple[int, int], max_pixels: int) -> int:
    """Returns the area to scale a picture down to: `max_pixels`, or more if the model would reject the scaled picture
    because of its short side or its aspect ratio. It scales that one down itself."""
    pixels = size[0] * size[1]
    if not has_allowed_shape(size) or has_allowed_shape(fitted_size(size, max_pixels)):
        return max_pixels
    area = pixels if pixels <= LARGE_PIXELS else MAX_REFERENCE_PIXELS
    while area < pixels and not has_allowed_shape(fitted_size(size, area)):
        area += area // 16
    return area


def flatten(picture: Image.Image, background: str) -> Image.Image:
    """Returns the picture, of any mode, composited onto a colour: RGB without transparency."""
    if picture.mode == "RGB" and not picture.has_transparency_data:
        return picture
    result = Image.new("RGB", picture.size)
    for box in _strips(picture.size):
        strip = picture.crop(box).convert("RGBA")
        result.paste(Image.alpha_composite(Image.new("RGBA", strip.size, background), strip).convert("RGB"), box)
    return result


def _exif(data: bytes) -> Image.Exif | None:
    """Returns the EXIF tags; None if there are none or they can't be read, as in files of careless tools."""
    exif = Image.Exif()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about broken tags
            exif.load(data)
            exif.get(_ORIENTATION)
    except Exception:  # as in `_load`
        return None
    return exif


def _colour_warnings(picture: Image.Image, exif: Image.Exif | None) -> list[str]:
    """What a JPEG or WebP without a profile says about its colours, if it isn't sRGB."""
    if picture.info.get("icc_profile"):
        return []
    markers: list[tuple[str, bytes]] = getattr(picture, "applist", [])
    if any(name == "APP2" and data.startswith(b"ICC_PROFILE\0") for name, data in markers):
        return ["has a broken colour profile; its colours are taken as sRGB"]
    if picture.mode == "CMYK":
        return ["is CMYK without a colour profile, so its colours are only approximately right; convert it to sRGB"]
    try:
        is_adobe_rgb = exif is not None and exif.get_ifd(_EXIF_IFD).get(_COLOUR_SPACE) == _ADOBE_RGB
    except Exception:  # as in `_load`
        return []
    return ["is Adobe RGB without a colour profile, which isn't followed; convert it to sRGB"] if is_adobe_rgb else []
