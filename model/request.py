"""What a renderer is asked for and what it gives back. Imports neither torch nor transformers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 4_194_304
MAX_REFERENCES = 10
SIZE_MULTIPLE = 16
MIN_REFERENCE_SIDE = 64
MAX_REFERENCE_ASPECT = 8


@dataclass(frozen=True)
class RenderRequest:
    """One picture to make.

    width, height: pixels, multiples of 16, together at most 4,194,304. references: at most 10 pictures, in order; any
    size of at least 64 pixels a side and an aspect of at most 8:1. steps, guidance: None means what the checkpoint's
    family says. The noise is drawn from `seed` on the CPU in float32, so that a seed means one picture everywhere.
    """

    prompt: str
    references: tuple[Image.Image, ...] = ()
    width: int = 1024
    height: int = 1024
    seed: int = 0
    steps: int | None = None
    guidance: float | None = None


@dataclass(frozen=True)
class Rendered:
    """A picture with what it cost: seconds per stage and cache hits (1) or misses (0) per kind."""

    picture: Image.Image
    timings: dict[str, float] = field(default_factory=dict)
    cache: dict[str, int] = field(default_factory=dict)
