"""Which renders were double: those that began although their picture was in the store.

The renderer's journal says when each render began, and the store's own times say how long each picture was there. So a
picture that is rendered again because it was deleted, or because whoever held it was killed before it was delivered, is
not a double.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from brandpress.pipeline.deliver.record import RECORDS
from brandpress.pipeline.deliver.resume import ASSETS, read_index
from brandpress.pipeline.store.protocol import Store
from tests.chaos.renderer import picture_id

CLOCK_STEP = 1.0
"""S3 gives times in whole seconds, rounded down."""
LOOK_SECONDS = 1.0
"""A busy machine may take that long from a worker's look into the store to the render that follows."""
GRACE = CLOCK_STEP + LOOK_SECONDS


@dataclass(frozen=True, slots=True)
class Stored:
    """How long a picture was in the store. picture: its id in the journal. since, until: seconds since 1970."""

    picture: str
    since: float
    until: float = inf


def stored_pictures(folder: Store) -> frozenset[Stored]:
    """Returns the done pictures that are in the store now, recorded and with their file."""
    written = {entry.key: entry.modified for prefix in (RECORDS, ASSETS) for entry in folder.entries(prefix)}
    return frozenset(
        Stored(picture_id(record.prompt, record.model.weights_digest), max(written[record.key], written[record.asset]))
        for record in read_index(folder).records().values()
        if record.status == "done" and record.key in written and record.asset is not None and record.asset in written
    )


def doubles(begun: Mapping[str, Sequence[float]], stored: Iterable[Stored]) -> list[tuple[float, Stored]]:
    """Returns when each double render began, and how long its picture was stored. begun: times by picture."""
    known = list(stored)
    return [
        (begin, one)
        for picture, begins in begun.items()
        for begin in begins
        for one in known
        if one.picture == picture and one.since + GRACE < begin < one.until
    ]


def description(begin: float, one: Stored, timeline: Sequence[tuple[float, str]]) -> str:
    """Returns what happened before a double render. timeline: times and what was done to the campaign."""
    before = [f"{what} {begin - time:.1f} s before" for time, what in timeline if time < begin][-4:]
    return f"a render began {begin - one.since:.1f} s after its picture was stored ({', '.join(before)})"
