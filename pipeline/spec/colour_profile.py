"""Converts pictures to sRGB by their embedded ICC profiles."""

from __future__ import annotations

from io import BytesIO
from itertools import chain, product

from PIL import Image, ImageChops, ImageCms

_SPACES = {"L": "GRAY", "RGB": "RGB", "RGBA": "RGB", "CMYK": "CMYK"}
"""Mode -> colour space of the profiles that fit it."""

_PROBES = (0, 1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 160, 208, 255)


def to_srgb(picture: Image.Image, profile: bytes | None) -> tuple[Image.Image, str | None]:
    """Returns the picture (L, RGB, RGBA or CMYK) in sRGB, as RGB or RGBA, and a warning if its profile isn't followed.
    The warning is the end of a sentence about the picture. Without a profile, the pixels are kept.

    Relative colorimetric with black point compensation, like image editors. A profile that changes no level by more
    than one counts as sRGB, and the pixels are kept. The given picture may be changed.
    """
    if not profile:
        return _plain(picture), None
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        space = source.profile.xcolor_space.strip()
        if space != _SPACES[picture.mode]:
            kind = {"L": "gray"}.get(picture.mode, picture.mode)
            return _plain(picture), f"has a colour profile for {space}, but is {kind}; the profile isn't followed"
        if picture.mode != "CMYK" and _is_srgb(source, picture.mode):
            return _plain(picture), None
        transform = _transform(source, picture.mode)
        if picture.mode in ("RGB", "RGBA"):
            transform.apply_in_place(picture)
            return picture, None
        return transform.apply(picture), None
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return _plain(picture), "has a broken colour profile; its colours are taken as sRGB"


def _plain(picture: Image.Image) -> Image.Image:
    return picture if picture.mode in ("RGB", "RGBA") else picture.convert("RGB")


def _transform(source: ImageCms.ImageCmsProfile, mode: str) -> ImageCms.ImageCmsTransform:
    return ImageCms.buildTransform(
        source,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGBA" if mode == "RGBA" else "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )


def _is_srgb(source: ImageCms.ImageCmsProfile, mode: str) -> bool:
    """Whether the conversion changes no level of a few thousand colours by more than one."""
    if mode == "L":
        probes = Image.frombytes("L", (len(_PROBES), 1), bytes(_PROBES))
        expected = probes.convert("RGB")
    else:
        colours = bytes(chain.from_iterable(product(_PROBES, repeat=3)))
        probes = expected = Image.frombytes("RGB", (len(colours) // 3, 1), colours)
    converted = _transform(source, probes.mode).apply(probes)
    changes = ImageChops.difference(converted, expected)
    return all(not any(band.histogram()[2:]) for band in changes.split())
