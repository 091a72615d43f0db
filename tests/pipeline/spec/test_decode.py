"""Pictures decode to what every viewer shows: upright 8-bit sRGB, whatever the file's mode, profile and metadata."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from brandpress.pipeline.spec.decode import DECODING_BYTES, PictureError, decode, flatten
from tests.model.small import noise_picture
from tests.pipeline.spec.pictures import (
    ADOBE_RGB,
    CMYK,
    DISPLAY_P3,
    GRAY_LINEAR,
    chunk,
    insert,
    interlaced,
    interlaced_png,
    png,
    profile_of,
    saved,
)
from tests.processes import ROOT

REFERENCES = Path(__file__).parents[3] / "specs" / "northwind" / "references"
SIZE = (96, 80)
GREEN = (20, 140, 60)
GREEN_IN_ADOBE_RGB = (81, 139, 68)


def pixels(content: bytes) -> NDArray[np.int64]:
    return np.asarray(decode(content, "a.png").picture).astype(int)


def warnings_of(content: bytes) -> tuple[str, ...]:
    return decode(content, "a.png").warnings


def problem(content: bytes) -> str:
    with pytest.raises(PictureError) as error:
        decode(content, "a.png")
    return str(error.value)


def differs(content: bytes, colour: tuple[int, ...]) -> int:
    """The largest difference of any level from a colour."""
    return int(np.abs(pixels(content) - colour).max())


@pytest.mark.parametrize(("format", "options"), [("PNG", {}), ("JPEG", {"quality": 100}), ("WEBP", {"lossless": True})])
@pytest.mark.parametrize(
    ("profile", "stored"), [(ADOBE_RGB, GREEN_IN_ADOBE_RGB), (DISPLAY_P3, (67, 138, 71))], ids=["Adobe RGB", "P3"]
)
def test_a_profile_is_followed(
    format: str, options: dict[str, Any], profile: bytes, stored: tuple[int, int, int]
) -> None:
    content = saved(Image.new("RGB", SIZE, stored), format, icc_profile=profile, **options)
    assert differs(content, GREEN) <= (8 if format == "JPEG" else 4)
    assert warnings_of(content) == ()


@pytest.mark.parametrize("alpha", [255, 7])
@pytest.mark.parametrize("mode", ["RGBA", "P"])
def test_transparency_survives_the_conversion(mode: str, alpha: int) -> None:
    picture = Image.new(mode, SIZE, (*GREEN_IN_ADOBE_RGB, alpha) if mode == "RGBA" else 0)
    options = {}
    if mode == "P":
        picture.putpalette(GREEN_IN_ADOBE_RGB)
        options = {"transparency": bytes([alpha])}
    expected = GREEN if alpha == 255 else (*GREEN, alpha)
    assert differs(saved(picture, icc_profile=ADOBE_RGB, **options), expected) <= 4


def test_a_conversion_is_equal_to_littlecms() -> None:
    picture = noise_picture(*SIZE, seed=1)
    expected = ImageCms.profileToProfile(
        picture,
        ImageCms.ImageCmsProfile(BytesIO(ADOBE_RGB)),
        ImageCms.createProfile("sRGB"),
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    assert np.array_equal(pixels(saved(picture, icc_profile=ADOBE_RGB)), np.asarray(expected))


def test_an_srgb_profile_keeps_every_pixel() -> None:
    picture = noise_picture(*SIZE, seed=1)
    assert np.array_equal(pixels(saved(picture, icc_profile=profile_of("sRGB"))), np.asarray(picture))


def test_gray_follows_its_profile() -> None:
    assert differs(saved(Image.new("L", SIZE, 55), icc_profile=GRAY_LINEAR), (128, 128, 128)) <= 2
    assert differs(saved(Image.new("LA", SIZE, (55, 9)), icc_profile=GRAY_LINEAR), (128, 128, 128, 9)) <= 2
    assert differs(saved(Image.new("I;16", SIZE, 55 * 256), icc_profile=GRAY_LINEAR), (128, 128, 128)) <= 2


def test_cmyk_follows_its_profile() -> None:
    cyan = Image.new("CMYK", SIZE, (255, 0, 0, 0))
    with_profile = saved(cyan, "JPEG", icc_profile=CMYK, quality=100)
    red, green, blue = pixels(with_profile)[5, 5]
    assert red > green + 80
    assert red > blue + 50
    assert warnings_of(with_profile) == ()
    plain = saved(cyan, "JPEG", quality=100)
    assert differs(plain, (0, 255, 255)) <= 4
    assert warnings_of(plain) == (
        "the picture a.png is CMYK without a colour profile, so its colours are only approximately right; "
        "convert it to sRGB",
    )


@pytest.mark.parametrize(
    ("profile", "warning"),
    [
        (b"no profile", "has a broken colour profile; its colours are taken as sRGB"),
        (ADOBE_RGB[:200], "has a broken colour profile; its colours are taken as sRGB"),
        (CMYK, "has a colour profile for CMYK, but is RGB; the profile isn't followed"),
        (GRAY_LINEAR, "has a colour profile for GRAY, but is RGB; the profile isn't followed"),
    ],
)
@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_pixels_are_kept_if_the_profile_can_not_be_followed(format: str, profile: bytes, warning: str) -> None:
    content = saved(Image.new("RGB", SIZE, GREEN), format, icc_profile=profile, **{"lossless": True})
    assert differs(content, GREEN) == 0
    assert warnings_of(content) == (f"the picture a.png {warning}",)


def test_an_incomplete_profile_in_a_jpeg_is_reported() -> None:
    content = saved(Image.new("RGB", SIZE, GREEN), "JPEG", icc_profile=ADOBE_RGB)
    (warning,) = warnings_of(content.replace(b"ICC_PROFILE\0\1\1", b"ICC_PROFILE\0\1\2"))
    assert "broken colour profile" in warning


def test_a_large_profile_and_large_texts_do_not_matter() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("workflow", "x" * 3_000_000, zip=True)
    text.add_itxt("prompt", "y" * 3_000_000, zip=True)
    large = ADOBE_RGB + bytes(2_000_000)
    content = saved(Image.new("RGB", SIZE, GREEN_IN_ADOBE_RGB), icc_profile=large, pnginfo=text)
    assert differs(content, GREEN) <= 4
    bomb = chunk(b"iCCP", b"bomb\0\0" + zlib.compress(bytes(100_000_000)))
    (warning,) = warnings_of(insert(saved(Image.new("RGB", SIZE, GREEN)), bomb))
    assert "broken colour profile" in warning


@pytest.mark.parametrize(
    ("chunks", "warning"),
    [
        ([chunk(b"sRGB", b"\0")], None),
        ([chunk(b"gAMA", struct.pack(">I", 45_455))], None),
        ([chunk(b"gAMA", struct.pack(">I", 100_000)), chunk(b"sRGB", b"\0")], None),
        ([chunk(b"gAMA", struct.pack(">I", 100_000))], "has another gamma than sRGB (gAMA)"),
        ([chunk(b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000))], "(cHRM)"),
        ([chunk(b"cICP", bytes([1, 13, 0, 1]))], None),
        ([chunk(b"cICP", bytes([12, 13, 0, 1]))], "has other colours than sRGB (cICP 12/13/0/1)"),
        ([chunk(b"cICP", bytes([9, 16, 0, 1]))], "has other colours than sRGB (cICP 9/16/0/1)"),
    ],
)
def test_what_a_png_says_about_its_colours_is_a_warning(chunks: list[bytes], warning: str | None) -> None:
    content = insert(saved(Image.new("RGB", SIZE, GREEN)), *chunks)
    assert differs(content, GREEN) == 0
    assert len(warnings_of(content)) == (warning is not None)
    assert all(str(warning) in shown and "followed; convert it to sRGB" in shown for shown in warnings_of(content))


def test_a_cameras_adobe_rgb_without_a_profile_is_a_warning() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA001] = 2
    (warning,) = warnings_of(saved(Image.new("RGB", SIZE), "JPEG", exif=exif))
    assert "is Adobe RGB without a colour profile" in warning


def test_16_bits_are_reduced_to_their_high_bytes() -> None:
    ramp = b"".join(struct.pack(">H", 257 * level) for level in range(256))
    assert np.array_equal(pixels(png(256, 64, 16, 0, ramp))[5], np.repeat(np.arange(256)[:, None], 3, axis=1))
    colours = b"".join(struct.pack(">3H", 257 * level, 511, 65_535) for level in range(256))
    assert np.array_equal(pixels(png(256, 64, 16, 2, colours))[5, 77], (77, 1, 255))
    with_alpha = b"".join(struct.pack(">2H", 257 * level, 32_768) for level in range(256))
    assert np.array_equal(pixels(png(256, 64, 16, 4, with_alpha))[5, 77], (77, 77, 77, 128))


@pytest.mark.parametrize(
    ("bits", "colour_type", "row", "transparent", "expected"),
    [
        (1, 0, b"\xaa" * 8, 1, [(255, 255, 255, 0), (0, 0, 0, 255)]),
        (2, 0, b"\xcc" * 16, 3, [(255, 255, 255, 0), (0, 0, 0, 255)]),
        (4, 0, b"\x5a" * 32, 10, [(85, 85, 85, 255), (170, 170, 170, 0)]),
        (8, 0, bytes([9, 200]) * 32, 200, [(9, 9, 9, 255), (200, 200, 200, 0)]),
        (16, 0, bytes([9, 1, 9, 2]) * 32, 0x0902, [(9, 9, 9, 255), (9, 9, 9, 0)]),
    ],
)
def test_a_transparent_gray_level_is_found_at_every_depth(
    bits: int, colour_type: int, row: bytes, transparent: int, expected: list[tuple[int, ...]]
) -> None:
    content = png(64, 64, bits, colour_type, row, chunk(b"tRNS", struct.pack(">H", transparent)))
    assert [tuple(pixel) for pixel in pixels(content)[3, :2]] == expected


@pytest.mark.parametrize("bits", [8, 16])
def test_a_transparent_colour_is_found_at_both_depths(bits: int) -> None:
    pixel, other = struct.pack(">3H", 513, 514, 515), struct.pack(">3H", 9 * 257, 9 * 257, 9 * 257)
    if bits == 8:
        pixel, other = pixel[::2], other[::2]
    tag = struct.pack(">3H", *((2, 2, 2) if bits == 8 else (513, 514, 515)))
    shown = pixels(png(64, 64, bits, 2, (pixel + other) * 32, chunk(b"tRNS", tag)))
    assert [tuple(pixel) for pixel in shown[3, :2]] == [(2, 2, 2, 0), (9, 9, 9, 255)]


def test_a_transparent_colour_of_16_bits_is_compared_in_all_of_them() -> None:
    """A colour that differs in its low bytes only isn't the transparent one."""
    colours = [(513, 514, 515), (513, 514, 516), (512, 514, 515), (515, 514, 513)]
    row = b"".join(struct.pack(">3H", *colour) for colour in colours) * 16
    content = png(64, 64, 16, 2, row, chunk(b"tRNS", struct.pack(">3H", *colours[0])))
    assert [pixel[3] for pixel in pixels(content)[3, :4].tolist()] == [0, 255, 255, 255]
    assert warnings_of(content) == ()


@pytest.mark.parametrize(("bits", "colour_type", "channels"), [(8, 0, 1), (16, 0, 1), (8, 2, 3), (16, 2, 3)])
def test_transparency_of_interlaced_pictures(bits: int, colour_type: int, channels: int) -> None:
    samples = np.random.default_rng(1).integers(0, 2**bits, (70, 66, channels))
    samples[10:30, 20:50] = transparent = np.array([2**bits - 3] * channels)
    content = interlaced_png(samples, bits, colour_type, chunk(b"tRNS", transparent.astype(">u2").tobytes()))
    shown = pixels(content)
    assert np.array_equal(shown[..., :3], np.broadcast_to(samples >> (bits - 8), (70, 66, 3)))
    assert np.array_equal(shown[..., 3] == 0, (samples == transparent).all(axis=2))


@pytest.mark.parametrize(
    ("bits", "colour_type", "row"), [(1, 0, b"\xaa" * 8), (4, 0, b"\x5a" * 32), (8, 0, bytes([9, 200]) * 32)]
)
def test_of_the_transparent_level_only_the_low_bits_count(bits: int, colour_type: int, row: bytes) -> None:
    """The standard says so. The files' first pixels have the levels 1, 5 and 9."""
    level = {1: 0xFF01, 4: 0xA5, 8: 0x0709}[bits]
    shown = pixels(png(64, 64, bits, colour_type, row, chunk(b"tRNS", struct.pack(">H", level))))
    assert [pixel[3] for pixel in shown[3, :2].tolist()] == [0, 255]


def test_of_the_transparent_colour_only_the_low_bits_count() -> None:
    content = png(64, 64, 8, 2, bytes([2, 3, 4, 9, 9, 9]) * 32, chunk(b"tRNS", struct.pack(">3H", 0x102, 3, 0xFF04)))
    assert [pixel[3] for pixel in pixels(content)[3, :2].tolist()] == [0, 255]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_transparent_entries_of_a_palette_are_found_at_every_depth(bits: int) -> None:
    palette = chunk(b"PLTE", bytes([10, 20, 30, 200, 100, 50]))
    row = {1: b"\x55", 2: b"\x11", 4: b"\x01", 8: b"\x00\x01"}[bits] * (64 * bits // (16 if bits > 4 else 8))
    content = png(64, 64, bits, 3, row, palette, chunk(b"tRNS", bytes([77])))
    shown = {tuple(pixel) for pixel in pixels(content)[3].tolist()}
    assert shown == {(10, 20, 30, 77), (200, 100, 50, 255)}


@pytest.mark.parametrize(
    ("colour_type", "row", "tag"), [(2, bytes(192), b"\0"), (0, bytes(64), b""), (6, bytes(256), bytes(6))]
)
def test_a_broken_transparent_colour_is_a_warning(colour_type: int, row: bytes, tag: bytes) -> None:
    content = png(64, 64, 8, colour_type, row, chunk(b"tRNS", tag))
    (warning,) = warnings_of(content)
    assert warning == "the picture a.png has a broken transparent colour (tRNS), which isn't followed; save it again"


def test_an_animation_of_one_frame_that_is_another_picture_is_refused() -> None:
    still = saved(Image.new("RGB", SIZE, GREEN))
    with_frame = insert(still, chunk(b"acTL", struct.pack(">II", 1, 0)))
    assert differs(with_frame, GREEN) == 0
    frame = chunk(b"fcTL", struct.pack(">5I2H2B", 0, *SIZE, 0, 0, 1, 10, 0, 0)) + chunk(b"fdAT", bytes(4))
    assert "is an animation" in problem(with_frame[:-12] + frame + with_frame[-12:])


@pytest.mark.parametrize("mode", ["P", "1"])
def test_palettes_and_bits_are_scaled_like_colours(mode: str) -> None:
    picture = noise_picture(300, 200, seed=2).convert(mode)
    expected = picture.convert("RGB").resize((122, 81), Image.Resampling.LANCZOS)
    scaled = decode(saved(picture), "a", max_pixels=10_000).picture
    assert scaled.size == (122, 81)
    assert np.array_equal(np.asarray(scaled), np.asarray(expected))


def test_the_given_modes_become_rgb_or_rgba() -> None:
    for mode in ("RGB", "RGBA", "L", "LA", "P", "1", "I;16"):
        assert decode(saved(Image.new(mode, SIZE)), "a").picture.mode == ("RGBA" if mode in ("RGBA", "LA") else "RGB")


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_upright_as_pillow_does(format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = saved(noise_picture(*SIZE, seed=4), format, exif=exif)
    with Image.open(BytesIO(content)) as opened:
        expected = ImageOps.exif_transpose(opened).convert("RGB")
    decoded = decode(content, "a")
    assert decoded.size == expected.size
    assert np.array_equal(np.asarray(decoded.picture), np.asarray(expected))


def raw_profile(exif: bytes) -> bytes:
    """EXIF as ImageMagick writes it."""
    return b"Raw profile type exif\0\nexif\n%8d\n%s\n" % (len(exif), exif.hex().encode())


def oriented(orientation: int = 6) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


@pytest.mark.parametrize(
    ("extra", "upright"),
    [
        (chunk(b"eXIf", oriented()[6:]), True),
        (chunk(b"tEXt", raw_profile(oriented())), True),
        (chunk(b"tEXt", raw_profile(oriented())[:40]), False),
        (chunk(b"tEXt", raw_profile(oriented())[:-9] + b"zz"), False),
        (chunk(b"eXIf", b"\0\x08\0\2\1\x12"), False),
        (chunk(b"eXIf", b""), False),
        (chunk(b"eXIf", b"II*\0\xff\xff\xff\xff"), False),
        (chunk(b"eXIf", oriented(9)[6:]), False),
        (chunk(b"eXIf", oriented()[6:])[:-4] + b"\0\0\0\0", True),
    ],
    ids=["eXIf", "text", "cut text", "no hexadecimal", "no TIFF", "empty", "offset", "9", "checksum"],
)
def test_broken_exif_leaves_the_picture_as_it_is(extra: bytes, upright: bool) -> None:
    content = insert(saved(Image.new("RGB", SIZE)), extra)
    assert decode(content, "a").size == (SIZE[::-1] if upright else SIZE)


def test_a_jpeg_with_a_broken_rational_is_upright() -> None:
    tags = struct.pack("<HHHII", 2, 0x0112, 3, 1, 6) + struct.pack("<HHII", 0x011A, 10, 1, 38) + bytes(4)
    exif = b"Exif\0\0II*\0" + struct.pack("<I", 8) + tags + struct.pack("<ii", -1, 0)
    assert decode(saved(Image.new("RGB", SIZE), "JPEG", exif=exif), "a").size == SIZE[::-1]


def test_interlaced_and_progressive_files_are_read() -> None:
    picture = noise_picture(*SIZE, seed=5)
    gray = picture.convert("L")
    assert np.array_equal(pixels(interlaced(gray)), np.asarray(gray.convert("RGB")))
    assert differs(saved(Image.new("RGB", SIZE, GREEN), "JPEG", progressive=True, quality=100), GREEN) <= 3
    assert np.array_equal(pixels(saved(picture, "WEBP", lossless=True)), np.asarray(picture))


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_an_animation_is_refused(format: str) -> None:
    frames = [Image.new("RGB", SIZE, colour) for colour in ("red", "blue")]
    content = saved(frames[0], format, save_all=True, append_images=frames[1:])
    assert problem(content) == "the picture a.png is an animation; allowed: one frame"


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_truncated_files_are_named(format: str) -> None:
    content = saved(noise_picture(*SIZE, seed=6), format)
    for share in (0.5, 0.9):
        message = problem(content[: int(len(content) * share)])
        assert message.startswith("the picture a.png is broken: ")
        assert message.endswith("; save it again")
        assert "truncated" in message


@pytest.mark.parametrize("length", [9, 20, 30])
def test_a_png_without_its_header_is_broken(length: int) -> None:
    assert "the picture a.png is broken: it has no header" in problem(saved(Image.new("RGB", SIZE))[:length])


def test_decompression_bombs_are_refused() -> None:
    assert "more than 100,000,000 pixels" in problem(png(60_000, 60_000, 8, 2, b"")[:200])
    assert "more than 100,000,000 pixels" in problem(png(12_000, 12_000, 8, 2, b""))


def test_a_hair_is_scaled_down_to_at_least_one_pixel() -> None:
    """`validate` refuses it as a reference, but a contact sheet may meet it."""
    assert decode(saved(Image.new("RGB", (3_000, 1))), "a", max_pixels=500).picture.size == (1_224, 1)


def test_flattening_equals_pillows_in_one_piece() -> None:
    picture = noise_picture(1500, 1100, seed=7, mode="RGBA")
    ground = Image.new("RGBA", picture.size, "#1f4d3a")
    expected = Image.alpha_composite(ground, picture).convert("RGB")
    assert np.array_equal(np.asarray(flatten(picture, "#1f4d3a")), np.asarray(expected))
    assert decode(saved(picture), "a", background="#1f4d3a", max_pixels=10_000).size == picture.size


MEASURE = """
import sys
from brandpress.pipeline.spec.decode import decode
from tests.bench.peak import peak_bytes as peak
before = peak()
decoded = decode(open(sys.argv[1], "rb").read(), "a", background="#ffffff", max_pixels=1_048_576)
print(decoded.size[0] * decoded.size[1], decoded.picture.size, peak() - before)
"""


def hundred_megapixels(kind: str) -> bytes:
    """A file of 100 megapixels, or of the most that its format may have."""
    size = (10_000, 10_000)
    match kind:
        case "RGBA":
            row = bytes((1, 2, 3, 4)) * size[0]
            return png(*size, 8, 6, row)
        case "colour":
            tag = chunk(b"tRNS", bytes(6))
            return png(*size, 8, 2, bytes((1, 2, 3)) * size[0], tag, chunk(b"eXIf", oriented()[6:]))
        case "deep colour":
            row = bytes((1, 2, 3, 4, 5, 6)) * size[0]
            return png(*size, 16, 2, row, chunk(b"tRNS", bytes((1, 2, 3, 4, 5, 6))))
        case "gray":
            return png(*size, 16, 0, b"\x12\x34" * size[0], chunk(b"tRNS", b"\x12\x34"))
        case "palette":
            return png(*size, 1, 3, b"\xaa" * (size[0] // 8), chunk(b"PLTE", bytes(6)), chunk(b"tRNS", b"\0\x80"))
        case "JPEG":
            picture = Image.new("CMYK", size, (1, 2, 3, 4))
            return saved(picture, "JPEG", progressive=True, icc_profile=CMYK)
        case _:
            return saved(Image.new("RGBA", (8000, 8000), (1, 2, 3, 4)), "WEBP", lossless=True, quality=0, method=0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["RGBA", "colour", "deep colour", "gray", "palette", "JPEG", "WebP"])
def test_the_largest_pictures_stay_within_the_budget(kind: str, tmp_path: Path) -> None:
    file = tmp_path / "large"
    file.write_bytes(hundred_megapixels(kind))
    output = subprocess.run(
        [sys.executable, "-c", MEASURE, file], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    pixels, *_, peak = output.split()
    assert int(pixels) == (64_000_000 if kind == "WebP" else 100_000_000)
    assert int(peak) <= DECODING_BYTES


def test_a_webp_above_its_limit_is_refused() -> None:
    content = saved(Image.new("RGB", (8001, 8000)), "WEBP", lossless=True, quality=0, method=0)
    assert problem(content) == (
        "the picture a.png has more than 64,000,000 pixels; allowed: a WebP of at most 64,000,000; scale it down"
    )


@pytest.mark.parametrize("file", sorted(REFERENCES.glob("*.png")), ids=lambda file: file.stem)
def test_plain_srgb_pictures_keep_every_pixel(file: Path) -> None:
    decoded = decode(file.read_bytes(), file.name, max_pixels=1024 * 1024)
    assert (decoded.warnings, decoded.picture.mode) == ((), "RGB")
    assert decoded.picture.tobytes() == Image.open(file).tobytes()
