"""The stand-in renderer with a journal, which has one line for each picture's beginning and one for its end."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from brandpress.model.request import Failed, Rendered, RenderRequest
from tests.stand_in import StandIn

JOURNAL = "CHAOS_JOURNAL"
"""The environment variable that names the journal file."""


class JournalingStandIn(StandIn):
    """Appends the beginning and the end of each picture to the journal."""

    def stream(self, requests: Iterable[RenderRequest]) -> Iterator[Rendered | Failed]:
        """Yields a picture or a failure for each request, in order."""
        for request in requests:
            append_entry("begun", request)
            for rendered in super().stream([request]):
                append_entry("ended", request)
                yield rendered


def append_entry(event: str, request: RenderRequest) -> None:
    """Append one line with a single write, so that lines of concurrent workers don't mix."""
    line = f"{event} {prompt_id(request.prompt)}\n".encode()
    journal = os.open(os.environ[JOURNAL], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(journal, line)
    os.close(journal)


def prompt_id(prompt: str) -> str:
    """Returns the id of a prompt in the journal."""
    return hashlib.sha256(prompt.encode()).hexdigest()[:16]


def read_journal(journal: Path) -> dict[str, Counter[str]]:
    """Returns, for `begun` and `ended`, how often each prompt id occurs."""
    counts: dict[str, Counter[str]] = {"begun": Counter(), "ended": Counter()}
    for line in journal.read_text().splitlines() if journal.exists() else ():
        event, prompt = line.split()
        counts[event][prompt] += 1
    return counts


def load(base: str, **options: object) -> JournalingStandIn:
    """Returns the journaling stand-in for any checkpoint."""
    return JournalingStandIn()
