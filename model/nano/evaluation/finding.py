"""Finds the items of a brand in a picture by the features of crops.

Shapes: W windows, R references, D features, G grounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import normalize

from brandpress.model.nano.evaluation.features import Features

GROUNDS = ((255, 255, 255), (128, 128, 128), (40, 40, 60), (200, 170, 120), (120, 160, 90), (150, 190, 230))
"""Plain colours behind the references, so that a crop's background hardly counts."""
MARGIN = 0.08
"""Around a reference, as a share of its side."""
PAIR_WINDOWS = (0.36, 0.46, 0.58)
CROWD_WINDOWS = (0.26, 0.34, 0.46)
"""Sides of the crops, as shares of the picture's shorter side: for up to two items, and for more."""
_STRIDE = 0.25
"""Largest distance between neighbouring crops, as a share of their side."""
_SHORTLIST = 3
"""Crops that are compared with each reference: those of the best parts of the picture's feature map."""

Window = tuple[float, float, float, float]
"""x0, y0, x1, y1 as shares of the picture's width and height."""


@dataclass(frozen=True)
class Sighting:
    """What a picture shows of the items that its prompt asks for.

    recognised: for each item, whether it's among the nearest references of its kind, as many as the prompt asks for.
    centres: of each item's best crop, as shares of the picture's shorter side. margin: the smallest lead in cosine
    similarity of an asked item over the nearest reference that isn't asked for; below 0 if one isn't recognised.
    """

    recognised: tuple[bool, ...]
    centres: tuple[tuple[float, float], ...]
    margin: float

    @property
    def distance(self) -> float:
        """Returns the smallest horizontal distance between two centres."""
        across = sorted(x for x, _ in self.centres)
        return min(right - left for left, right in pairwise(across))


@dataclass(frozen=True)
class Finder:
    """Compares crops with references, name -> (kind, features).

    names, kinds: of each reference. references: R x D, the mean of the unit features over GROUNDS. mean: D, the mean of
    all references' features, which is subtracted from those of crops.
    """

    features: Features
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    references: Tensor
    mean: Tensor

    @classmethod
    def of(cls, features: Features, cutouts: Mapping[str, tuple[str, Image.Image]]) -> Finder:
        """Returns the finder of items, name -> (kind, RGBA picture)."""
        pictures = [on_ground(cutout, 128, ground, MARGIN) for _, cutout in cutouts.values() for ground in GROUNDS]
        features_RGD = features.of(pictures).view(len(cutouts), len(GROUNDS), -1)
        mean_D = features_RGD.mean((0, 1))
        references_RD = normalize(features_RGD - mean_D, dim=-1).mean(1)
        return cls(features, tuple(cutouts), tuple(kind for kind, _ in cutouts.values()), references_RD, mean_D)

    def find(self, picture: Image.Image, wanted: Sequence[str], sizes: Sequence[float] = PAIR_WINDOWS) -> Sighting:
        """Returns what the picture shows of the items with these names. Raises ValueError for an unknown name."""
        width, height = picture.size
        boxes = self._shortlist(picture, windows(tuple(sizes), width, height))
        crops = [
            picture.crop((round(x0 * width), round(y0 * height), round(x1 * width), round(y1 * height)))
            for x0, y0, x1, y1 in boxes
        ]
        crops_WD = normalize(self.features.of(crops) - self.mean, dim=-1)
        similarity_WR = crops_WD @ self.references.T
        best_R, window_R = similarity_WR.max(dim=0)
        indices = [self.names.index(name) for name in wanted]
        shorter = min(width, height)
        centres = []
        for index in indices:
            x0, y0, x1, y1 = boxes[int(window_R[index])]
            centres.append(((x0 + x1) / 2 * width / shorter, (y0 + y1) / 2 * height / shorter))
        leads = [float(best_R[index]) - self._best_other(best_R, indices, self.kinds[index]) for index in indices]
        return Sighting(tuple(lead > 0 for lead in leads), tuple(centres), min(leads))

    def _shortlist(self, picture: Image.Image, boxes: Sequence[Window]) -> list[Window]:
        """Returns the windows that resemble a reference most, without cutting them out."""
        map_DHW = self.features.map_of(picture)
        _, height, width = map_DHW.shape
        parts = []
        for x0, y0, x1, y1 in boxes:
            rows, columns = _cells(y0, y1, height), _cells(x0, x1, width)
            parts.append(map_DHW[:, rows, columns].mean((1, 2)))
        parts_WD = normalize(torch.stack(parts) - self.mean, dim=-1)
        best_KR = (parts_WD @ self.references.T).topk(_SHORTLIST, dim=0).indices
        return [boxes[index] for index in sorted(set(best_KR.flatten().tolist()))]

    def _best_other(self, best_R: Tensor, wanted: Sequence[int], kind: str) -> float:
        """Returns the similarity of the nearest reference of this kind that isn't asked for."""
        others = [index for index, name in enumerate(self.kinds) if name == kind and index not in wanted]
        return float(best_R[torch.tensor(others)].max())


@cache
def windows(sizes: tuple[float, ...], width: int, height: int) -> tuple[Window, ...]:
    """Returns square crops of these sizes, which cover the picture evenly."""
    shorter = min(width, height)
    boxes: list[Window] = []
    for size in sizes:
        across, down = size * shorter / width, size * shorter / height
        boxes += [
            (float(x), float(y), float(x) + across, float(y) + down) for y in _offsets(down) for x in _offsets(across)
        ]
    return tuple(boxes)


def _cells(start: float, end: float, count: int) -> slice:
    """Returns the cells of a map with `count` cells from `start` to `end`, shares of its length; at least one."""
    first = min(round(start * count), count - 1)
    return slice(first, max(first + 1, round(end * count)))


def _offsets(side: float) -> np.ndarray:
    return np.linspace(0, 1 - side, int(np.ceil((1 - side) / (_STRIDE * side) - 1e-9)) + 1)


def on_ground(cutout: Image.Image, side: int, ground: tuple[int, int, int], margin: float) -> Image.Image:
    """Returns the RGBA picture, trimmed already, in the middle of a square of `side` pixels with this margin."""
    square = Image.new("RGB", (side, side), ground)
    item = scaled(cutout, side * (1 - 2 * margin))
    square.paste(item, ((side - item.width) // 2, (side - item.height) // 2), item)
    return square


def scaled(cutout: Image.Image, length: float) -> Image.Image:
    """Returns the picture with its longer side scaled to `length` pixels."""
    scale = length / max(cutout.size)
    size = (max(1, round(cutout.width * scale)), max(1, round(cutout.height * scale)))
    return cutout.resize(size, Image.Resampling.LANCZOS)


def trimmed(picture: Image.Image) -> Image.Image:
    """Returns the RGBA picture without its transparent margin. Raises ValueError if it's transparent all over."""
    box = picture.getchannel("A").point(lambda alpha: 255 if alpha > 24 else 0).getbbox()
    if box is None:
        raise ValueError("the picture is transparent all over")
    return picture.crop(box)
