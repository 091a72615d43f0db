"""Sizes that a model renders smaller and enlarges."""

from __future__ import annotations

import math
from collections.abc import Iterator

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.enlarging import ENLARGED_ABOVE, sampled_size
from brandpress.model.request import SIZE_MULTIPLE
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.problem import Problem


def enlarging_warnings(campaign: Campaign, model: ModelDescription) -> Iterator[Problem]:
    """Yields a warning for each size of the campaign that the model enlarges, at the place of the sizes."""
    if model.base_pixels is None:
        return
    place = "matrix" if campaign.job.size is None else "size"
    limit = ENLARGED_ABOVE * model.base_pixels
    side = math.isqrt(limit) // SIZE_MULTIPLE * SIZE_MULTIPLE
    advice = f"up to {limit:,} pixels, such as {side}x{side}, it renders pictures as they are"
    for width, height in dict.fromkeys((point.size.width, point.size.height) for point in campaign.points):
        sampled_width, sampled_height = sampled_size(width, height, model.base_pixels)
        if (sampled_width, sampled_height) != (width, height):
            smaller = f"{sampled_width}x{sampled_height}"
            what = f"warning: {model.name} renders {width}x{height} as {smaller} and enlarges it, which blurs"
            yield campaign.source.problem((place,), what, advice)
