"""How large delivered files are: measured, or usual for their format."""

from __future__ import annotations

from collections.abc import Sequence

from brandpress.pipeline.plan.cost.samples import Sample
from brandpress.pipeline.plan.cost.spread import Spread

BYTES_PER_PIXEL = {
    "png": Spread(1.0, 1.5, 2.2),
    "jpeg": Spread(0.18, 0.35, 0.7),
    "webp": Spread(0.04, 0.12, 0.35),
}
"""Low: nano's smooth pictures of 512x512 (1.02, 0.18 and 0.05, measured in November 2026). High: photographs with
grain, an assumption. JPEG has quality 95 without subsampling, WebP quality 90 (see `deliver/encode.py`)."""


def bytes_per_pixel(format: str, samples: Sequence[Sample]) -> tuple[Spread, bool]:
    """Returns the bytes per pixel of a format, and whether they were measured on pictures of the same model."""
    measured = [
        sample.bytes_per_pixel for sample in samples if sample.format == format and sample.bytes_per_pixel is not None
    ]
    return (Spread.of(measured), True) if measured else (BYTES_PER_PIXEL[format], False)
