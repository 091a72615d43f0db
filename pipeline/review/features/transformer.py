"""Feature maps of vision transformers (DINOv2, SigLIP) from a folder of the user's, through transformers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import normalize

from brandpress.model.errors import RequestError

KINDS = ("dinov2", "dinov2_with_registers", "siglip", "siglip_vision_model")
"""Model types of config.json that are known to work."""
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's, if the folder doesn't say


@dataclass(frozen=True)
class VisionTransformer:
    """A network on the CPU. mean, std: of its training pictures, per channel. arguments: for each call."""

    network: Any
    name: str
    stride: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    arguments: Mapping[str, bool]

    @classmethod
    def load(cls, folder: Path) -> VisionTransformer:
        """Returns the network in a folder in the format of transformers. Nothing is downloaded.

        Raises RequestError if there is none, or if it's of an unknown kind.
        """
        config = _json(folder / "config.json")
        kind = config.get("model_type")
        if kind not in KINDS:
            raise RequestError(f"--features {folder}: the model type {kind!r} isn't known; allowed: {', '.join(KINDS)}")
        from transformers import AutoModel

        try:
            model = AutoModel.from_pretrained(str(folder), local_files_only=True, use_safetensors=True)
        except (OSError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            raise RequestError(f"--features {folder}: the model can't be loaded: {reason}") from None
        network = getattr(model, "vision_model", model).eval()
        preprocessing = _json(folder / "preprocessor_config.json", optional=True)
        mean, std = _three(preprocessing.get("image_mean"), _MEAN), _three(preprocessing.get("image_std"), _STD)
        # DINOv2 fits its positions to a picture's size by itself.
        arguments = {"interpolate_pos_encoding": True} if kind.startswith("siglip") else {}
        return cls(network, f"{kind} {_digest(folder)}", int(network.config.patch_size), mean, std, arguments)

    @torch.inference_mode()
    def map_of(self, picture: Image.Image) -> Tensor:
        """Returns the last layer's features of the patches: D x H x W. See FeatureNetwork."""
        levels = torch.from_numpy(np.array(picture.convert("RGB"))).float() / 255
        x = ((levels - torch.tensor(self.mean)) / torch.tensor(self.std)).permute(2, 0, 1)[None]
        height, width = picture.height // self.stride, picture.width // self.stride
        tokens = self.network(pixel_values=x, **self.arguments).last_hidden_state[0]
        patches = tokens[len(tokens) - height * width :]  # behind the class token and the registers
        return normalize(patches.T.reshape(-1, height, width).float(), dim=0)


def _json(file: Path, *, optional: bool = False) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        if optional:
            return {}
        raise RequestError(
            f"--features {file.parent}: there is no {file.name}; name a folder with DINOv2 or SigLIP weights"
        ) from None
    except (OSError, ValueError) as error:
        raise RequestError(f"--features {file}: the file can't be read: {error}") from None
    return values if isinstance(values, dict) else {}


def _three(values: object, default: tuple[float, float, float]) -> tuple[float, float, float]:
    if isinstance(values, list) and len(values) == 3 and all(isinstance(value, int | float) for value in values):
        return float(values[0]), float(values[1]), float(values[2])
    return default


def _digest(folder: Path) -> str:
    """Returns a digest of the weights, the configuration and the preprocessing."""
    digest = hashlib.sha256()
    for file in sorted([*folder.glob("*.safetensors"), *folder.glob("*config.json")]):
        with file.open("rb") as opened:
            digest.update(f"{file.name} {hashlib.file_digest(opened, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()[:16]
