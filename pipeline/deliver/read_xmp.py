"""Reads the XMP packet of a picture, wherever the picture has been since it was delivered."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from io import BytesIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from PIL import Image

from brandpress.pipeline.deliver.xmp import NAMESPACES, Metadata

MAX_PACKET_BYTES = 4 * 2**20
FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF")
"""Of pictures whose packet is read: a CDN may have converted them."""

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_PROPERTIES: Mapping[str, str] = {
    "render_key": "dc:identifier",
    "tool": "xmp:CreatorTool",
    "source": "Iptc4xmpExt:DigitalSourceType",
    "model": "Iptc4xmpExt:AISystemUsed",
    "model_version": "Iptc4xmpExt:AISystemVersionUsed",
    "licence": "brandpress:modelLicence",
    "campaign": "brandpress:campaign",
    "variant": "brandpress:variant",
    "sku": "Iptc4xmpExt:ProductId",
    "alt": "Iptc4xmpCore:AltTextAccessibility",
}


def read_metadata(data: bytes) -> Metadata | None:
    """Returns what a picture's XMP packet says; None if `data` isn't a picture, or has no packet that can be read.

    Properties that the packet lacks are "".
    """
    packet = xmp_of(data)
    if packet is None:
        return None
    try:
        tree = fromstring(packet, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, RecursionError):
        return None
    return Metadata(**{name: _value(tree, tag) for name, tag in _PROPERTIES.items()})


def xmp_of(data: bytes) -> bytes | None:
    """Returns the XMP packet of a picture without the processing instructions around it; None if it has none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns about large pictures
            picture = Image.open(BytesIO(data), formats=FORMATS)
        with picture:
            packet = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp")
            if packet is None and picture.format == "PNG":
                picture.load()  # text may follow the pixels
                packet = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp")
    except Exception:  # Pillow raises errors of many classes for damaged files
        return None
    content = packet.encode() if isinstance(packet, str) else packet
    if not isinstance(content, bytes) or len(content) > MAX_PACKET_BYTES:
        return None
    start, end = content.find(b"<x:xmpmeta"), content.rfind(b"</x:xmpmeta>")
    return content[start : end + len(b"</x:xmpmeta>")] if 0 <= start < end else content.strip(b"\0 \r\n\t")


def _value(tree: Element, tag: str) -> str:
    """Returns a property's text, whether it's an element, an item of a list, or, as other programs write it, an
    attribute; "" if there is none."""
    prefix, _, name = tag.partition(":")
    qualified = f"{{{NAMESPACES[prefix]}}}{name}"
    for element in tree.iter(qualified):
        items = [item.text for item in element.iter(f"{{{_RDF}}}li")]
        return ((items[0] if items else element.text) or "").strip()
    return next((value for one in tree.iter() if (value := one.get(qualified)) is not None), "")
