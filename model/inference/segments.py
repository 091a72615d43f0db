"""The rows of a packed pass: which picture has which.

Legend: S rows of a picture, H half of the head size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from brandpress.model.inference.reference_kv import ReferenceKV

Rows = tuple[slice, ...]
"""A picture's rows in a pass, in order: one slice, or one of the image stream and one of the text stream."""


@dataclass(frozen=True)
class Segment:
    """A picture's part of a pass.

    references, target, text: numbers of rows. freqs_cis: of all rows, in this order (S, H). kv: where the picture's
    keys and values are written, after `offset` rows that are there already.
    """

    references: int
    target: int
    text: int
    freqs_cis: Tensor
    kv: ReferenceKV | None = None
    offset: int = 0

    @property
    def image(self) -> int:
        """The rows in the image stream."""
        return self.references + self.target

    @property
    def rows(self) -> int:
        """All rows."""
        return self.image + self.text


def in_streams(segments: Sequence[Segment]) -> tuple[Rows, ...]:
    """Returns each picture's rows if the image rows of all pictures come first, then the text rows of all."""
    if len(segments) == 1:
        return one_by_one(segments)
    images = list(accumulate((segment.image for segment in segments), initial=0))
    texts = list(accumulate((segment.text for segment in segments), initial=images[-1]))
    return tuple((slice(*image), slice(*text)) for image, text in zip(pairwise(images), pairwise(texts), strict=True))


def one_by_one(segments: Sequence[Segment]) -> tuple[Rows, ...]:
    """Returns each picture's rows if they are contiguous, one picture after the other."""
    ends = accumulate((segment.rows for segment in segments), initial=0)
    return tuple((slice(start, end),) for start, end in pairwise(ends))


def packed(parts: Sequence[Tensor], places: Sequence[Rows]) -> Tensor:
    """Returns the rows of all pictures as one tensor, given a tensor per picture and each picture's place."""
    if len(parts) == 1:
        return parts[0]
    whole = parts[0].new_empty((sum(part.shape[0] for part in parts), *parts[0].shape[1:]))
    for part, rows in zip(parts, places, strict=True):
        put(whole, rows, part)
    return whole


def pick(x: Tensor, rows: Sequence[slice]) -> Tensor:
    """Returns rows of x: a view for one slice, otherwise a copy."""
    return x[rows[0]] if len(rows) == 1 else torch.cat([x[part] for part in rows])


def put(x: Tensor, rows: Rows, part: Tensor) -> None:
    """Writes `part` to `rows` of x."""
    start = 0
    for place in rows:
        end = start + place.stop - place.start
        x[place] = part[start:end]
        start = end
