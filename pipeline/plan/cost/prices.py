"""Prices of GPU hours and of hosted pictures: the dated ones that ship with brandpress, and a user's own."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from brandpress.model.family import HOSTED
from brandpress.pipeline.plan.cost.device import find
from brandpress.pipeline.plan.cost.shape import TOKEN_PIXELS, PictureShape
from brandpress.pipeline.plan.cost.spread import Spread
from brandpress.pipeline.spec.document import Document
from brandpress.pipeline.spec.fields import Fields, Text, reader
from brandpress.pipeline.spec.messages import allowed, closest, kind, listing, quote
from brandpress.pipeline.spec.problem import Problem, SpecError, WrongValueError
from brandpress.pipeline.spec.schema import validate_fields
from brandpress.pipeline.spec.yaml_file import read_yaml

SHIPPED = Path(__file__).parent / "prices.yaml"
MEGAPIXEL = 1 << 20
MAX_PRICE = 1e6
_PRICE_RULE = "allowed: a number from 0, or {low: 2.5, typical: 4, high: 7}"
_NAMES = ("low", "typical", "high")
_NOTES = ("as_of", "sources")
"""Fields of a price that are for people."""


def parse_price(value: object) -> Spread:
    """Returns a price with its range: a number, or a mapping of three. Raises WrongValueError."""
    if not isinstance(value, Mapping):
        price = _number(value)
        return Spread(price, price, price)
    for name in value:
        if name not in (*_NAMES, *_NOTES):
            raise WrongValueError(f"has an unknown field {quote(name)}", f"allowed: {listing((*_NAMES, *_NOTES))}")
    missing = [name for name in _NAMES if name not in value]
    if missing:
        raise WrongValueError(f"lacks {listing(missing)}", _PRICE_RULE)
    low, typical, high = (_number(value[name]) for name in _NAMES)
    if not low <= typical <= high:
        raise WrongValueError(f"isn't in order: {low:g}, {typical:g}, {high:g}", "allowed: low <= typical <= high")
    return Spread(low, typical, high)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongValueError(f"must be a price, not {kind(value)}", _PRICE_RULE)
    if not 0 <= value <= MAX_PRICE:
        raise WrongValueError(f"{quote(value)} is out of range", f"allowed: 0 to {MAX_PRICE:,.0f}")
    return float(value)


Price = Annotated[Spread, reader(parse_price)]


class HostedPrice(Fields):
    """What a hosted tier charges for a picture, by its megapixels and those of its references."""

    first_megapixel: Price = Field(description="first_megapixel: 0.03")
    further_megapixel: Price = Field(description="further_megapixel: 0.015")
    reference_megapixel: Price = Field(description="reference_megapixel: 0.015")
    as_of: datetime.date | None = None
    sources: tuple[Text, ...] = ()

    def of(self, shape: PictureShape) -> Spread:
        """Returns the price of a picture. BFL doesn't say how parts of a megapixel count: at least in proportion, at
        most each picture rounded up; expected are the picture and all its references together, rounded up."""
        sizes = [tokens * TOKEN_PIXELS / MEGAPIXEL for tokens in shape.tokens_of_references]
        picture, references = shape.pixels / MEGAPIXEL, sum(sizes)
        most = sum(map(math.ceil, sizes))
        further = max(0.0, picture - 1), max(0, math.ceil(picture) - 1), max(0, math.ceil(picture) - 1)
        parts = Spread(*further), Spread(references, math.ceil(references), most)
        first, second = self.further_megapixel.times(parts[0]), self.reference_megapixel.times(parts[1])
        return self.first_megapixel + first + second


class PriceFile(Fields):
    """The fields of a file of prices."""

    as_of: datetime.date = Field(description="as_of: 2026-11-27")
    currency: Text = "USD"
    credit: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] | None = None
    gpu_hours: dict[str, Price] = Field(default_factory=dict)
    hosted: dict[str, HostedPrice] = Field(default_factory=dict)


@dataclass(frozen=True)
class Prices:
    """as_of: when they were looked up. credit: the worth of a hosted credit. gpu_hours: per hour of a device, keyed by
    words of its name; `cpu` for a machine without a GPU. hosted: keyed by tier."""

    as_of: datetime.date
    currency: str
    credit: float | None
    gpu_hours: Mapping[str, Spread]
    hosted: Mapping[str, HostedPrice]

    def gpu_hour(self, device: str) -> Spread | None:
        """Returns the price of an hour of a device; None if it isn't listed."""
        name = find(dict.fromkeys(self.gpu_hours, 0.0), device)
        return None if name is None else self.gpu_hours[name]

    @property
    def dearest_hour(self) -> Spread | None:
        """The highest listed price of an hour."""
        return max(self.gpu_hours.values(), key=lambda price: price.expected, default=None)


def read_prices(own: Path | None = None) -> Prices:
    """Returns the prices that ship with brandpress, replaced one by one by those of a user's own file. In another
    currency, only the user's count. Raises SpecError with the places of all mistakes in the file."""
    shipped = _read(SHIPPED)
    if own is None:
        return shipped
    prices = _read(own)
    if prices.currency != shipped.currency:
        return prices
    return replace(
        prices,
        credit=prices.credit or shipped.credit,
        gpu_hours={**shipped.gpu_hours, **prices.gpu_hours},
        hosted={**shipped.hosted, **prices.hosted},
    )


def _read(path: Path) -> Prices:
    document = read_yaml(path)
    fields = validate_fields(document, PriceFile)
    problems = document.all_problems([*fields.problems, *_unknown_tiers(document)])
    if problems:
        raise SpecError(problems)
    values: dict[str, Any] = fields.values
    return Prices(**values)


def _unknown_tiers(document: Document) -> Iterator[Problem]:
    """Yields a problem for each tier that doesn't exist: its price would never count."""
    tiers = [family.name for family in HOSTED]
    hosted = document.data.get("hosted") if isinstance(document.data, dict) else None
    for name in hosted if isinstance(hosted, dict) else ():
        if name not in tiers:
            what = f"there is no hosted tier {quote(name)}"
            yield document.problem(("hosted", name), what, allowed(tiers), closest(name, tiers), on_key=True)
