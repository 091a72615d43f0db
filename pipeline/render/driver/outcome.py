"""What became of a run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from brandpress.model.errors import BrandpressError
from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.deliver.status import Failure
from brandpress.pipeline.store.protocol import StoreError


class NothingRenderedError(BrandpressError):
    """No picture could be made; the message says why."""


class StoreBlockedError(StoreError):
    """The store took nothing any more; what was delivered before stays, and so does the last manifest."""

    def __init__(self, cause: str, delivered: int, todo: int) -> None:
        super().__init__(f"{cause} ({delivered:,} of {todo:,} pictures were delivered before)", "store")
        self.delivered = delivered


@dataclass(frozen=True, slots=True)
class CacheUse:
    """How often the pictures of a run found what they needed in a worker's cache."""

    hits: int
    uses: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """Counts of variants: planned = skipped (done before) + done + failed + held_back + left (not tried).

    failures: those that failed now. held_back: those that took workers down in an earlier run and weren't tried.
    manifest: the key of the published manifest, None if there is nothing to publish. seconds: of the whole run. cache:
    per kind, over the pictures of this run. outside_model: the share of the workers' busy time that wasn't spent in the
    model, None if nothing was rendered. interrupted: a signal ended the run early. cost: what a hosted tier charged for
    this run's pictures, in its credits, None if nothing says.
    """

    planned: int
    skipped: int
    done: int
    failed: int
    failures: tuple[Failure, ...]
    manifest: str | None
    uri: str
    seconds: float
    cache: dict[str, CacheUse]
    outside_model: float | None
    interrupted: bool
    cost: float | None = None
    held_back: tuple[Failure, ...] = ()

    @property
    def left(self) -> int:
        """Variants that weren't tried, and would be the next time."""
        return self.planned - self.skipped - self.done - self.failed - len(self.held_back)

    @property
    def exit_code(self) -> int:
        """0: nothing failed. 3: some variants failed. 4: none is done. 130: interrupted."""
        if self.interrupted:
            return 130
        if not self.failed and not self.held_back:
            return 0
        return 3 if self.done + self.skipped else 4


def cache_use(records: Iterable[Record]) -> dict[str, CacheUse]:
    """Hits per kind, over records."""
    hits: Counter[str] = Counter()
    uses: Counter[str] = Counter()
    for record in records:
        hits.update(record.cache)
        uses.update(record.cache.keys())
    return {kind: CacheUse(hits=hits[kind], uses=count) for kind, count in sorted(uses.items())}


def total_cost(records: Iterable[Record]) -> float | None:
    """The credits of all records that know theirs; None where none does."""
    costs = [record.cost for record in records if record.cost is not None]
    return math.fsum(costs) if costs else None
