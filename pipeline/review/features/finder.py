"""Finds a subject in a picture: the place and size at which a reference's features match best.

Shapes: T templates, D features, K, H and W cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import conv2d

from brandpress.pipeline.review.features.network import FeatureNetwork
from brandpress.pipeline.review.features.template import SHORTER_SIDE, SIZES, ReferenceTemplates, Template

MAX_ASPECT = 4
"""Pictures that are longer than this are squeezed."""
_OUTSIDE = 4
"""A quarter of a template may lie outside the picture, on each side."""

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 as shares of the picture's width and height; it may extend beyond the picture."""


@dataclass(frozen=True)
class Sighting:
    """Where a picture resembles a reference most.

    similarity: the mean cosine similarity of the cells that show the subject. box: the template's square. reference:
    its index. vector: the mean of the picture's features in these cells.
    """

    similarity: float
    box: Box
    reference: int
    mirrored: bool
    vector: NDArray[np.float32]


def scene_map(network: FeatureNetwork, picture: Image.Image) -> Tensor:
    """Returns the features of a whole picture, D x H x W, with SHORTER_SIDE cells along its shorter side."""
    scale = SHORTER_SIDE / min(picture.size)
    width, height = (min(MAX_ASPECT * SHORTER_SIDE, round(side * scale)) for side in picture.size)
    size = (width * network.stride, height * network.stride)
    return network.map_of(picture.convert("RGB").resize(size, Image.Resampling.BILINEAR))


def find(scene_DHW: Tensor, references: Sequence[ReferenceTemplates]) -> Sighting:  # noqa: N803
    """Returns the best match of any template of any reference. Raises ValueError without references."""
    best: tuple[float, Template, int, int, int] | None = None
    for cells in SIZES:
        pairs = [(i, t) for i, one in enumerate(references) for t in one.templates if t.cells == cells]
        stacked_TDKK = torch.stack([template.weighted for _, template in pairs])  # noqa: N806
        matches_THW = conv2d(scene_DHW[None], stacked_TDKK, padding=cells // _OUTSIDE)[0]  # noqa: N806
        value, index = matches_THW.flatten().max(0)
        if best is None or float(value) > best[0]:
            number, row, column = np.unravel_index(int(index), tuple(matches_THW.shape))
            reference, template = pairs[int(number)]
            best = (float(value), template, reference, int(row) - cells // _OUTSIDE, int(column) - cells // _OUTSIDE)
    if best is None:
        raise ValueError("there are no references")
    similarity, template, reference, top, left = best
    _, height, width = scene_DHW.shape
    box = (left / width, top / height, (left + template.cells) / width, (top + template.cells) / height)
    return Sighting(similarity, box, reference, template.mirrored, _vector(scene_DHW, template, top, left))


def _vector(scene_DHW: Tensor, template: Template, top: int, left: int) -> NDArray[np.float32]:  # noqa: N803
    _, height, width = scene_DHW.shape
    y0, x0 = max(0, top), max(0, left)
    y1, x1 = min(height, top + template.cells), min(width, left + template.cells)
    weights = template.weights[y0 - top : y1 - top, x0 - left : x1 - left]
    vector = (scene_DHW[:, y0:y1, x0:x1] * weights).sum((1, 2))
    return np.asarray(vector, np.float32)
