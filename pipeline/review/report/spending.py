"""What the published pictures took: time per device, and money at known prices. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from brandpress.pipeline.plan.cost.prices import Prices


@dataclass(frozen=True)
class DeviceTime:
    """Time in the model on one kind of device. money: at the price of an hour; None if none is known. credits: what a
    hosted tier charged; None for others."""

    device: str
    pictures: int
    seconds: float
    median: float
    money: float | None = None
    credits: float | None = None


@dataclass(frozen=True)
class Taken:
    """What pictures took, by device, and when the first and the last were made. currency: of the money. as_of: the
    date of the prices."""

    devices: tuple[DeviceTime, ...]
    first: str
    last: str
    currency: str
    as_of: str

    @property
    def seconds(self) -> float:
        """The time of all devices together."""
        return sum(one.seconds for one in self.devices)

    @property
    def money(self) -> float | None:
        """The money for all devices; None if one has no known price."""
        amounts = [one.money for one in self.devices]
        return None if not amounts or None in amounts else sum(amount or 0.0 for amount in amounts)


def taken(records: Iterable[Mapping[str, Any]], prices: Prices) -> Taken:
    """Returns what the pictures of records took. Each picture counts once, however many names it has."""
    unique = list({str(record["render_key"]): record for record in records}.values())
    by_device: dict[str, list[Mapping[str, Any]]] = {}
    for record in unique:
        host = record.get("host")
        device = host.get("device") if isinstance(host, Mapping) else None
        by_device.setdefault(str(device or "unknown"), []).append(record)
    times = sorted(str(record.get("created", "")) for record in unique)
    devices = sorted((_device(name, own, prices) for name, own in by_device.items()), key=lambda one: -one.seconds)
    first, last = (times[0], times[-1]) if times else ("", "")
    return Taken(tuple(devices), first, last, prices.currency, prices.as_of.isoformat())


def _device(name: str, records: list[Mapping[str, Any]], prices: Prices) -> DeviceTime:
    seconds = [value for record in records if (value := _amount((record.get("timings") or {}).get("model")))]
    charged = [value for record in records if (value := _amount(record.get("cost")))]
    total, middle = sum(seconds), median(seconds) if seconds else 0.0
    if charged:
        credits = sum(charged)
        return DeviceTime(name, len(records), total, middle, _times(credits, prices.credit), credits)
    hour = prices.gpu_hour(name)
    return DeviceTime(name, len(records), total, middle, _times(total / 3600, hour.expected if hour else None))


def _times(amount: float, price: float | None) -> float | None:
    return None if price is None else amount * price


def _amount(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < math.inf else None
