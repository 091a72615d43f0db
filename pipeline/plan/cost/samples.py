"""What records say about the pictures that were rendered before: seconds, bytes and credits.

Records come from a store, so that every field may be missing or of another type; such records are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.pipeline.plan.cost.shape import PictureShape, PictureSizes, recorded_shape

MAX_SAMPLES = 2_000
"""Records that are looked at: more say nothing new."""

SET_CACHES = ("latents", "reference_kv")
"""Caches of reference sets; a miss means that the picture's time contains preparing one."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A rendered picture of the same model.

    device: of its worker. seconds: the time in the model, without encoding references; None for hosted tiers and if it
    is unknown. warm: its reference set was prepared before. bytes_per_pixel: of the file. credits: of a hosted tier.
    """

    shape: PictureShape
    device: str
    seconds: float | None
    warm: bool
    format: str
    bytes_per_pixel: float | None
    credits: float | None


def samples_of(
    records: Iterable[Mapping[str, Any]], model: ModelDescription, sizes: PictureSizes
) -> tuple[Sample, ...]:
    """Returns the samples among records of a campaign that the same weights rendered. records: parsed, not validated.
    sizes: of the reference pictures that the brand spec has now."""
    return tuple(islice(_samples(records, model, sizes), MAX_SAMPLES))


def _samples(records: Iterable[Mapping[str, Any]], model: ModelDescription, sizes: PictureSizes) -> Iterator[Sample]:
    for fields in records:
        stamp, host = fields.get("model"), fields.get("host")
        if not isinstance(stamp, dict) or stamp.get("weights_digest") != model.weights_digest:
            continue
        if stamp.get("quantisation") != model.choice.quantise or fields.get("status") != "done":
            continue
        shape = recorded_shape(fields, model, sizes)
        if shape is None:
            continue
        size, cache = _positive(fields.get("bytes")), fields.get("cache")
        yield Sample(
            shape=shape,
            device=str(host.get("device", "")) if isinstance(host, dict) else "",
            seconds=None if model.hosted else _seconds(fields.get("timings")),
            warm=not isinstance(cache, dict) or all(cache.get(kind, 1) for kind in SET_CACHES),
            format=str(fields.get("format")),
            bytes_per_pixel=None if size is None else size / shape.file_pixels,
            credits=_positive(fields.get("cost")),
        )


def _seconds(timings: object) -> float | None:
    """Returns the time in the model without encoding references, which pictures of a set share."""
    if not isinstance(timings, dict):
        return None
    model = _positive(timings.get("model"))
    return None if model is None else _positive(model - (_positive(timings.get("references")) or 0.0))


def _positive(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < math.inf else None
