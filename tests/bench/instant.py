"""A renderer that takes no time, for measuring the pipeline's overhead. It returns one cached picture per size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

from PIL import Image

from brandpress.model.request import Rendered, RenderRequest


class Instant:
    """The methods that the render loop calls on a renderer."""

    def prepare(self, requests: Iterable[RenderRequest]) -> None:
        """Does nothing."""

    def release(self) -> None:
        """Does nothing: it holds no memory."""

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered]:
        """Yields a picture of each request's size."""
        for request in requests:
            yield Rendered(picture(request.width, request.height))

    def host(self) -> dict[str, str]:
        """Returns placeholders for the record."""
        return {"device": "instant", "torch": "none", "driver": "none"}


def load(base: str, **options: object) -> Instant:
    """Returns an instant renderer; the checkpoint is ignored."""
    return Instant()


@cache
def picture(width: int, height: int) -> Image.Image:
    """Returns a gradient of the given size."""
    return Image.linear_gradient("L").resize((width, height)).convert("RGB")
