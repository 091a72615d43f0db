"""Sizes that a model renders smaller and enlarges."""

from __future__ import annotations

import math
from collections.abc import Iterator

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.enlarging import ENLARGED_ABOVE, sampled_size
from brandpress.model.request import SIZE_MULTIPLE
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.document import Location
from brandpress.pipeline.spec.points import Point
from brandpress.pipeline.spec.problem import Problem
from brandpress.pipeline.spec.size import Size

SHOWN = 4
"""Sizes that are named."""


def enlarging_warnings(campaign: Campaign, model: ModelDescription) -> Iterator[Problem]:
    """Yields a warning with the sizes of the campaign that the model enlarges, at the place of the first one."""
    if model.base_pixels is None:
        return
    points = {point.size: point for point in reversed(campaign.points)}
    sampled = {size: Size(*sampled_size(*size, model.base_pixels)) for size in reversed(points)}
    enlarged = [size for size in sampled if sampled[size] != size]
    if not enlarged:
        return
    shown = ", ".join(f"{size} as {sampled[size]}" for size in enlarged[:SHOWN])
    more = f" and {len(enlarged) - SHOWN:,} more sizes smaller" if len(enlarged) > SHOWN else ""
    what = f"warning: {model.name} renders {shown}{more} and enlarges them, which blurs"
    limit = ENLARGED_ABOVE * model.base_pixels
    side = math.isqrt(limit) // SIZE_MULTIPLE * SIZE_MULTIPLE
    advice = f"up to {limit:,} pixels, such as {side}x{side}, it renders pictures as they are"
    yield campaign.source.problem(_place(campaign, points[enlarged[0]]), what, advice)


def _place(campaign: Campaign, point: Point) -> Location:
    """Returns where a point's size is written: at its format in the matrix or in an entry of `include`, or `size`."""
    name = point.axes.get("format")
    if name is None:
        return ("size",)
    entries = campaign.source.data.get("include") if isinstance(campaign.source.data, dict) else None
    places: list[Location] = [("matrix", "format", name)]
    places += [("include", index, "format", name) for index in range(len(entries or ()))]
    return next((place for place in places if campaign.source.existing(place) == place), places[0])
