"""Reads Google's product feeds: RSS 2.0 and Atom whose items have elements of the namespace `g:`.

https://support.google.com/merchants/answer/7052112

An element's name is its column, without the namespace. Elements in elements get the names of both, as in
`shipping_country`. An element that is repeated becomes a list.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from brandpress.pipeline.spec.feed.table import BrokenFeedError, Columns, Row, Table, one_line, placed

GOOGLE = "{http://base.google.com/ns/1.0}"
ITEMS = ("item", "entry")
MAX_DEPTH = 50
MAX_ELEMENTS = 2_000
"""Of one item, or between items."""

_ITEM_DEPTH = 4
_RULE = "allowed: RSS 2.0 with <item>, or Atom with <entry>"


def read_xml(file: BinaryIO) -> Table:
    """Returns the table in a feed."""
    columns = Columns()
    return Table(columns, _rows(file, columns))


def _rows(file: BinaryIO, columns: Columns) -> Iterator[Row]:
    number = 0
    try:
        for item in _items(file):
            number += 1
            yield Row(number, placed(columns, _cells(item), number))
    except DefusedXmlException:
        what = "the feed declares entities or a document type"
        raise BrokenFeedError(number + 1, what, "remove <!DOCTYPE …>") from None
    except (ParseError, ValueError, LookupError) as error:
        what = f"this isn't valid XML: {one_line(str(error))}"
        raise BrokenFeedError(number + 1, what, _RULE) from None
    if not number:
        raise BrokenFeedError(1, "the feed has no item", _RULE)


def _items(file: BinaryIO) -> Iterator[Element]:
    """Yields each item when it is complete, and forgets it afterwards."""
    open_elements: list[Element] = []
    inside: Element | None = None
    count = 0
    for event, element in iterparse(file, events=("start", "end"), forbid_dtd=True):
        if event == "start":
            open_elements.append(element)
            count += 1
            if len(open_elements) > MAX_DEPTH or count > MAX_ELEMENTS:
                raise ValueError("too many elements in one item")
            if inside is None and _local(element.tag) in ITEMS and 1 < len(open_elements) <= _ITEM_DEPTH:
                inside = element
            continue
        open_elements.pop()
        if inside is not None and element is inside:
            yield inside
            inside, count = None, 0
        if inside is None and open_elements:
            open_elements[-1].remove(element)


def _cells(item: Element) -> list[tuple[str, Any]]:
    cells: dict[str, list[str]] = {}
    for child in item:
        for heading, text in _texts(child):
            cells.setdefault(heading, []).append(text)
    return [(heading, texts[0] if len(texts) == 1 else tuple(texts)) for heading, texts in cells.items()]


def _texts(element: Element, prefix: str = "") -> Iterator[tuple[str, str]]:
    google = "g:" if element.tag.startswith(GOOGLE) and not prefix else ""
    heading = f"{prefix}{google}{_local(element.tag)}"
    for child in element:
        yield from _texts(child, f"{heading}_")
    text = (element.text or "").strip() or element.get("href", "").strip()  # Atom: <link href="…"/>
    if text:
        yield heading, text


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
