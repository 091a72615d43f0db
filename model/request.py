"""Requests, rendered pictures, and the protocol of renderers. Imports neither torch nor transformers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from brandpress.model.sampling_params import SamplingParams

if TYPE_CHECKING:
    from PIL import Image

    from brandpress.model.errors import BrandpressError

MAX_PIXELS = 4_194_304
MAX_REFERENCES = 10
SIZE_MULTIPLE = 16
MAX_ASPECT = 8
MIN_REFERENCE_SIDE = 64
MIN_REFERENCE_PIXELS = MIN_REFERENCE_SIDE**2
MAX_REFERENCE_PIXELS = 2024 * 2024


@dataclass(frozen=True)
class RenderRequest(SamplingParams):
    """One picture to render. Also takes the sampling parameters (`steps=`, `guidance=`, …) as keyword arguments.

    - prompt: a description of the picture.
    - references: at most 10 reference pictures, in order, each with sides of at least 64 pixels and an aspect ratio of
      at most 8:1. Don't change a picture that was passed: its digest is cached.
    - width, height: in pixels. Multiples of 16, at most 4,194,304 pixels in total, at most 8:1.
    - seed: of the noise. It is drawn on the CPU in float32, so that a seed means the same picture on every device.
    - reference_pixels: 4,096 to 4,096,576 (2024x2024).
    """

    prompt: str
    references: tuple[Image.Image, ...] = ()
    width: int = 1024
    height: int = 1024
    seed: int = 0


@dataclass(frozen=True)
class Rendered:
    """A picture and what rendering it took.

    - picture: in RGB.
    - timings: seconds per stage.
    - cache: for each kind of cache, 1 for a hit and 0 for a miss.
    - prompt: the rewritten prompt; None if it wasn't rewritten.
    - cost: what a hosted tier charged, in credits (US cents); None for a local model.
    - enlarged_from: the (width, height) that it was rendered at, if it was enlarged.
    """

    picture: Image.Image
    timings: dict[str, float] = field(default_factory=dict)
    cache: dict[str, int] = field(default_factory=dict)
    prompt: str | None = None
    cost: float | None = None
    enlarged_from: tuple[int, int] | None = None


@dataclass(frozen=True)
class Failed:
    """Replaces a picture in a stream if its request failed and other requests can still succeed."""

    cause: BrandpressError


class LoadedModel(Protocol):
    """What identifies a loaded model: the digest of its files, and the version of the sampling code."""

    @property
    def weights_digest(self) -> str:
        """SHA-256 in hex over all files that were read."""

    @property
    def sampler(self) -> str:
        """Name and version of the sampling code."""


class RendererProtocol(Protocol):
    """Renders requests: a `Renderer` with a model on a device, or a `HostedRenderer`.

    description: the model that was loaded. A plan's pictures must have its `weights_digest` and `sampler`.
    """

    @property
    def description(self) -> LoadedModel:
        """The model that was loaded."""

    def render(self, requests: Iterable[RenderRequest]) -> list[Image.Image]:
        """Returns the pictures, in the order of the requests. Raises RequestError before anything is rendered."""

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        """Yields the pictures one by one, in the order of the requests."""

    def prepare(self, requests: Iterable[RenderRequest]) -> None:
        """Do in advance what is cheaper for many requests together. Optional.

        Can be called while `stream` waits for its next request.
        """

    def release(self) -> None:
        """Free memory that no running picture needs, before a picture that ran out of memory is retried.

        Can be called while `stream` waits for its next request.
        """

    def host(self) -> dict[str, str]:
        """Returns the fields of a record about the machine: at least device, torch and driver."""
