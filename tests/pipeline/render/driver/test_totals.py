"""Sums over the pictures of a run."""

from __future__ import annotations

from collections.abc import Iterable

from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.render.driver.totals import CacheUse, Totals
from tests.pipeline.deliver.records import failed, record


def totals_of(records: Iterable[Record]) -> Totals:
    totals = Totals()
    for one in records:
        totals.add(one)
    return totals


def test_cache_use_counts_hits_per_kind() -> None:
    totals = totals_of([record(0, cache={"text": 1, "latents": 0}), record(1, cache={"text": 1}), failed(2)])
    assert totals.cache == {"latents": CacheUse(0, 1), "text": CacheUse(2, 2)}


def test_the_total_cost_skips_records_without_a_cost() -> None:
    assert totals_of([record(0), failed(1)]).cost is None
    assert totals_of([record(0, cost=4.5), record(1), failed(2), record(3, cost=0.0)]).cost == 4.5
