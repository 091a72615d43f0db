"""A stand-in for the model, where a test is about dispatch, delivery or crashes and not about pictures.

It draws a picture from the request alone, in milliseconds, and misbehaves when a prompt asks for it: `[raise]` raises,
`[exit]` ends the process, `[exit once FILE]` only if FILE isn't there yet, `[sleep S]` takes S seconds. The real model
is used where pictures matter.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from PIL import Image

from model.errors import CheckpointError
from model.request import Rendered, RenderRequest

LAST_WORDS_SECONDS = 0.5
"""A real picture takes seconds: the driver has long heard that it was begun when it takes its worker down."""


class StandIn:
    """What a press needs of a renderer."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered]:
        for request in requests:
            start = time.perf_counter()
            _misbehave(request.prompt)
            hit = int(request.prompt in self._seen)
            self._seen.add(request.prompt)
            yield Rendered(draw(request), {"denoise": time.perf_counter() - start}, {"text": hit})

    def host(self) -> dict[str, str]:
        return {"device": "stand-in", "torch": "none", "driver": "none"}


def load(base: str) -> StandIn:
    """A renderer whatever the checkpoint."""
    return StandIn()


def load_nothing(base: str) -> StandIn:
    """What a wrong checkpoint does."""
    raise CheckpointError(f"{base}: there is no checkpoint here")


def load_and_die(base: str) -> StandIn:
    """What a model that doesn't fit into memory does."""
    os._exit(1)


def draw(request: RenderRequest) -> Image.Image:
    """A picture of the right size that every part of the request changes."""
    digest = hashlib.sha256(f"{request.prompt} {request.seed} {request.steps} {request.guidance}".encode())
    for reference in request.references:
        digest.update(reference.tobytes())
    colours = digest.digest()
    picture = Image.new("RGB", (2, 2))
    picture.putdata([tuple(colours[3 * i : 3 * i + 3]) for i in range(4)])
    return picture.resize((request.width, request.height), Image.Resampling.BILINEAR)


def _misbehave(prompt: str) -> None:
    for wish, argument in re.findall(r"\[(raise|exit once|exit|sleep) ?([^\]]*)\]", prompt):
        if wish == "raise":
            raise RuntimeError(f"the stand-in was asked to fail{argument and ' '}{argument}")
        if wish == "sleep":
            time.sleep(float(argument))
        if wish == "exit" or (wish == "exit once" and not Path(argument).exists()):
            if argument:
                Path(argument).touch()
            time.sleep(LAST_WORDS_SECONDS)
            os._exit(1)
