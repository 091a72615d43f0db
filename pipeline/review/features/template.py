"""Templates: a reference's feature maps at several sizes and mirrored, with weights for the cells that show it.

Shapes: T templates, D features, K cells a side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from brandpress.pipeline.review.features.network import FeatureNetwork
from brandpress.pipeline.review.foreground import cutouts_of

SHORTER_SIDE = 24
"""Cells of a picture's shorter side."""
SIZES = (7, 9, 11, 14, 18, 23)
"""Cells of the templates' sides: subjects of 0.27 to 0.9 of a picture's shorter side."""
FILLED = 0.92
"""The cut-out's longer side as a share of the template's."""
GROUND = (160, 160, 160)
_SHOWN = 0.5
"""Least share of a cell that the cut-out covers."""


@dataclass(frozen=True)
class Template:
    """A reference at one size.

    weighted: D x K x K, the features times each cell's weight; the weights' sum is 1. mirrored: left to right.
    """

    cells: int
    mirrored: bool
    weighted: Tensor
    weights: Tensor


@dataclass(frozen=True)
class ReferenceTemplates:
    """A reference's cut-out, RGBA without margins, and its templates.

    cutouts: the cut-out, and the same with holes if it may have some.
    """

    cutouts: tuple[Image.Image, ...]
    templates: tuple[Template, ...]

    @classmethod
    def of(cls, network: FeatureNetwork, reference: Image.Image) -> ReferenceTemplates:
        """Returns the templates of a reference picture, RGB or RGBA. Raises MissingPackageError without scipy."""
        cutouts = cutouts_of(reference)
        return cls(cutouts, tuple(_template(network, cutouts[0], cells, m) for cells in SIZES for m in (False, True)))


def _template(network: FeatureNetwork, cutout: Image.Image, cells: int, mirrored: bool) -> Template:
    side = cells * network.stride
    shown = cutout.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else cutout
    canvas = on_canvas(shown, side)
    ground = Image.new("RGB", (side, side), GROUND)
    ground.paste(canvas, (0, 0), canvas)
    covered = np.asarray(canvas.getchannel("A").resize((cells, cells), Image.Resampling.BOX), np.float32) / 255
    weights = torch.from_numpy(np.where(covered >= min(_SHOWN, covered.max()), covered, 0))
    weights = weights / weights.sum()
    return Template(cells, mirrored, network.map_of(ground) * weights, weights)


def on_canvas(cutout: Image.Image, side: int) -> Image.Image:
    """Returns the cut-out in the middle of a transparent square, scaled to FILLED of its side."""
    scale = FILLED * side / max(cutout.size)
    size = (max(1, round(cutout.width * scale)), max(1, round(cutout.height * scale)))
    canvas = Image.new("RGBA", (side, side))
    item = cutout.resize(size, Image.Resampling.LANCZOS)
    canvas.paste(item, ((side - size[0]) // 2, (side - size[1]) // 2))
    return canvas


def alpha_in_box(cutout: Image.Image, side: int, mirrored: bool) -> NDArray[np.bool_]:
    """Returns which pixels of a template's square, `side` pixels, show the cut-out."""
    shown = cutout.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else cutout
    mask: NDArray[np.bool_] = np.asarray(on_canvas(shown, side).getchannel("A")) > 127
    return mask
