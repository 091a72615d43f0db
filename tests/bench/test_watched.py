"""What the moments of a run come to."""

from __future__ import annotations

from pytest import approx

from tests.bench.dispatch import overhead, parts
from tests.bench.watched import Watched


def test_the_rate_counts_from_the_moment_when_all_workers_are_loaded() -> None:
    assert Watched(loaded=[1.0, 3.0], recorded=[2.0, 4.0, 5.0, 6.0]).rate == 1.0


def test_the_rate_of_work_that_was_over_before_a_worker_was_loaded() -> None:
    assert Watched(loaded=[1.0, 9.0], recorded=[2.0, 4.0, 5.0]).rate == 0.75


def test_overhead_is_per_variant_from_the_loaded_worker_to_the_end() -> None:
    watched = Watched(began=0.0, ended=9.0, loaded=[5.0], recorded=[6.0, 7.0], stages={"encode": 0.5})
    result = overhead(watched)
    assert (result.starting, result.total, result.stream, result.publish) == approx((5.0, 2000.0, 1000.0, 1000.0))
    assert (result.encode, result.model) == (250.0, 0.0)
    assert parts([result]).startswith("Of 2000.00 ms: 1000.00 until the last record, 1000.00 for the manifest.")
