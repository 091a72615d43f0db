"""Rates and overheads computed from a run's times."""

from __future__ import annotations

from pytest import approx

from tests.bench.dispatch import breakdown, overhead
from tests.bench.watched import RunTimes


def test_the_rate_counts_from_when_all_workers_are_loaded() -> None:
    assert RunTimes(loaded=[1.0, 3.0], recorded=[2.0, 4.0, 5.0, 6.0]).rate == 1.0


def test_the_rate_when_the_work_ends_before_the_last_worker_loads() -> None:
    assert RunTimes(loaded=[1.0, 9.0], recorded=[2.0, 4.0, 5.0]).rate == 0.75


def test_overhead_is_per_variant_from_the_loaded_worker_to_the_end() -> None:
    times = RunTimes(began=0.0, ended=9.0, loaded=[5.0], recorded=[6.0, 7.0], stages={"encode": 0.5})
    result = overhead(times)
    assert (result.starting, result.total, result.stream, result.publish) == approx((5.0, 2000.0, 1000.0, 1000.0))
    assert (result.encode, result.model) == (250.0, 0.0)
    assert breakdown([result]).startswith(
        "Of 2000.00 ms, 1000.00 pass until the last record, and the manifest takes 1000.00. "
    )
