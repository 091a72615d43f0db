"""XMP packets hold everything that leads back to a picture's origin, in every format, and are read again."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from xml.etree import ElementTree

import pytest
from PIL import Image, PngImagePlugin

from brandpress.pipeline.deliver.encode import encode, is_sealed
from brandpress.pipeline.deliver.read_xmp import read_metadata, xmp_of
from brandpress.pipeline.deliver.xmp import NAMESPACES, Metadata, metadata_of, xmp_packet
from brandpress.pipeline.spec.output_name import EXTENSIONS
from tests.pipeline.deliver.records import record

ALL = Metadata(
    render_key="ab" * 32,
    tool="brandpress 1.2",
    model="flux.2-klein-4b",
    model_version="cd" * 32,
    licence="Apache-2.0",
    campaign="spring",
    variant="mug/scene-s0",
    sku="NW-<100>",
    alt='Eine grüne Tasse & ein "Stern" auf <Eis> 🦊',
)


def picture() -> Image.Image:
    return Image.linear_gradient("L").convert("RGB")


@pytest.mark.parametrize("format", list(EXTENSIONS))
def test_everything_that_is_written_can_be_read_again(format: str) -> None:
    data = encode(picture(), format, ALL)
    assert read_metadata(data) == ALL
    assert format == "png" or is_sealed(data)
    bare = Metadata("ef" * 32, "brandpress 1")
    assert read_metadata(encode(picture(), format, bare)) == bare


def test_the_properties_are_those_of_iptc() -> None:
    tree = ElementTree.fromstring(xmp_packet(ALL))
    rdf = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
    extension, core = f"{{{NAMESPACES['Iptc4xmpExt']}}}", f"{{{NAMESPACES['Iptc4xmpCore']}}}"
    [alt] = tree.iterfind(f".//{core}AltTextAccessibility/{rdf}Alt/{rdf}li")
    assert alt.text == ALL.alt
    assert alt.attrib == {"{http://www.w3.org/XML/1998/namespace}lang": "x-default"}
    [sku] = tree.iterfind(f".//{extension}ProductInImage/{rdf}Bag/{rdf}li/{extension}ProductId/{rdf}Bag/{rdf}li")
    assert sku.text == ALL.sku
    system = [tree.findtext(f".//{extension}{name}") for name in ("AISystemUsed", "AISystemVersionUsed")]
    assert system == [ALL.model, ALL.model_version]


def test_what_is_unknown_is_left_out() -> None:
    packet = xmp_packet(Metadata("ab" * 32, "brandpress 1")).decode()
    assert "AISystemUsed" not in packet
    assert "AltTextAccessibility" not in packet
    assert "brandpress:campaign" not in packet


def test_characters_that_xml_cannot_write_are_left_out() -> None:
    data = encode(picture(), "png", replace(ALL, alt="a\x00 mug\x0b\ud800\ufffe here"))
    metadata = read_metadata(data)
    assert metadata is not None
    assert metadata.alt == "a mug here"


def test_the_metadata_of_a_record() -> None:
    metadata = metadata_of(record(1, alt="a mug", sku="NW-100"), "spring")
    assert (metadata.render_key, metadata.variant) == (record(1).render_key, record(1).name)
    assert (metadata.model, metadata.licence) == ("nano", "Apache-2.0")
    assert (metadata.campaign, metadata.sku, metadata.alt) == ("spring", "NW-100", "a mug")
    assert "a mug, scene 1" not in xmp_packet(metadata).decode(), "prompts can be confidential"


def test_properties_that_other_programs_write_as_attributes_are_read() -> None:
    packet = f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
    <rdf:Description xmlns:xmp="{NAMESPACES["xmp"]}" xmp:CreatorTool="Another 9"/></rdf:RDF></x:xmpmeta>"""
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", packet)
    stream = BytesIO()
    picture().save(stream, "PNG", pnginfo=text)
    metadata = read_metadata(stream.getvalue())
    assert metadata is not None
    assert (metadata.tool, metadata.render_key, metadata.source) == ("Another 9", "", "")


BOMB = b"""<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&b;</x:xmpmeta>"""


@pytest.mark.parametrize("packet", [b"", b"<", b"not xml", BOMB, b"<x:xmpmeta><", b"\xff\xfe\x00"])
def test_packets_that_cannot_be_read_are_none(packet: bytes) -> None:
    stream = BytesIO()
    picture().save(stream, "JPEG", xmp=packet)
    assert read_metadata(stream.getvalue()) is None


def test_a_picture_without_a_packet_has_no_metadata() -> None:
    for format in ("PNG", "JPEG", "WEBP", "GIF"):
        stream = BytesIO()
        picture().save(stream, format)
        assert xmp_of(stream.getvalue()) is None
        assert read_metadata(stream.getvalue()) is None
    assert read_metadata(b"") is read_metadata(b"no picture") is None
