"""Pictures, subjects and a network for tests of measures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torch.nn.functional import normalize

from brandpress.pipeline.review.sample import ReferencePicture, Sample, Subject
from brandpress.pipeline.store.protocol import sha256_hex

REFERENCES = Path(__file__).parents[3] / "specs" / "northwind" / "references"


def subject(name: str, role: str = "product") -> Subject:
    """Returns one of the demo's subjects with its reference."""
    data = (REFERENCES / f"{name}.png").read_bytes()
    return Subject(role, name, (ReferencePicture(Image.open(REFERENCES / f"{name}.png"), sha256_hex(data)),))


def shown(cutout: Image.Image, *, side: int = 256, length: float = 0.5, ground: str = "#8fb8c9") -> Image.Image:
    """Returns a cut-out on a ground with a horizon, left of the middle."""
    picture = Image.new("RGB", (side, side), ground)
    ImageDraw.Draw(picture).rectangle((0, 0.7 * side, side, side), fill="#6b8f4e")
    scale = length * side / max(cutout.size)
    item = cutout.resize((round(cutout.width * scale), round(cutout.height * scale)), Image.Resampling.LANCZOS)
    picture.paste(item, (round(0.15 * side), round(0.3 * side)), item)
    return picture


def sample(picture: Image.Image, *subjects: Subject, **fields: object) -> Sample:
    """Returns the sample of a picture that should show these subjects."""
    return Sample(picture, subjects=subjects, file_sha256=sha256_hex(picture.tobytes()), **fields)  # type: ignore[arg-type]


@dataclass(frozen=True)
class ColourCells:
    """A network without weights, for tests of what is done with features: each cell's colours in a grid of 2 x 2."""

    name: str = "colour cells"
    stride: int = 8

    def map_of(self, picture: Image.Image) -> Tensor:
        """Returns 12 features per cell."""
        width, height = picture.width // self.stride, picture.height // self.stride
        small = picture.convert("RGB").resize((2 * width, 2 * height), Image.Resampling.BOX)
        pixels = np.asarray(small, np.float32).reshape(height, 2, width, 2, 3) / 255 - 0.5
        return normalize(torch.from_numpy(pixels.transpose(1, 3, 4, 0, 2).reshape(12, height, width).copy()), dim=0)
