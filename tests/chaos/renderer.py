"""The stand-in renderer with a journal: one line when a picture begins and one when it ends, with the time.

It marks each picture with the digest of the weights that it has loaded, and returns broken pictures at random.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

from PIL import Image

from brandpress.model.checkpoint.describe import describe
from brandpress.model.request import Failed, Rendered, RenderRequest
from tests.stand_in import StandIn

JOURNAL = "CHAOS_JOURNAL"
"""The environment variable that names the journal file."""

BROKEN = "CHAOS_BROKEN"
"""The environment variable with the share of pictures that come out black, as values that aren't finite do."""

POISON_SCENES = {"exits": "[exit]", "hangs": "[hang]", "exhausts": "[exhaust]"}
"""Scenes that must end in quarantine, with their faults. They never come out black, because that is a failure of
another kind."""

MARK = (0, 0, 8, 8)
"""The part of each picture whose colour tells the weights."""


class JournalingStandIn(StandIn):
    """Appends the beginning and the end of each picture to the journal."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.description = describe(base, Path("/"))
        self._broken, self._random = float(os.environ.get(BROKEN, "0")), Random(os.getpid())

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        """Yields a picture or a failure for each request, in order."""
        digest = self.description.weights_digest
        for request in requests:
            append_entry("begun", request, digest)
            is_poison = any(fault in request.prompt for fault in POISON_SCENES.values())
            if not is_poison and self._random.random() < self._broken:
                append_entry("broken", request, digest)
                yield Rendered(Image.new("RGB", (request.width, request.height)))
                continue
            for rendered in super().stream([request]):
                append_entry("ended", request, digest)
                if isinstance(rendered, Rendered):
                    rendered.picture.paste(colour_of(digest), MARK)
                yield rendered


def colour_of(digest: str) -> tuple[int, int, int]:
    """Returns the colour by which a picture tells the weights with this digest."""
    red, green, blue = bytes.fromhex(digest)[:3]
    return red, green, blue


def shows(picture: Image.Image, digest: str) -> bool:
    """Whether a picture was rendered with the weights of this digest."""
    return picture.convert("RGB").crop(MARK).getcolors(maxcolors=1) == [(64, colour_of(digest))]


def append_entry(event: str, request: RenderRequest, digest: str) -> None:
    """Append one line with a single write, so that lines of concurrent workers don't mix."""
    line = f"{event} {picture_id(request.prompt, digest)} {time.time():.3f}\n".encode()
    journal = os.open(os.environ[JOURNAL], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(journal, line)
    os.close(journal)


def picture_id(prompt: str, digest: str) -> str:
    """Returns the id of a picture in the journal: of its prompt and the weights."""
    return hashlib.sha256(f"{prompt} {digest}".encode()).hexdigest()[:16]


def read_journal(journal: Path) -> dict[str, dict[str, list[float]]]:
    """Returns the times of each picture's `begun`, `ended` and `broken`, in seconds since 1970, by its id."""
    times: dict[str, dict[str, list[float]]] = {event: defaultdict(list) for event in ("begun", "ended", "broken")}
    for line in journal.read_text().splitlines() if journal.exists() else ():
        event, picture, written = line.split()
        times[event][picture].append(float(written))
    return times


def load(base: str, **options: object) -> JournalingStandIn:
    """Returns the journaling stand-in for a checkpoint."""
    return JournalingStandIn(base)
