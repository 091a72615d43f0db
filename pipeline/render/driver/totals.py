"""Sums over the pictures of a run, kept so that their records needn't be."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from brandpress.pipeline.deliver.record import Record


@dataclass(frozen=True, slots=True)
class CacheUse:
    """Cache hits of one kind, out of all uses, over the pictures of a run."""

    hits: int
    uses: int


@dataclass
class Totals:
    """cost: the hosted tier's charge in its credits; None if no record has one."""

    cost: float | None = None
    _hits: Counter[str] = field(default_factory=Counter)
    _uses: Counter[str] = field(default_factory=Counter)

    def add(self, record: Record) -> None:
        """Adds the record of a picture or of a failure."""
        self._hits.update(record.cache)
        self._uses.update(record.cache.keys())
        if record.cost is not None:
            self.cost = record.cost + (self.cost or 0.0)

    @property
    def cache(self) -> dict[str, CacheUse]:
        """Hits and uses per kind of cache."""
        return {kind: CacheUse(hits=self._hits[kind], uses=count) for kind, count in sorted(self._uses.items())}
