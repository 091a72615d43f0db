"""What a renderer is asked for and what it gives back. Imports neither torch nor transformers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from PIL import Image

    from brandpress.model.errors import BrandpressError

MAX_PIXELS = 4_194_304
MAX_REFERENCES = 10
SIZE_MULTIPLE = 16
MAX_ASPECT = 8
MIN_REFERENCE_SIDE = 64
MAX_REFERENCE_PIXELS = 2024 * 2024
DEFAULT_REFERENCE_PIXELS = 1024 * 1024


@dataclass(frozen=True)
class RenderRequest:
    """One picture to make.

    width, height: pixels, multiples of 16, together at most 4,194,304, at most 8:1. references: at most 10 pictures, in
    order; any size of at least 64 pixels a side and an aspect of at most 8:1; not to be changed afterwards. steps,
    guidance: None means what the checkpoint's family says. The noise is drawn from `seed` on the CPU in float32, so
    that a seed means one picture everywhere. negative_prompt: what guidance leads away from, for models that aren't
    distilled. reference_pixels: the area that references are scaled down to, 4,096 to 4,096,576 (2024 x 2024); None
    means the model's, 1024 x 1024.
    upsample: the prompt is first rewritten by the model's own language model, for models that have one that can.
    reuse: "approximate" takes references' keys and values of an earlier step, and leaves out some steps of a long
    schedule (see `inference.step_cache`); "exact" computes all that isn't equal anyway.
    """

    prompt: str
    references: tuple[Image.Image, ...] = ()
    width: int = 1024
    height: int = 1024
    seed: int = 0
    steps: int | None = None
    guidance: float | None = None
    negative_prompt: str = ""
    reference_pixels: int | None = None
    upsample: bool = False
    reuse: str = "exact"


@dataclass(frozen=True)
class Rendered:
    """A picture with what it took: seconds per stage, and cache hits (1) or misses (0) per kind.

    prompt: the rewritten one, None where it wasn't. cost: what a hosted tier charged, in its credits (US cents).
    """

    picture: Image.Image
    timings: dict[str, float] = field(default_factory=dict)
    cache: dict[str, int] = field(default_factory=dict)
    prompt: str | None = None
    cost: float | None = None


@dataclass(frozen=True)
class Failed:
    """What a stream gives in place of a picture, where one request's failure says nothing of the others."""

    cause: BrandpressError


class RendererProtocol(Protocol):
    """What renders: a `Renderer` with a model on a device, or a hosted tier."""

    def render(self, requests: Sequence[RenderRequest]) -> list[Image.Image]:
        """The pictures of the requests, in their order. Raises RequestError before anything is rendered."""

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        """The pictures of the requests one by one, in their order."""

    def prepare(self, requests: Iterable[RenderRequest]) -> None:
        """Do ahead what is better done for many requests at once; nothing needs it. May be called while `stream` waits
        for its next request."""

    def release(self) -> None:
        """Give memory back that no picture needs, before a picture is tried again that there was too little for. May be
        called while `stream` waits for its next request."""

    def host(self) -> dict[str, str]:
        """device, torch, driver."""
