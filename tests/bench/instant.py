"""A renderer that takes no time, to measure what is left without one: each size has one picture, made once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from PIL import Image

from brandpress.model.request import Rendered, RenderRequest


class Instant:
    """What a press needs of a renderer."""

    def prepare(self, requests: Iterable[RenderRequest]) -> None:
        """Nothing is worth doing ahead."""

    def release(self) -> None:
        """It holds no memory."""

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered]:
        for request in requests:
            yield Rendered(picture(request.width, request.height))

    def host(self) -> dict[str, str]:
        return {"device": "instant", "torch": "none", "driver": "none"}


def load(base: str, **options: object) -> Instant:
    """A renderer whatever the checkpoint."""
    return Instant()


@cache
def picture(width: int, height: int) -> Image.Image:
    return Image.linear_gradient("L").resize((width, height)).convert("RGB")
