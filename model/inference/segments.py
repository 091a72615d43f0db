"""The pictures of a packed pass: their rows and where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from brandpress.model.inference.reference_kv import ReferenceKV

Rows = tuple[slice, ...]
"""Where a picture's rows lie in a pass, in their order: together, or image and text apart."""


@dataclass(frozen=True)
class Segment:
    """A picture's part of a pass: how many of its rows are references, target and text, and the
    `freqs_cis` of each (S, H).

    kv: where its keys and values are written, behind `offset` rows that are there already.
    """

    references: int
    target: int
    text: int
    freqs_cis: Tensor
    kv: ReferenceKV | None = None
    offset: int = 0

    @property
    def image(self) -> int:
        return self.references + self.target

    @property
    def rows(self) -> int:
        return self.image + self.text


def in_streams(segments: Sequence[Segment]) -> tuple[Rows, ...]:
    """The image rows of all pictures, then the text rows of all."""
    if len(segments) == 1:
        return one_by_one(segments)
    images = list(accumulate((segment.image for segment in segments), initial=0))
    texts = list(accumulate((segment.text for segment in segments), initial=images[-1]))
    return tuple((slice(*image), slice(*text)) for image, text in zip(pairwise(images), pairwise(texts), strict=True))


def one_by_one(segments: Sequence[Segment]) -> tuple[Rows, ...]:
    """Each picture's rows together."""
    ends = accumulate((segment.rows for segment in segments), initial=0)
    return tuple((slice(start, end),) for start, end in pairwise(ends))


def packed(parts: Sequence[Tensor], places: Sequence[Rows]) -> Tensor:
    """Tensors of each picture's rows -> one of all rows, each where it belongs."""
    if len(parts) == 1:
        return parts[0]
    whole = parts[0].new_empty((sum(part.shape[0] for part in parts), *parts[0].shape[1:]))
    for part, rows in zip(parts, places, strict=True):
        put(whole, rows, part)
    return whole


def pick(x: Tensor, rows: Sequence[slice]) -> Tensor:
    """Rows of x; a view of it where they're one slice."""
    return x[rows[0]] if len(rows) == 1 else torch.cat([x[part] for part in rows])


def put(x: Tensor, rows: Rows, part: Tensor) -> None:
    """Write rows of x."""
    start = 0
    for place in rows:
        end = start + place.stop - place.start
        x[place] = part[start:end]
        start = end
