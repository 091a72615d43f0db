"""Which set a worker goes on with."""

from __future__ import annotations

from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.driver.affinity_queue import WARM_SETS, AffinityQueue, ReferenceSet
from tests.pipeline.render.driver.test_dispatcher import variants


def sets(cold: float = 1.0, **counts: int) -> AffinityQueue:
    return AffinityQueue(variants(**counts), lambda variant: variant.reference_set, lambda variant: cold)


def take(waiting: AffinityQueue, worker: str, most: int = 1000) -> tuple[str | None, list[Variant]]:
    """What `worker` takes of the set that is chosen for it."""
    chosen = waiting.choose(worker)
    return (None, []) if chosen is None else (chosen[0], waiting.take(worker, chosen, most))


def test_the_largest_set_is_begun_first_and_equal_ones_in_their_order() -> None:
    waiting = sets(a=3, b=5, c=3, d=5)
    order = [take(waiting, f"worker-{number}")[0] for number in range(4)]
    assert order == ["b", "d", "a", "c"]
    assert take(waiting, "another") == (None, [])


def test_a_worker_stays_with_the_last_of_its_sets_that_has_anything_left() -> None:
    waiting = sets(a=4, b=3)
    assert take(waiting, "one", 2)[0] == "a"
    waiting.warms("one", ("b",))
    assert [take(waiting, "one", 2)[0] for _ in range(4)] == ["b", "b", "a", None]


def test_only_so_many_sets_are_taken_to_be_warm() -> None:
    waiting = sets(a=9)
    waiting.warms("one", ("a",))
    for number in range(WARM_SETS):
        waiting.warms("one", (f"other{number}",))
    waiting.warms("two", ("b",))
    assert take(waiting, "two")[0] == "a"


def test_a_set_is_shared_where_it_has_the_most_for_each_of_its_workers() -> None:
    waiting = sets(a=30, b=24)
    for worker in ("one", "two"):
        waiting.ended(take(waiting, worker, 2)[1][0])
    assert [take(waiting, worker, 2)[0] for worker in ("three", "four", "five", "six")] == ["a", "b", "a", "b"]


def test_a_set_is_left_to_its_workers_when_a_cold_start_takes_longer() -> None:
    waiting = sets(cold=5, a=12)
    _, taken = take(waiting, "one", 1)
    assert waiting.choose("two") == ("a",)
    for _ in range(7):
        waiting.ended(taken.pop())
        taken += take(waiting, "one", 1)[1]
    assert waiting.choose("two") is None
    assert waiting.choose("one") == ("a",)
    waiting.forget("one")
    assert waiting.choose("two") == ("a",)


def test_a_set_that_nobody_has_prepared_yet_may_be_shared_from_the_start() -> None:
    waiting = sets(cold=50, a=10)
    take(waiting, "one", 1)
    assert waiting.choose("two") == ("a",)


def test_what_is_put_back_is_next_again() -> None:
    waiting = sets(a=3, b=2)
    _, (first, second, third) = take(waiting, "one")
    assert len(waiting) == 2
    waiting.forget("one")
    for variant in (third, second, first):
        waiting.put_back(variant)
    assert len(waiting) == 5
    assert take(waiting, "two", 2) == ("a", [first, second])


def test_variants_that_wait_elsewhere_count_while_a_worker_has_them() -> None:
    """Suspects of a death are given out one by one: what of a set is left in all decides."""
    waiting = sets(cold=5, a=4)
    _, (first, *_) = take(waiting, "one", 1)
    waiting.ended(first)
    assert waiting.choose("two") is None
    suspects = variants(a=7)[4:]
    for variant, chosen in zip(suspects, (None, None, ("a",)), strict=True):
        waiting.lend("one", variant)
        assert waiting.choose("two") == chosen
    waiting.returned(suspects[0])
    assert waiting.choose("two") is None


def test_without_references_nothing_is_ever_cold() -> None:
    made = variants(a=3)
    unset: ReferenceSet = ()
    waiting = AffinityQueue(made, lambda variant: unset, lambda variant: 1000.0)
    waiting.ended(waiting.take("one", unset, 1)[0])
    assert waiting.choose("two") == unset


def test_drained_it_has_nothing_for_anybody() -> None:
    waiting = sets(a=2, b=1)
    take(waiting, "one", 1)
    assert [variant.reference_set for variant in waiting.drain()] == [("a",), ("b",)]
    assert (len(waiting), waiting.choose("one"), waiting.choose("two")) == (0, None, None)
