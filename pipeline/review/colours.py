"""Colours as people see them: dominant colours of pictures, and CIEDE2000 differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from brandpress.pipeline.review.extras import require

SIDE = 160
"""Pixels that a picture's longer side is scaled to before its colours are counted."""


@dataclass(frozen=True)
class ColourShare:
    """A colour, `#rrggbb`, and the share of the pixels that have about this colour."""

    colour: str
    share: float


def dominant_colours(
    picture: Image.Image, count: int = 8, mask: NDArray[np.bool_] | None = None
) -> tuple[ColourShare, ...]:
    """Returns at most `count` colours of a picture with their shares, the most frequent first.

    mask: the pixels that count, (height, width); there must be at least one.
    """
    if mask is None:
        scale = min(1.0, SIDE / max(picture.size))
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        counted = picture.convert("RGB").resize(size, Image.Resampling.BOX)
    else:
        counted = Image.fromarray(np.asarray(picture.convert("RGB"))[mask][None])
    quantised = counted.quantize(count, Image.Quantize.MEDIANCUT, kmeans=2)
    palette = quantised.getpalette() or []
    shares = [
        ColourShare(
            "#" + bytes(palette[3 * int(str(index)) : 3 * int(str(index)) + 3]).hex(),
            pixels / counted.width / counted.height,
        )
        for pixels, index in quantised.getcolors() or ()
    ]
    return tuple(sorted(shares, key=lambda one: (-one.share, one.colour)))


@lru_cache(maxsize=65_536)
def difference(one: str, other: str) -> float:
    """Returns the CIEDE2000 difference of two colours, `#rrggbb` (CIE 142-2001; 1 is just visible, 100 black to white).

    Raises MissingPackageError without coloraide.
    """
    return float(_lab(one).delta_e(_lab(other), method="2000"))


@lru_cache(maxsize=65_536)
def _lab(colour: str) -> Any:
    color = require("coloraide", "palette", "review").Color
    return color(colour).convert("lab-d65")


def nearest(colour: str, others: Sequence[str]) -> tuple[str, float]:
    """Returns the nearest of some colours, and the difference. Raises ValueError without others."""
    return min(((other, difference(colour, other)) for other in others), key=lambda pair: pair[1])
