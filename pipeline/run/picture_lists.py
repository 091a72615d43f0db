"""Lists of pictures as text: CSV, JSON lines, and a supplemental feed for Google's Merchant Center."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.encode import CONTENT_TYPES
from brandpress.pipeline.run.handover import Handover, Picture
from brandpress.pipeline.spec.brand import Product
from brandpress.pipeline.spec.brand_file import load_products
from brandpress.pipeline.spec.document import Location
from brandpress.pipeline.spec.feed.use import FeedEntity
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
    "media_type",
    "alt",
    "sku",
    "seed",
    "render_key",
    "stale",
    "created",
)
Ids = Literal["sku", "key"]
MAX_LINKS = 10
"""Additional pictures of a product that Google takes."""


def csv_lines(handover: Handover, since: int | None = None) -> Iterator[str]:
    """Yields CSV: a header, and a line for each picture. `axis.AXIS` columns hold the matrix point,
    `attribute.AXIS.FIELD` columns the free fields of its values, and with `since` the column `change` is the first."""
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
        values = {
            **fields,
            "url": picture.url,
            "media_type": _media_type(picture),
            "change": picture.change,
            "stale": bool(fields.get("stale")),
        }
        row = [values.get(name) for name in (*changes, *COLUMNS)]
        row += [fields["axes"].get(name) for name in axes]
        row += [own.get(name) for name in attributes]
        yield _line(row)


def json_lines(handover: Handover, since: int | None = None) -> Iterator[str]:
    """Yields a line of JSON for each picture: its record, with `schema`, `url`, `media_type` and, with `since`,
    `change`."""
    for picture in handover.pictures(since):
        change = {} if since is None else {"change": picture.change}
        fields = {
            "schema": SCHEMA,
            **change,
            "url": picture.url,
            "media_type": _media_type(picture),
            **picture.fields,
        }
        yield json.dumps(fields, ensure_ascii=False, separators=(",", ":")) + "\n"


def google_lines(handover: Handover, *, main: bool = False, ids: Ids = "sku") -> Iterator[str]:
    """Yields a tab-separated feed: the product's id, and its pictures.

    They become `additional_image_link`, at most ten in order of their names; a picture that has several names is listed
    once. main: the first one becomes `image_link`. ids: the SKU, or the key that the product's feed has.
    Raises RequestError without `public_url:`, and SpecError for products that lack a SKU or can't be read.
    """
    if handover.public_url is None:
        raise RequestError(
            f"{handover.job}: google-supplemental needs public_url: in the job, such as https://cdn.example/pictures"
        )
    products = load_products(handover.brand)
    links: dict[str, dict[str, str]] = {}
    for picture in handover.pictures():
        product = picture.fields["axes"].get("product")
        if product in products and picture.url is not None:
            links.setdefault(product, {}).setdefault(picture.fields["sha256"], picture.url)
    listed = {name: products[name] for name in links}
    if ids == "sku":
        _check_skus(handover, listed)
    yield "\t".join(("id", *(("image_link",) if main else ()), "additional_image_link")) + "\n"
    for product, by_digest in links.items():
        urls = list(by_digest.values())
        first = urls[:1] if main else []
        additional = urls[len(first) :][:MAX_LINKS]
        yield "\t".join((_id_of(product, products[product], ids), *first, ",".join(additional))) + "\n"


def ids_differ(handover: Handover) -> bool:
    """Whether a product's SKU isn't the key that its feed has. Raises SpecError if the products can't be read."""
    products = load_products(handover.brand).values()
    return any(isinstance(one, FeedEntity) and one.sku not in (None, one.attributes.get("key")) for one in products)


def _id_of(name: str, product: Product | FeedEntity, ids: Ids) -> str:
    if ids == "sku":
        return str(product.sku)
    return str(product.attributes.get("key", name)) if isinstance(product, FeedEntity) else name


def _check_skus(handover: Handover, products: Mapping[str, Product | FeedEntity]) -> None:
    problems = []
    for name, product in products.items():
        if product.sku is not None:
            continue
        what = f"the product {quote(name)} has no sku, which is its id in the feed"
        if isinstance(product, FeedEntity):
            place: Location = ("products", "from")
            problems.append(handover.brand.problem(place, what, "map: {sku: …} names the column that has it"))
        else:
            problems.append(handover.brand.problem(("products", name), what, "write sku: NW-100", on_key=True))
    if problems:
        raise SpecError(problems)


def _media_type(picture: Picture) -> str | None:
    return CONTENT_TYPES.get(str(picture.fields.get("format")))


def _attributes(picture: Picture) -> dict[str, object]:
    """Returns `AXIS.FIELD` -> value of a picture's free fields."""
    by_axis = picture.fields.get("attributes")
    return {
        f"{axis}.{name}": value
        for axis, fields in (by_axis.items() if isinstance(by_axis, dict) else ())
        for name, value in (fields.items() if isinstance(fields, dict) else ())
    }


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
