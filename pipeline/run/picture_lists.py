"""Lists of pictures as text: CSV, JSON lines, and a supplemental feed for Google's Merchant Center."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator

from brandpress.model.errors import RequestError
from brandpress.pipeline.run.handover import Handover, Picture
from brandpress.pipeline.spec.document import Location
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.problem import SpecError

SCHEMA = "brandpress.picture/1"
COLUMNS = (
    "name",
    "url",
    "asset",
    "sha256",
    "bytes",
    "width",
    "height",
    "format",
    "seed",
    "render_key",
    "stale",
    "created",
)
MAX_LINKS = 10
"""Additional pictures of a product that Google takes."""


def csv_lines(handover: Handover, since: int | None = None) -> Iterator[str]:
    """Yields CSV: a header, and a line for each picture. `axis.NAME` columns hold the matrix point, `attribute.NAME`
    columns the product's attributes, and with `since` the column `change` is the first."""
    axes: dict[str, None] = {}
    attributes: dict[str, None] = {}
    for picture in handover.pictures(since):
        axes.update(dict.fromkeys(picture.fields["axes"]))
        attributes.update(dict.fromkeys(_attributes(picture)))
    changes = () if since is None else ("change",)
    header = [*changes, *COLUMNS, *(f"axis.{name}" for name in axes), *(f"attribute.{name}" for name in attributes)]
    yield _line(header)
    for picture in handover.pictures(since):
        fields, own = picture.fields, _attributes(picture)
        values = {**fields, "url": picture.url, "change": picture.change, "stale": bool(fields.get("stale"))}
        row = [values.get(name) for name in (*changes, *COLUMNS)]
        row += [fields["axes"].get(name) for name in axes]
        row += [own.get(name) for name in attributes]
        yield _line(row)


def json_lines(handover: Handover, since: int | None = None) -> Iterator[str]:
    """Yields a line of JSON for each picture: its record, with `schema`, `url` and, with `since`, `change`."""
    for picture in handover.pictures(since):
        change = {} if since is None else {"change": picture.change}
        fields = {"schema": SCHEMA, **change, "url": picture.url, **picture.fields}
        yield json.dumps(fields, ensure_ascii=False, separators=(",", ":")) + "\n"


def google_lines(handover: Handover, *, main: bool = False) -> Iterator[str]:
    """Yields a tab-separated feed: the product's id, which is its SKU, and its pictures.

    They become `additional_image_link`, at most ten in order of their names. main: the first one becomes `image_link`.
    Raises RequestError without `public_url:`, and SpecError for products that lack a SKU.
    """
    if handover.public_url is None:
        raise RequestError(
            f"{handover.job}: google-supplemental needs public_url: in the job, such as https://cdn.example/pictures"
        )
    links: dict[str, list[str]] = {}
    for picture in handover.pictures():
        product = picture.fields["axes"].get("product")
        if product in handover.products and picture.url is not None:
            links.setdefault(product, []).append(picture.url)
    _check_skus(handover, links)
    yield "\t".join(("id", *(("image_link",) if main else ()), "additional_image_link")) + "\n"
    for product, urls in links.items():
        first = urls[:1] if main else []
        additional = urls[len(first) :][:MAX_LINKS]
        yield "\t".join((str(handover.products[product].sku), *first, ",".join(additional))) + "\n"


def _check_skus(handover: Handover, products: Iterable[str]) -> None:
    problems = []
    for product in products:
        if handover.products[product].sku is None:
            place: Location = ("products", product)
            what = f"the product {quote(product)} has no sku, which is its id in the feed"
            problems.append(handover.brand.problem(place, what, "write sku: NW-100", on_key=True))
    if problems:
        raise SpecError(problems)


def _attributes(picture: Picture) -> dict[str, object]:
    attributes = picture.fields.get("attributes")
    return attributes if isinstance(attributes, dict) else {}


def _line(values: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([_cell(value) for value in values])
    return text.getvalue()


def _cell(value: object) -> str:
    """Returns a value as text that a spreadsheet doesn't take for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
