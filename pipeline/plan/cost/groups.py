"""Groups of pictures that take equally long, and how long one of each takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.pipeline.plan.cost.architecture import Architecture
from brandpress.pipeline.plan.cost.device import Device
from brandpress.pipeline.plan.cost.prices import Prices
from brandpress.pipeline.plan.cost.samples import Sample
from brandpress.pipeline.plan.cost.seconds import picture_seconds, set_seconds
from brandpress.pipeline.plan.cost.shape import PictureShape, PictureSizes, shape_of, sizes_of, tokens_of
from brandpress.pipeline.plan.cost.spread import NONE, Spread, total
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.variant import Variant

Basis = Literal["measured", "scaled", "model", "published", "unknown"]
BASES: tuple[Basis, ...] = ("measured", "scaled", "model", "published", "unknown")
"""From the best to the worst."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be rendered. shapes: shape -> number of pictures. sets: shape of a picture of each distinct reference
    set -> number of sets. formats: format -> `file_pixels` of all its pictures."""

    shapes: dict[PictureShape, int]
    sets: dict[PictureShape, int]
    formats: dict[str, int]

    @property
    def pictures(self) -> int:
        """How many pictures there are."""
        return sum(self.shapes.values())


@dataclass(frozen=True, slots=True)
class Group:
    """Pictures of one shape. seconds: of one picture, None if unknown. records: how many that was measured on."""

    shape: PictureShape
    pictures: int
    basis: Basis
    records: int
    seconds: Spread | None


def work_of(variants: Iterable[Variant], model: ModelDescription, sizes: PictureSizes) -> Work:
    """Returns the work of rendering variants. Takes a few microseconds each."""
    tokens: dict[tuple[int, int], tuple[int, ...]] = {}
    counts: Counter[_Key] = Counter()
    examples: dict[_Key, Variant] = {}
    for variant in variants:
        pixels = variant.reference_pixels or model.reference_pixels
        key = _key(variant, pixels)
        if key not in examples:
            examples[key] = variant
            tokens[key[0], pixels] = tokens_of(variant.reference_set, pixels, sizes)
        counts[key] += 1
    shapes: Counter[PictureShape] = Counter()
    formats: Counter[str] = Counter()
    sets: dict[tuple[str, ...], PictureShape] = {}
    for key, count in counts.items():
        variant = examples[key]
        shape = shape_of(variant, model, tokens[key[0], key[1]])
        shapes[shape] += count
        formats[variant.format] += count * shape.file_pixels
        if variant.references:
            sets.setdefault(variant.reference_set, shape)
    return Work(dict(shapes), dict(Counter(sets.values())), dict(formats))


_Key = tuple[int, int, int, int, int | None, float | None, str, str]


def _key(variant: Variant, pixels: int) -> _Key:
    """Returns what a variant's shape follows from. Variants of a set share one tuple of references, whose identity is
    quicker to compare than the references; `examples` keeps it alive."""
    size = (variant.width, variant.height)
    return (id(variant.references), pixels, *size, variant.steps, variant.guidance, variant.reuse, variant.format)


class Pace:
    """How long pictures take on a device: measured if records of the same shape exist, otherwise scaled from records of
    other shapes by their operations, otherwise by operations alone."""

    def __init__(self, architecture: Architecture | None, device: Device, samples: Sequence[Sample]) -> None:
        """samples: of this device and model."""
        self._architecture, self._device = architecture, device
        timed = [sample for sample in samples if sample.seconds is not None]
        warm = [sample for sample in timed if sample.warm] or timed
        self._seconds: dict[PictureShape, list[float]] = {}
        for sample in warm:
            self._seconds.setdefault(sample.shape, []).append(sample.seconds or 0.0)
        self.ratio = self._measured_ratio()

    def _measured_ratio(self) -> Spread | None:
        """Returns measured seconds over those by operations; None without measurements."""
        if self._architecture is None or not self._seconds:
            return None
        ratios = [
            seconds / picture_seconds(self._architecture, shape, self._device)
            for shape, measured in self._seconds.items()
            for seconds in measured
        ]
        return Spread.of(ratios)

    def group(self, shape: PictureShape, pictures: int) -> Group:
        """Returns the group of some pictures of a shape."""
        measured = self._seconds.get(shape, [])
        if measured:
            return Group(shape, pictures, "measured", len(measured), Spread.of(measured))
        if self._architecture is None:
            return Group(shape, pictures, "unknown", 0, None)
        seconds = picture_seconds(self._architecture, shape, self._device)
        if self.ratio is not None:
            records = sum(map(len, self._seconds.values()))
            return Group(shape, pictures, "scaled", records, self.ratio * seconds)
        return Group(shape, pictures, "model", 0, Spread.around(seconds, *self._device.range))

    def sets(self, sets: dict[PictureShape, int]) -> Spread:
        """Returns the seconds of preparing all reference sets once, by operations."""
        if self._architecture is None:
            return NONE
        factor = self.ratio or Spread.around(1.0, *self._device.range)
        return total(
            factor * (count * set_seconds(self._architecture, shape, self._device)) for shape, count in sets.items()
        )


def worst(bases: Iterable[Basis]) -> Basis:
    """Returns the worst of the bases."""
    return max(bases, key=BASES.index, default="unknown")


def typical_credits(samples: Sequence[Sample], shape: PictureShape) -> Spread | None:
    """Returns what a hosted tier charged for pictures of a shape, in credits; None if no record has it."""
    charged = [sample.credits for sample in samples if sample.shape == shape and sample.credits is not None]
    return Spread.of(charged) if charged else None


def dearest_price(plan: Plan, prices: Prices) -> float | None:
    """Returns what a hosted tier charges at most for a picture of the plan; None if that isn't published."""
    price = prices.hosted.get(plan.model.family) if plan.model.hosted else None
    if price is None:
        return None
    work = work_of(plan.variants, plan.model, sizes_of(plan.campaign.brand.pictures))
    return max((price.of(shape).high for shape in work.shapes), default=None)
