"""Estimates what rendering some of a plan's variants takes: minutes, megabytes and money."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from brandpress.model.family import NANO
from brandpress.model.memory.gpus import visible_gpus
from brandpress.pipeline.plan.cost.architecture import architecture_of
from brandpress.pipeline.plan.cost.device import DEFAULT_GPU, HOSTED, Device, device_named, same_device
from brandpress.pipeline.plan.cost.file_size import bytes_per_pixel
from brandpress.pipeline.plan.cost.groups import Basis, Group, Pace, Work, typical_credits, work_of, worst
from brandpress.pipeline.plan.cost.prices import Prices
from brandpress.pipeline.plan.cost.samples import Sample, samples_of
from brandpress.pipeline.plan.cost.seconds import load_seconds
from brandpress.pipeline.plan.cost.shape import PictureShape, sizes_of
from brandpress.pipeline.plan.cost.spread import NONE, Spread, total
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.memory import MemoryPlan
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.spec.budget import Budget

MEGABYTE = 1e6


@dataclass(frozen=True)
class CostOptions:
    """What the user says about costs. gpu: a card's name, for an estimate on that card. budget: the strictest of the
    job's and the command line's. limit: render at most this many. only: the render keys of the variants to render;
    None: all."""

    prices: Prices
    gpu: str | None = None
    budget: Budget | None = None
    limit: int | None = None
    only: Set[str] | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of a currency. basis: `measured` credits, `published` prices. as_of: the date of the prices."""

    amount: Spread
    currency: str
    as_of: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class Estimate:
    """What rendering takes.

    basis: the worst one of the groups. minutes: of the device; None for hosted tiers and if unknown. load, sets: the
    seconds among them for loading the model once and for preparing each reference set once. money: None if the device
    has no price. picture_prices: of a hosted tier, for a picture of each shape.
    """

    pictures: int
    device: Device
    basis: Basis
    minutes: Spread | None
    load: Spread
    sets: Spread
    megabytes: Spread
    megabytes_measured: bool
    money: Money | None
    groups: tuple[Group, ...]
    budget: Budget | None = None
    picture_prices: Mapping[PictureShape, Spread] = field(default_factory=dict)

    @property
    def exceeded(self) -> tuple[str, ...]:
        """The limits of the budget that the whole work is expected to exceed."""
        expected = {
            "gpu_minutes": self.minutes and self.minutes.expected,
            "pictures": float(self.pictures),
            "money": self.money and self.money.amount.expected,
        }
        limits = self.budget.limits() if self.budget is not None else {}
        return tuple(name for name, limit in limits.items() if (expected[name] or 0.0) > limit)


def estimate(
    plan: Plan,
    variants: Iterable[Variant],
    records: Iterable[Mapping[str, Any]],
    options: CostOptions,
    memory: MemoryPlan | None = None,
) -> Estimate:
    """Returns the cost of rendering `variants` of a plan.

    records: of earlier pictures, parsed but not validated; those of the same weights are measurements. memory: the
    plan's, for the bytes of its weights.
    """
    sizes = sizes_of(plan.campaign.brand.pictures)
    wanted = (variant for variant in variants if options.only is None or variant.render_key in options.only)
    work = work_of(islice(wanted, options.limit), plan.model, sizes)
    samples = samples_of(records, plan.model, sizes)
    if plan.model.hosted:
        return _hosted(plan, work, samples, options)
    device = device_for(plan, samples, options.gpu)
    measured = [sample for sample in samples if same_device(device, sample.device)]
    pace = Pace(architecture_of(plan.model), device, measured)
    groups = tuple(pace.group(shape, count) for shape, count in work.shapes.items())
    load, sets = (_load(memory), pace.sets(work.sets)) if work.pictures else (NONE, NONE)
    known = [group.seconds * group.pictures for group in groups if group.seconds is not None]
    minutes = (total(known) + load + sets) * (1 / 60) if len(known) == len(groups) else None
    megabytes, exactly = _megabytes(work, samples)
    return Estimate(
        pictures=work.pictures,
        device=device,
        basis=worst(group.basis for group in groups) if groups else "measured",
        minutes=minutes,
        load=load,
        sets=sets,
        megabytes=megabytes,
        megabytes_measured=exactly,
        money=_rent(minutes, device, options.prices),
        groups=_largest_first(groups),
        budget=options.budget,
    )


def device_for(plan: Plan, samples: Sequence[Sample], gpu: str | None) -> Device:
    """Returns the device to estimate for: the one that the user names, this machine's GPU, the one that rendered most
    of the records, the CPU for nano, or an H100."""
    if gpu is not None:
        named = device_named(gpu)
        return replace(named, local=named.kind == "cpu")
    gpus = visible_gpus(os.environ)
    if gpus:
        return replace(device_named(gpus[0].memory.name), local=True)
    devices = Counter(sample.device for sample in samples if sample.device and sample.seconds is not None)
    if devices:
        return device_named(devices.most_common(1)[0][0])
    if plan.model.family == NANO.name:
        return replace(device_named("cpu"), local=True)
    return device_named(f"NVIDIA {DEFAULT_GPU}")


def _hosted(plan: Plan, work: Work, samples: Sequence[Sample], options: CostOptions) -> Estimate:
    prices = options.prices
    price, credit = prices.hosted.get(plan.model.family), prices.credit
    groups, amounts, picture_prices = [], [], {}
    for shape, count in work.shapes.items():
        charged = typical_credits(samples, shape)
        basis: Basis = "unknown"
        amount = None
        if charged is not None and credit is not None:
            basis, amount = "measured", charged * credit
        elif price is not None:
            basis, amount = "published", price.of(shape)
        groups.append(Group(shape, count, basis, 0, None))
        if amount is not None:
            picture_prices[shape] = amount
            amounts.append(amount * count)
    megabytes, exactly = _megabytes(work, samples)
    basis = worst(group.basis for group in groups) if groups else "published"
    complete = len(amounts) == len(groups)
    return Estimate(
        pictures=work.pictures,
        device=HOSTED,
        basis=basis,
        minutes=None,
        load=NONE,
        sets=NONE,
        megabytes=megabytes,
        megabytes_measured=exactly,
        money=Money(total(amounts), prices.currency, prices.as_of.isoformat(), basis) if complete else None,
        groups=_largest_first(groups),
        budget=options.budget,
        picture_prices=picture_prices,
    )


def _load(memory: MemoryPlan | None) -> Spread:
    """Returns the seconds of loading the model once. Without `memory`, the weights aren't known to need time."""
    if memory is None:
        return load_seconds(0)
    need = memory.need
    return load_seconds(need.transformer + need.text_encoder + need.autoencoder)


def _megabytes(work: Work, samples: Sequence[Sample]) -> tuple[Spread, bool]:
    sizes = {name: (bytes_per_pixel(name, samples), pixels) for name, pixels in work.formats.items()}
    megabytes = total(per_pixel * (pixels / MEGABYTE) for (per_pixel, _), pixels in sizes.values())
    return megabytes, all(measured for (_, measured), _ in sizes.values())


def _rent(minutes: Spread | None, device: Device, prices: Prices) -> Money | None:
    hour = prices.gpu_hour(device.name)
    if hour is None and device.unknown:
        hour = prices.gpu_hour(device.known_as or "")
    if minutes is None or hour is None:
        return None
    return Money(minutes.times(hour) * (1 / 60), prices.currency, prices.as_of.isoformat(), "published")


def _largest_first(groups: Iterable[Group]) -> tuple[Group, ...]:
    return tuple(sorted(groups, key=lambda group: -group.pictures * group.shape.pixels))
