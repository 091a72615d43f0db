"""What sales channels ask of product pictures: a pure white ground, and a subject that fills the frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from brandpress.pipeline.review.foreground import border_of, box_of, foreground, plain_ground
from brandpress.pipeline.review.measures.measure import Scale
from brandpress.pipeline.review.measures.scales import SCALES
from brandpress.pipeline.review.sample import Sample
from brandpress.pipeline.review.score import Score

PURE = 254
"""Least level of a pure white pixel's channels: compression may change 255 by one level."""


@dataclass(frozen=True)
class GroundAndFill:
    """`ground`: the share of the ground that is pure white. `fill`: how much of the frame the box around what stands on
    the ground fills, along the side where it fills more.

    Without a plain ground, `ground` is the share of the border that is pure white, and `fill` doesn't apply. Shadows
    count as part of what stands on the ground.
    """

    @property
    def scales(self) -> Mapping[str, Scale]:
        """Two scores per picture."""
        return {name: SCALES[name] for name in ("ground", "fill")}

    @property
    def identity(self) -> str:
        """Version 1."""
        return "ground/1"

    def inputs(self, sample: Sample) -> Any:
        """Nothing but the picture."""
        return None

    def __call__(self, sample: Sample) -> Sequence[Score]:
        """Returns both scores, with the ground's colour and the box."""
        pixels = np.asarray(sample.picture.convert("RGB"))
        ground = plain_ground(sample.picture)
        if ground is None:
            white = float((border_of(pixels) >= PURE).all(-1).mean())
            reason = "the ground has more than one colour"
            return [Score("ground", white, evidence={"plain": False}), Score("fill", None, reason=reason)]
        white = float((pixels[ground.mask] >= PURE).all(-1).mean())
        evidence = {"plain": True, "colour": "#" + bytes(ground.colour).hex()}
        mask = foreground(sample.picture)
        if mask is None:
            return [Score("ground", white, evidence=evidence), Score("fill", 0.0, evidence={"box": None, "area": 0.0})]
        height, width = mask.shape
        x0, y0, x1, y1 = box_of(mask)
        shares = (x0 / width, y0 / height, x1 / width, y1 / height)
        fill = max(shares[2] - shares[0], shares[3] - shares[1])
        box = {"box": [round(share, 4) for share in shares], "area": round(float(mask.mean()), 4)}
        return [Score("ground", white, evidence=evidence), Score("fill", fill, evidence=box)]
