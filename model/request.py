"""The types at the model's face: requests, rendered pictures and the renderer's protocol.

Imports neither torch nor transformers.
"""

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


@dataclass(frozen=True)
class RenderRequest:
    """One picture to render.

    - prompt: the text that describes the picture.
    - references: at most 10 reference pictures, in order, each with sides of at least 64 pixels and an aspect ratio of
      at most 8:1. Don't change a picture after it was passed: its digest is cached.
    - width, height: in pixels; multiples of 16, at most 4,194,304 pixels in all, at most 8:1.
    - seed: of the noise, which is drawn on the CPU in float32: a seed means the same picture on every device.
    - steps, guidance: None takes the default of the checkpoint's family.
    - negative_prompt: what guidance leads away from; for models that aren't distilled.
    - reference_pixels: the area that larger references are scaled down to, 4,096 to 4,096,576 (2024x2024); None takes
      the model's default, 1024x1024.
    - upsample: let the model's own language model rewrite the prompt first, if it has one.
    - reuse: "exact" computes everything that would change the picture. "approximate" reuses the keys and values of
      references from an earlier step and skips some steps of a long schedule (see `inference.step_cache`).
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
    """A picture and what it took.

    - picture: in RGB.
    - timings: seconds per stage.
    - cache: per kind of cache, 1 for a hit and 0 for a miss.
    - prompt: the rewritten prompt; None if it wasn't rewritten.
    - cost: what a hosted tier charged, in its credits (US cents); None for a local model.
    """

    picture: Image.Image
    timings: dict[str, float] = field(default_factory=dict)
    cache: dict[str, int] = field(default_factory=dict)
    prompt: str | None = None
    cost: float | None = None


@dataclass(frozen=True)
class Failed:
    """Takes a picture's place in a stream if its request failed and the other requests can still succeed."""

    cause: BrandpressError


class RendererProtocol(Protocol):
    """What can render requests: a `Renderer` with a model on a device, or a hosted tier."""

    def render(self, requests: Sequence[RenderRequest]) -> list[Image.Image]:
        """Returns the pictures, in the order of the requests. Raises RequestError before anything is rendered."""

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        """Yields the pictures one by one, in the order of the requests."""

    def prepare(self, requests: Iterable[RenderRequest]) -> None:
        """Do work in advance that is cheaper for many requests together. Optional.

        Can be called while `stream` waits for its next request.
        """

    def release(self) -> None:
        """Free memory that no running picture needs, before a picture that ran out of memory is retried.

        Can be called while `stream` waits for its next request.
        """

    def host(self) -> dict[str, str]:
        """Returns what records say about the machine: at least device, torch and driver."""
