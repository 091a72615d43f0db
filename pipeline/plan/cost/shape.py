"""What the time of a picture depends on. Pictures of one shape take about equally long."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.enlarging import sampled_pixels
from brandpress.model.reference_size import prepared_tokens
from brandpress.model.request import SIZE_MULTIPLE
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.spec.picture import Picture

TOKEN_PIXELS = SIZE_MULTIPLE**2
PictureSizes = Mapping[str, tuple[int, int]]
"""Width and height of reference pictures, keyed by the SHA-256 of their files."""


@dataclass(frozen=True, slots=True)
class PictureShape:
    """width, height: in pixels. sampled_pixels: the area that is rendered, which may be enlarged then. steps: 0 where
    a hosted service chooses them. passes: of the transformer in a step, 2 with guidance of an undistilled model.
    tokens_of_references: of each prepared reference, sorted. A token has 16x16 pixels. approximate: whether `reuse:
    approximate` saves passes over them."""

    width: int
    height: int
    sampled_pixels: int
    steps: int
    passes: int
    tokens_of_references: tuple[int, ...]
    approximate: bool = False

    @property
    def tokens(self) -> int:
        """Tokens of the picture itself."""
        return self.sampled_pixels // TOKEN_PIXELS

    @property
    def references(self) -> int:
        """How many references it has."""
        return len(self.tokens_of_references)

    @property
    def reference_tokens(self) -> int:
        """Tokens of all references together."""
        return sum(self.tokens_of_references)

    @property
    def pixels(self) -> int:
        """Its area."""
        return self.width * self.height

    @property
    def file_pixels(self) -> int:
        """The area that the file's size is about proportional to: the geometric mean of the rendered and the enlarged
        one, as measured with four PNG files of nano."""
        return math.isqrt(self.pixels * self.sampled_pixels)


def sizes_of(pictures: Mapping[str, Picture]) -> PictureSizes:
    """Returns the sizes of a brand spec's pictures."""
    return {picture.sha256: (picture.width, picture.height) for picture in pictures.values()}


def shape_of(variant: Variant, model: ModelDescription, tokens_of_references: tuple[int, ...]) -> PictureShape:
    """Returns the shape of a variant. tokens_of_references: see `tokens_of`; the same for all variants of a set."""
    return PictureShape(
        width=variant.width,
        height=variant.height,
        sampled_pixels=sampled_pixels(variant.width, variant.height, model.base_pixels),
        steps=variant.steps or 0,
        passes=passes_of(model, variant.guidance),
        tokens_of_references=tokens_of_references,
        approximate=variant.reuse == "approximate",
    )


def recorded_shape(fields: Mapping[str, Any], model: ModelDescription, sizes: PictureSizes) -> PictureShape | None:
    """Returns the shape of a record's picture; None if its fields have other types. References that the brand spec no
    longer has count as pictures of the largest area that the model reads."""
    width, height, steps = fields.get("width"), fields.get("height"), fields.get("steps")
    guidance, references = fields.get("guidance"), fields.get("references")
    pixels = fields.get("reference_pixels") or model.reference_pixels
    if not (_whole(width) and _whole(height) and _whole(pixels) and isinstance(references, list)):
        return None
    if not (steps is None or _whole(steps)) or not (guidance is None or isinstance(guidance, int | float)):
        return None
    digests = [str(reference.get("sha256")) for reference in references if isinstance(reference, dict)]
    passes = passes_of(model, guidance)
    approximate = fields.get("reuse") == "approximate"
    area = sampled_pixels(width, height, model.base_pixels)
    tokens = tokens_of(digests, pixels, sizes)
    return PictureShape(width, height, area, steps or 0, passes, tokens, approximate)


def passes_of(model: ModelDescription, guidance: float | None) -> int:
    """Returns the passes of the transformer in a step."""
    return 2 if not model.distilled and (guidance or 1) > 1 else 1


def tokens_of(digests: Sequence[str], pixels: int, sizes: PictureSizes) -> tuple[int, ...]:
    """Returns the tokens of each reference, sorted. pixels: the area that larger ones are scaled down to."""
    return tuple(sorted(_tokens(sizes.get(digest), pixels) for digest in digests))


def _tokens(size: tuple[int, int] | None, pixels: int) -> int:
    return pixels // TOKEN_PIXELS if size is None else prepared_tokens(size, pixels)


def _whole(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 31
