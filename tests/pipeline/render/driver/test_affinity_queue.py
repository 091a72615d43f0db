"""Which reference set a worker takes next."""

from __future__ import annotations

from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.driver.affinity_queue import CACHED_SETS, AffinityQueue, ReferenceSet
from tests.pipeline.render.driver.test_dispatcher import variants


def queue_of(warmup_cost: float = 1.0, **counts: int) -> AffinityQueue:
    return AffinityQueue(variants(**counts), lambda variant: variant.reference_set, lambda variant: warmup_cost)


def take(queue: AffinityQueue, worker: str, most: int = 1000) -> tuple[str | None, list[Variant]]:
    """The set chosen for `worker`, and the variants that it takes from it."""
    reference_set = queue.choose_set(worker)
    return (None, []) if reference_set is None else (reference_set[0], queue.take(worker, reference_set, most))


def test_the_largest_set_comes_first_and_equal_sets_in_order() -> None:
    queue = queue_of(a=3, b=5, c=3, d=5)
    order = [take(queue, f"worker-{number}")[0] for number in range(4)]
    assert order == ["b", "d", "a", "c"]
    assert take(queue, "another") == (None, [])


def test_a_worker_continues_its_most_recent_set_that_has_variants_left() -> None:
    queue = queue_of(a=4, b=3)
    assert take(queue, "one", 2)[0] == "a"
    queue.mark_cached("one", ("b",))
    assert [take(queue, "one", 2)[0] for _ in range(4)] == ["b", "b", "a", None]


def test_the_number_of_cached_sets_is_limited() -> None:
    queue = queue_of(a=9)
    queue.mark_cached("one", ("a",))
    for number in range(CACHED_SETS):
        queue.mark_cached("one", (f"other{number}",))
    queue.mark_cached("two", ("b",))
    assert take(queue, "two")[0] == "a"


def test_the_set_with_the_most_variants_per_worker_is_shared() -> None:
    queue = queue_of(a=30, b=24)
    for worker in ("one", "two"):
        queue.finish(take(queue, worker, 2)[1][0])
    assert [take(queue, worker, 2)[0] for worker in ("three", "four", "five", "six")] == ["a", "b", "a", "b"]


def test_a_set_is_not_shared_if_preparing_it_takes_longer() -> None:
    queue = queue_of(warmup_cost=5, a=12)
    _, taken = take(queue, "one", 1)
    assert queue.choose_set("two") == ("a",)
    for _ in range(7):
        queue.finish(taken.pop())
        taken += take(queue, "one", 1)[1]
    assert queue.choose_set("two") is None
    assert queue.choose_set("one") == ("a",)
    queue.remove_worker("one")
    assert queue.choose_set("two") == ("a",)


def test_an_unprepared_set_can_be_shared_from_the_start() -> None:
    queue = queue_of(warmup_cost=50, a=10)
    take(queue, "one", 1)
    assert queue.choose_set("two") == ("a",)


def test_requeued_variants_come_first() -> None:
    queue = queue_of(a=3, b=2)
    _, (first, second, third) = take(queue, "one")
    assert len(queue) == 2
    queue.remove_worker("one")
    for variant in (third, second, first):
        queue.requeue(variant)
    assert len(queue) == 5
    assert take(queue, "two", 2) == ("a", [first, second])


def test_variants_in_flight_from_elsewhere_count() -> None:
    """Suspects are handed out one by one; all variants left of a set decide whether it is shared."""
    queue = queue_of(warmup_cost=5, a=4)
    _, (first, *_) = take(queue, "one", 1)
    queue.finish(first)
    assert queue.choose_set("two") is None
    suspects = variants(a=7)[4:]
    for variant, choice in zip(suspects, (None, None, ("a",)), strict=True):
        queue.add_in_flight("one", variant)
        assert queue.choose_set("two") == choice
    queue.remove_in_flight(suspects[0])
    assert queue.choose_set("two") is None


def test_variants_without_references_cost_no_warmup() -> None:
    three = variants(a=3)
    unset: ReferenceSet = ()
    queue = AffinityQueue(three, lambda variant: unset, lambda variant: 1000.0)
    queue.finish(queue.take("one", unset, 1)[0])
    assert queue.choose_set("two") == unset


def test_a_drained_queue_has_nothing_to_choose() -> None:
    queue = queue_of(a=2, b=1)
    take(queue, "one", 1)
    assert [variant.reference_set for variant in queue.drain()] == [("a",), ("b",)]
    assert (len(queue), queue.choose_set("one"), queue.choose_set("two")) == (0, None, None)


def test_dropped_variants_are_no_longer_waiting() -> None:
    queue = queue_of(a=4, b=3)
    dropped = {variant.render_key for variant in (*variants(a=3), *variants(a=4, b=3)[4:])}
    assert queue.drop(dropped) == 6
    assert len(queue) == 1
    assert take(queue, "one")[0] == "a"
    assert take(queue, "two") == (None, [])
    assert queue.drop(dropped) == 0


def test_added_variants_are_served_to_the_worker_that_has_their_set() -> None:
    queue = queue_of(a=1, b=1)
    assert (take(queue, "one")[0], take(queue, "two")[0], queue.choose_set("one")) == ("a", "b", None)
    queue.add(variants(a=2, c=3))
    assert len(queue) == 5
    assert (take(queue, "one")[0], take(queue, "two")[0]) == ("a", "c")
