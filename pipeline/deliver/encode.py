"""Picture -> the bytes of a file, with the mark that a machine made it.

The mark is IPTC's digital source type in XMP, inside the bytes before anything hashes them. Nothing in the bytes
depends on time: the same picture and metadata give the same bytes.

PNG has two writers: fpng where it's installed (`brandpress[fast]`), else Pillow, which takes twenty times as long. They
give the same pixels and other bytes. That's harmless: the first writer of a key wins, and its record has the SHA-256 of
the bytes that stand there.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from xml.sax.saxutils import escape

from PIL import Image, PngImagePlugin

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
CONTENT_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
JPEG_QUALITY = 95
WEBP_QUALITY = 90
_XMP_KEYWORD = "XML:com.adobe.xmp"
_RUN_LENGTH = 3
_PNG_HEADER = 33
"""The bytes of a PNG's signature and its first chunk, IHDR."""

_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:dc="http://purl.org/dc/elements/1.1/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <Iptc4xmpExt:DigitalSourceType>{source}</Iptc4xmpExt:DigitalSourceType>
   <xmp:CreatorTool>{tool}</xmp:CreatorTool>
   <dc:identifier>{identifier}</dc:identifier>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a file says of itself: the render key leads to its record, which holds the whole recipe."""

    render_key: str
    tool: str


def xmp_packet(metadata: Metadata) -> bytes:
    """The XMP packet (UTF-8) with the digital source type, the tool and the render key."""
    return _PACKET.format(
        source=escape(DIGITAL_SOURCE_TYPE), tool=escape(metadata.tool), identifier=escape(metadata.render_key)
    ).encode()


def encode(picture: Image.Image, format: str, metadata: Metadata) -> bytes:
    """`picture` as PNG (lossless), JPEG (quality 95, full colour resolution) or WebP (quality 90), with its XMP packet.

    Raises KeyError for another format.
    """
    picture = picture if picture.mode == "RGB" else picture.convert("RGB")
    packet = xmp_packet(metadata)
    stream = BytesIO()
    match format:
        case "png":
            return _fast_png(picture, packet) or _png(picture, packet)
        case "jpeg":
            picture.save(
                stream, "JPEG", quality=JPEG_QUALITY, subsampling=0, xmp=packet, icc_profile=None, exif=b"", comment=b""
            )
        case "webp":
            picture.save(stream, "WEBP", quality=WEBP_QUALITY, method=4, xmp=packet, icc_profile=None, exif=b"")
        case _:
            raise KeyError(format)
    return stream.getvalue()


def _find_fast_writer() -> Callable[[bytes, int, int, int], bytes] | None:
    """fpng's function of pixels, width, height and channels; None where it isn't installed."""
    try:
        from fpng import from_bytes
    except ImportError:
        return None
    write: Callable[[bytes, int, int, int], bytes] = from_bytes
    return write


_fast_writer = _find_fast_writer()


def _fast_png(picture: Image.Image, packet: bytes) -> bytes | None:
    """By fpng, with the packet's chunk behind IHDR; None where fpng isn't there or gives nothing, as where the machine
    is big-endian."""
    data = _fast_writer(picture.tobytes(), *picture.size, 3) if _fast_writer else b""
    if not data:
        return None
    chunk = b"iTXt" + _XMP_KEYWORD.encode() + bytes(5) + packet  # not compressed, of no language
    length, crc = len(chunk) - 4, zlib.crc32(chunk)
    return b"".join(
        (data[:_PNG_HEADER], length.to_bytes(4, "big"), chunk, crc.to_bytes(4, "big"), memoryview(data)[_PNG_HEADER:])
    )


def _png(picture: Image.Image, packet: bytes) -> bytes:
    """By Pillow: run-length compression at level 1 is as small as the default for photographs and takes less than half
    the time."""
    stream, text = BytesIO(), PngImagePlugin.PngInfo()
    text.add_itxt(_XMP_KEYWORD, packet.decode())
    picture.save(stream, "PNG", pnginfo=text, compress_level=1, compress_type=_RUN_LENGTH, icc_profile=None, exif=b"")
    return stream.getvalue()
