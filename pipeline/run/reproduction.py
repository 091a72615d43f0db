"""Compares a delivered picture with the same picture, rendered again."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from PIL import Image, ImageChops

from brandpress.pipeline.deliver.content_credentials import without_credentials
from brandpress.pipeline.deliver.read_xmp import read_metadata
from brandpress.pipeline.store.protocol import sha256_hex


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What a picture has in common with what was rendered again from its record.

    name, render_key: of its record. sha256, rendered_sha256: of the two files. identical: whether the files are equal,
    byte for byte; a signature, which is never the same twice, isn't compared. signed: whether there was one. pixels:
    how many pixels differ; None if the sizes do, or one of them can't be read. max_difference: the largest difference
    of a channel, in levels of 255. metadata: the fields of the XMP packets that differ. host: what of the machine
    differs, as `field: then, now`.
    """

    name: str
    render_key: str
    sha256: str
    rendered_sha256: str
    identical: bool
    signed: bool
    pixels: int | None
    max_difference: int | None
    metadata: tuple[str, ...]
    host: tuple[str, ...]


def compare(
    name: str, render_key: str, delivered: bytes, rendered: bytes, hosts: tuple[dict[str, str], dict[str, str]]
) -> Reproduction:
    """Returns how the `rendered` file compares with the `delivered` one. hosts: of the record and of this machine."""
    unsigned = without_credentials(delivered)
    pixels, max_difference = _pixels(delivered, rendered)
    before, now = read_metadata(delivered), read_metadata(rendered)
    then, here = hosts
    return Reproduction(
        name=name,
        render_key=render_key,
        sha256=sha256_hex(delivered),
        rendered_sha256=sha256_hex(rendered),
        identical=unsigned == without_credentials(rendered),
        signed=unsigned != delivered,
        pixels=pixels,
        max_difference=max_difference,
        metadata=() if before is None or now is None else before.differences(now),
        host=tuple(
            f"{field}: {then.get(field, 'unknown')}, now {here.get(field, 'unknown')}"
            for field in ("device", "torch", "driver", *(("threads",) if "threads" in then else ()))
            if then.get(field) != here.get(field)
        ),
    )


def _pixels(delivered: bytes, rendered: bytes) -> tuple[int | None, int | None]:
    """Returns how many pixels differ, and the largest difference of a channel; None if they can't be compared."""
    try:
        with Image.open(BytesIO(delivered)) as one, Image.open(BytesIO(rendered)) as other:
            if one.size != other.size:
                return None, None
            channels = ImageChops.difference(one.convert("RGB"), other.convert("RGB")).split()
    except Exception:  # Pillow raises errors of many classes for damaged files
        return None, None
    largest = channels[0]
    for channel in channels[1:]:
        largest = ImageChops.lighter(largest, channel)
    counts = largest.histogram()
    return sum(counts[1:]), max(level for level, count in enumerate(counts) if count)
