"""What the measures ask of a network: feature maps of pictures.

Shapes: D features, H and W cells of a map.
"""

from __future__ import annotations

from typing import Protocol

from PIL import Image
from torch import Tensor


class FeatureNetwork(Protocol):
    """A network that turns each cell of a picture, `stride` pixels square, into features."""

    @property
    def name(self) -> str:
        """Names the network and its weights; part of the identity of scores."""

    @property
    def stride(self) -> int:
        """The side of a cell in pixels."""

    def map_of(self, picture: Image.Image) -> Tensor:
        """Returns the features of an RGB picture whose sides are multiples of `stride`: float32, D x H x W.

        They have unit length, so that products of cells are cosine similarities.
        """
