"""The XMP packet of a delivered picture: that a machine made it, with which model and software, and what it shows.

The properties are those of IPTC's Photo Metadata Standard 2025.1 where it has one, and brandpress' own elsewhere.
Nothing depends on time. Prompts aren't part of it: they can be confidential, and the render key leads to the record,
which has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from xml.sax.saxutils import escape

from brandpress.pipeline.deliver.record import Record

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""All pixels come from the model: it sees reference pictures, but none of their pixels stay. A file in which they did
would be `compositeWithTrainedAlgorithmicMedia`."""

OWN = "urn:brandpress:1"
NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "brandpress": OWN,
}
PACKET_START = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
PACKET_END = '<?xpacket end="r"?>'
SEAL_TAG = "brandpress:fileSha256"
UNSEALED = "0" * 64
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the XMP packet says about a file. What is "" is left out.

    source: the digital source type. tool: brandpress and its version. model, model_version: its name, and the digest of
    its weights. licence: the model's. variant: the output name under which the picture was first delivered.
    """

    render_key: str
    tool: str
    source: str = DIGITAL_SOURCE_TYPE
    model: str = ""
    model_version: str = ""
    licence: str = ""
    campaign: str = ""
    variant: str = ""
    sku: str = ""
    alt: str = ""

    def differences(self, other: Metadata) -> tuple[str, ...]:
        """Returns the names of the fields in which `other` differs."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name) != getattr(other, field.name))


def metadata_of(record: Record, campaign: str) -> Metadata:
    """Returns what the file of a record's picture says. campaign: its name."""
    return Metadata(
        render_key=record.render_key,
        tool=record.tool,
        model=record.model.name,
        model_version=record.model.weights_digest,
        licence=record.model.licence,
        campaign=campaign,
        variant=record.name,
        sku=record.sku,
        alt=record.alt,
    )


def xmp_packet(metadata: Metadata, *, sealed: bool = False) -> bytes:
    """Returns the XMP packet (UTF-8).

    sealed: with room for the file's SHA-256, which `seal` fills in.
    """
    namespaces = "".join(f'\n    xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
    properties = "".join(f"\n   {one}" for one in _properties(metadata, sealed=sealed))
    return f"""{PACKET_START}
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""{namespaces}>{properties}
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
{PACKET_END}""".encode()


def _properties(metadata: Metadata, *, sealed: bool) -> Iterator[str]:
    yield _text("Iptc4xmpExt:DigitalSourceType", metadata.source)
    yield _text("xmp:CreatorTool", metadata.tool)
    yield _text("dc:identifier", metadata.render_key)
    simple = (
        ("Iptc4xmpExt:AISystemUsed", metadata.model),
        ("Iptc4xmpExt:AISystemVersionUsed", metadata.model_version),
        ("brandpress:modelLicence", metadata.licence),
        ("brandpress:campaign", metadata.campaign),
        ("brandpress:variant", metadata.variant),
    )
    yield from (_text(name, value) for name, value in simple if value)
    if metadata.sku:
        product = f"<Iptc4xmpExt:ProductId><rdf:Bag>{_text('rdf:li', metadata.sku)}</rdf:Bag></Iptc4xmpExt:ProductId>"
        item = f'<rdf:li rdf:parseType="Resource">{product}</rdf:li>'
        yield f"<Iptc4xmpExt:ProductInImage><rdf:Bag>{item}</rdf:Bag></Iptc4xmpExt:ProductInImage>"
    if metadata.alt:
        item = f'<rdf:li xml:lang="x-default">{_escaped(metadata.alt)}</rdf:li>'
        yield f"<Iptc4xmpCore:AltTextAccessibility><rdf:Alt>{item}</rdf:Alt></Iptc4xmpCore:AltTextAccessibility>"
    if sealed:
        yield _text(SEAL_TAG, UNSEALED)


def _text(name: str, value: str) -> str:
    return f"<{name}>{_escaped(value)}</{name}>"


def _escaped(value: str) -> str:
    """Returns a text for XML, without the characters that XML has no way to write."""
    return escape(_NOT_XML.sub("", value))
