"""The dispatcher's policy, without Ray: which worker gets which variants, and what happens to a dead worker's work."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brandpress.pipeline.plan.variant import Reference, Variant
from brandpress.pipeline.render.driver.dispatcher import (
    GROUPS_LEFT,
    LARGEST_GROUP,
    OFFLOAD_GROUP,
    SMALL_GROUP,
    Dispatcher,
    FailedAttempt,
)
from tests.pipeline.deliver.records import variant


def variants(**sets: int) -> list[Variant]:
    """The given number of 1024x1024 variants of each named reference set, in order."""
    all_variants: list[Variant] = []
    for name, count in sets.items():
        reference = Reference("product", f"{name}.png", Path(f"{name}.png"), name)
        start = len(all_variants)
        all_variants += [
            replace(variant(start + number), references=(reference,), width=1024, height=1024)
            for number in range(count)
        ]
    return all_variants


def sets_of(tasks: tuple[Variant, ...]) -> set[str]:
    return {reference for task in tasks for reference in task.reference_set}


def finish(dispatcher: Dispatcher, worker: str, tasks: tuple[Variant, ...]) -> None:
    for task in tasks:
        dispatcher.start(worker, task.render_key)
        dispatcher.finish(worker, task.render_key)


def drain(dispatcher: Dispatcher, workers: list[str]) -> list[tuple[str, str]]:
    """Lets workers take and finish groups in turn until nothing is left. Returns (worker, render key) in order."""
    finished = []
    while not dispatcher.finished:
        for worker in workers:
            tasks = dispatcher.take(worker)
            if dispatcher.needs_fresh_worker(worker):
                dispatcher.lose(worker)
            finish(dispatcher, worker, tasks)
            finished += [(worker, task.render_key) for task in tasks]
    return finished


def test_a_worker_has_one_group_running_and_one_queued() -> None:
    dispatcher = Dispatcher(variants(a=40), workers=1)
    first, second = dispatcher.take("one"), dispatcher.take("one")
    assert len(first) == len(second) == LARGEST_GROUP
    assert dispatcher.take("one") == ()
    finish(dispatcher, "one", first)
    assert dispatcher.take("one")


def test_a_worker_that_starts_its_queued_group_gets_the_next() -> None:
    """It doesn't wait for the previous group's pictures to be delivered."""
    dispatcher = Dispatcher(variants(a=80), workers=1)
    first, second = dispatcher.take("one"), dispatcher.take("one")
    for task in first:
        dispatcher.start("one", task.render_key)
        assert dispatcher.take("one") == ()
    dispatcher.start("one", second[0].render_key)
    assert dispatcher.take("one")
    assert dispatcher.take("one") == ()


def test_each_worker_starts_its_own_set_and_stays_with_it() -> None:
    dispatcher = Dispatcher(variants(a=30, b=30, c=30), workers=3)
    groups = {worker: (dispatcher.take(worker), dispatcher.take(worker)) for worker in ("one", "two", "three")}
    assert {worker: sets_of(first) | sets_of(second) for worker, (first, second) in groups.items()} == {
        "one": {"a"},
        "two": {"b"},
        "three": {"c"},
    }


def test_a_worker_whose_set_is_done_takes_an_unclaimed_set() -> None:
    dispatcher = Dispatcher(variants(a=4, b=60, c=5), workers=2)
    assert sets_of(dispatcher.take("one")) == {"b"}
    for left in ({"c"}, {"a"}):
        tasks = dispatcher.take("two")
        assert sets_of(tasks) == left
        finish(dispatcher, "two", tasks)


def test_without_unclaimed_sets_a_worker_shares_the_largest() -> None:
    dispatcher = Dispatcher(variants(a=20, b=60, c=2), workers=3)
    for worker in ("one", "two", "three"):
        assert dispatcher.take(worker)
    assert sets_of(dispatcher.take("three")) == {"b"}


def test_groups_shrink_towards_the_end() -> None:
    dispatcher = Dispatcher(variants(a=48), workers=2)
    sizes = []
    while dispatcher.waiting:
        tasks = dispatcher.take("one")
        sizes.append(len(tasks))
        finish(dispatcher, "one", tasks)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 48 // (GROUPS_LEFT * 2)
    assert sizes[-1] == 1


def test_a_single_worker_gets_full_groups_until_the_end() -> None:
    dispatcher = Dispatcher(variants(a=10), workers=1)
    assert [len(dispatcher.take("one")), len(dispatcher.take("one"))] == [LARGEST_GROUP, 2]


@pytest.mark.parametrize(("side", "size"), [(128, SMALL_GROUP), (256, SMALL_GROUP), (272, LARGEST_GROUP)])
def test_groups_of_small_pictures_are_large(side: int, size: int) -> None:
    small = [replace(variant, width=side, height=side) for variant in variants(a=1000)]
    assert len(Dispatcher(small, workers=8).take("one")) == min(size, 1000 // (GROUPS_LEFT * 8))


@pytest.mark.parametrize(
    ("counts", "sizes"),
    [([16], [8, 8]), ([6, 10], [6, 8, 2]), ([3, 13], [8, 8]), ([8, 8], [8, 8]), ([4, 1, 2, 9], [7, 8, 1])],
)
def test_a_group_ends_where_the_kind_of_picture_changes(counts: list[int], sizes: list[int]) -> None:
    """Unless it would then be less than half of the allowed size."""
    kinds = [kind for kind, count in enumerate(counts) for _ in range(count)]
    mixed_kinds = [replace(variant, steps=4 + kind) for variant, kind in zip(variants(a=16), kinds, strict=True)]
    dispatcher = Dispatcher(mixed_kinds, workers=1)
    group_sizes = []
    while tasks := dispatcher.take("one"):
        group_sizes.append(len(tasks))
        finish(dispatcher, "one", tasks)
    assert group_sizes == sizes


def test_the_largest_group_can_be_set() -> None:
    dispatcher = Dispatcher(variants(a=400), workers=1, largest_group=96)
    assert len(dispatcher.take("one")) == 96


def test_mixed_groups_hold_many_sets_and_stay_large() -> None:
    """If nothing is cached, neither small sets nor the end of the run should lead to small groups."""
    dispatcher = Dispatcher(
        variants(**{f"set{number}": 2 for number in range(150)}), workers=2, largest_group=96, mixed=True
    )
    sizes = []
    while dispatcher.waiting:
        tasks = dispatcher.take("one")
        sizes.append(len(tasks))
        finish(dispatcher, "one", tasks)
    assert sizes == [37, 32, 28, 25, *[24] * 7, 10]
    assert dispatcher.finished


def test_an_offloading_worker_gets_groups_of_many_sets() -> None:
    """Other workers get normal groups, and the last variants are still shared."""
    dispatcher = Dispatcher(variants(**{f"set{number}": 2 for number in range(150)}), workers=2)
    dispatcher.set_offloading("small card")
    tasks = dispatcher.take("small card")
    assert len(tasks) == OFFLOAD_GROUP
    assert len({task.reference_set for task in tasks}) == OFFLOAD_GROUP // 2
    assert len(dispatcher.take("large card")) == 2
    finish(dispatcher, "small card", tasks)
    sizes = []
    while dispatcher.waiting:
        tasks = dispatcher.take("small card")
        sizes.append(len(tasks))
        finish(dispatcher, "small card", tasks)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 1


def test_mixed_groups_of_a_dead_worker_are_requeued() -> None:
    all_variants = variants(a=3, b=3, c=3)
    dispatcher = Dispatcher(all_variants, workers=1, largest_group=96, mixed=True)
    tasks = dispatcher.take("one")
    assert len(tasks) == 9
    dispatcher.start("one", tasks[0].render_key)
    dispatcher.lose("one")
    again = dispatcher.take("two")
    assert [task.name for task in again] == [variant.name for variant in all_variants[2:]]
    finish(dispatcher, "two", again)
    for _ in range(2):
        (suspect,) = dispatcher.take("two")
        finish(dispatcher, "two", (suspect,))
    assert dispatcher.finished


def test_most_variants_go_to_a_worker_that_cached_their_set() -> None:
    """20 sets of 50 variants on 8 workers: the share of pictures whose worker had rendered the set before."""
    dispatcher = Dispatcher(variants(**{f"set{number:02}": 50 for number in range(20)}), workers=8)
    by_key = {
        variant.render_key: variant.reference_set for variant in variants(**{f"set{n:02}": 50 for n in range(20)})
    }
    rendered_before: set[tuple[str, tuple[str, ...]]] = set()
    hits = 0
    for worker, key in drain(dispatcher, [f"worker-{number}" for number in range(8)]):
        hits += (worker, by_key[key]) in rendered_before
        rendered_before.add((worker, by_key[key]))
    assert hits / 1000 >= 0.9


def test_the_queued_group_of_a_dead_worker_is_not_suspected() -> None:
    all_variants = variants(a=16)
    dispatcher = Dispatcher(all_variants, workers=1)
    current, queued = dispatcher.take("one"), dispatcher.take("one")
    assert (len(current), len(queued)) == (8, 8)
    finish(dispatcher, "one", current[:2])
    dispatcher.start("one", current[2].render_key)
    assert dispatcher.lose("one") == (FailedAttempt(all_variants[2], failures=1, given_up=False),)
    again: list[Variant] = []
    while tasks := dispatcher.take("two"):
        again += tasks
        finish(dispatcher, "two", tasks)
    assert {task.name for task in again} == {all_variants[number].name for number in range(2, 16)}
    assert {task.name for task in again[-2:]} == {all_variants[2].name, all_variants[3].name}


def test_a_suspect_is_alone_on_its_worker() -> None:
    dispatcher = Dispatcher(variants(a=2), workers=1)
    for task in dispatcher.take("one") + dispatcher.take("one"):
        dispatcher.start("one", task.render_key)
    dispatcher.lose("one")
    (suspect,) = dispatcher.take("two")
    assert dispatcher.take("two") == ()
    finish(dispatcher, "two", (suspect,))
    assert dispatcher.take("two")


def test_a_variant_that_kills_two_workers_is_given_up() -> None:
    (poison,) = variants(a=1)
    dispatcher = Dispatcher([poison], workers=1)
    for worker in ("one", "two"):
        (task,) = dispatcher.take(worker)
        dispatcher.start(worker, task.render_key)
        given_up = dispatcher.lose(worker)
    assert given_up == (FailedAttempt(poison, failures=2, given_up=True),)
    assert dispatcher.finished


def test_only_what_a_lost_worker_was_given_may_be_delivered() -> None:
    tasks = variants(a=40)
    dispatcher = Dispatcher(tasks, workers=2)
    first, second = dispatcher.take("one"), dispatcher.take("one")
    assert dispatcher.maybe_delivered(tasks) == frozenset()
    finish(dispatcher, "one", first)
    dispatcher.lose("one")
    assert dispatcher.maybe_delivered(tasks) == {task.render_key for task in second}
    assert dispatcher.maybe_delivered(second[:1]) == {second[0].render_key}


def test_an_idle_worker_that_dies_loses_no_variants() -> None:
    dispatcher = Dispatcher(variants(a=3), workers=1)
    assert not dispatcher.holds_work("one")
    assert dispatcher.lose("one") == ()
    assert dispatcher.waiting == 3


def test_drain_returns_everything_that_waits() -> None:
    all_variants = variants(a=10, b=10)
    dispatcher = Dispatcher(all_variants, workers=1)
    group = dispatcher.take("one")
    dispatcher.lose("one")
    assert {left.name for left in dispatcher.drain()} == {variant.name for variant in all_variants}
    assert group
    assert dispatcher.finished


ACTIONS = ["take", "start", "render", "record", "run out of memory", "die", "node dies"]
steps = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(ACTIONS)), max_size=120)
sizes = st.lists(st.integers(1, 12), min_size=1, max_size=6)


@given(sizes, st.integers(1, 4), steps, st.booleans(), st.sampled_from([0.0, 1.0, 50.0]))
def test_every_variant_is_recorded_or_given_up_exactly_once(
    sizes: list[int], workers: int, actions: list[tuple[int, str]], mixed: bool, warmup_cost: float
) -> None:
    all_variants = variants(**{f"set{number}": size for number, size in enumerate(sizes)})

    def dispatcher() -> Dispatcher:
        return Dispatcher(all_variants, workers, mixed=mixed, warmup_cost=lambda variant: warmup_cost)

    first = play(dispatcher(), workers, actions)
    assert Counter(first) == Counter(variant.render_key for variant in all_variants)
    assert play(dispatcher(), workers, actions) == first


def play(dispatcher: Dispatcher, workers: int, actions: list[tuple[int, str]]) -> list[str]:
    """Plays the actions, then lets all workers finish. Returns render keys in the order in which they were recorded or
    given up."""
    held: dict[str, list[Variant]] = {}
    ended: list[str] = []
    for number, action in actions:
        worker = f"worker-{number % workers}"
        tasks = held.setdefault(worker, [])
        if action == "take":
            group = dispatcher.take(worker)
            assert len(group) <= LARGEST_GROUP
            tasks += group
        elif action == "start" and tasks:
            dispatcher.start(worker, tasks[0].render_key)
        elif action == "record" and tasks:
            key = tasks.pop(0).render_key
            dispatcher.finish(worker, key)
            ended.append(key)
        elif action in ("die", "node dies"):
            attempts = dispatcher.lose(worker, node=action == "node dies")
            ended += [attempt.variant.render_key for attempt in attempts if attempt.given_up]
            tasks.clear()
        elif action == "render" and tasks:
            dispatcher.finish_rendering(worker, tasks[0].render_key)
        elif action == "run out of memory" and tasks:
            attempt = dispatcher.set_aside_out_of_memory(worker, tasks.pop(0).render_key)
            assert attempt is not None
            ended += [attempt.variant.render_key] * attempt.given_up
        assert dispatcher.holds_work(worker) == bool(tasks)
    for worker, tasks in held.items():
        finish(dispatcher, worker, tuple(tasks))
        ended += [task.render_key for task in tasks]
    return ended + [key for _, key in drain(dispatcher, [f"worker-{number}" for number in range(workers)])]


def test_variants_that_another_run_has_recorded_are_dropped_unless_a_worker_has_them() -> None:
    dispatcher = Dispatcher(variants(a=LARGEST_GROUP * 4), 2)
    held = {variant.render_key for variant in dispatcher.take("one")}
    everything = {variant.render_key for variant in variants(a=LARGEST_GROUP * 4)}
    assert dispatcher.drop(frozenset()) == 0
    assert dispatcher.drop(everything) == len(everything) - len(held)
    assert dispatcher.waiting == 0
    assert not dispatcher.finished


class CountingKeys(frozenset[str]):
    """Render keys that count how often they are looked up."""

    lookups = 0

    def __contains__(self, key: object) -> bool:
        self.lookups += 1
        return super().__contains__(key)


def test_waiting_variants_are_compared_with_recorded_ones_only_if_one_of_them_is_new() -> None:
    """The driver asks in each iteration of its loop."""
    tasks = variants(a=20)
    recorded = CountingKeys(task.render_key for task in tasks[10:])
    dispatcher = Dispatcher(tasks[:5], 1)
    given = dispatcher.take("one")
    dispatcher.add(tasks[5:15])
    assert [dispatcher.drop(recorded) for _ in range(3)] == [5, 0, 0]
    lookups = recorded.lookups
    assert lookups == 10
    dispatcher.add(tasks[15:])
    assert [dispatcher.drop(recorded) for _ in range(3)] == [5, 0, 0]
    lost = CountingKeys(task.render_key for task in given)
    assert dispatcher.drop(lost) == 0
    dispatcher.lose("one")
    assert dispatcher.drop(lost) == len(given) - 1, "but for the suspect, which is tried alone"


def test_a_group_has_no_more_variants_than_the_caller_allows() -> None:
    dispatcher = Dispatcher(variants(mug=20), 1)
    assert dispatcher.take("worker", 0) == ()
    first = dispatcher.take("worker", 3)
    assert (len(first), dispatcher.in_flight, dispatcher.waiting) == (3, 3, 17)
    finish(dispatcher, "worker", first)
    assert dispatcher.in_flight == 0
    assert len(dispatcher.take("worker", 100)) == LARGEST_GROUP


def test_a_hastened_variant_comes_next_and_only_once() -> None:
    dispatcher = Dispatcher(variants(a=60, b=20), workers=1)
    dispatcher.take("one")
    for _ in range(3):
        dispatcher.hasten(lambda variant: variant.reference_set == ("b",))
    assert dispatcher.waiting == 72
    (hastened,) = dispatcher.take("one")
    assert hastened.reference_set == ("b",)
    dispatcher.lose("one", node=True)
    finished = drain(dispatcher, ["two"])
    assert sorted(key for _, key in finished) == sorted(task.render_key for task in variants(a=60, b=20))


def test_a_hastened_variant_that_nobody_took_is_drained() -> None:
    dispatcher = Dispatcher(variants(a=3), workers=1)
    dispatcher.hasten(lambda variant: variant.seed == 2)
    dispatcher.hasten(lambda variant: variant.seed == 7)
    assert sorted(task.seed for task in dispatcher.drain()) == [0, 1, 2]
    assert dispatcher.finished
