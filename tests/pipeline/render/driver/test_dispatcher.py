"""The dispatcher's policy, without Ray: who gets what, and what becomes of the work of a worker that died."""

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
    Struck,
)
from tests.pipeline.deliver.records import variant


def variants(**sets: int) -> list[Variant]:
    """So many variants of 1024x1024 of each named reference set, in order."""
    made: list[Variant] = []
    for name, count in sets.items():
        reference = Reference("product", f"{name}.png", Path(f"{name}.png"), name)
        start = len(made)
        made += [
            replace(variant(start + number), references=(reference,), width=1024, height=1024)
            for number in range(count)
        ]
    return made


def sets_of(tasks: tuple[Variant, ...]) -> set[str]:
    return {reference for task in tasks for reference in task.reference_set}


def finish(dispatcher: Dispatcher, worker: str, tasks: tuple[Variant, ...]) -> None:
    for task in tasks:
        dispatcher.started(worker, task.render_key)
        dispatcher.recorded(worker, task.render_key)


def drain(dispatcher: Dispatcher, workers: list[str]) -> list[tuple[str, str]]:
    """Workers in turn, each doing the group it took, until nothing is left: (worker, render key) in order."""
    done = []
    while not dispatcher.finished:
        for worker in workers:
            tasks = dispatcher.take(worker)
            if dispatcher.wants_fresh(worker):
                dispatcher.lost(worker)
            finish(dispatcher, worker, tasks)
            done += [(worker, task.render_key) for task in tasks]
    return done


def test_a_worker_has_one_group_running_and_one_queued() -> None:
    dispatcher = Dispatcher(variants(a=40), workers=1)
    first, second = dispatcher.take("one"), dispatcher.take("one")
    assert len(first) == len(second) == LARGEST_GROUP
    assert dispatcher.take("one") == ()
    finish(dispatcher, "one", first)
    assert dispatcher.take("one")


def test_a_worker_that_begins_its_queued_group_gets_the_next() -> None:
    """It needn't wait until the pictures of the group before are delivered."""
    dispatcher = Dispatcher(variants(a=80), workers=1)
    first, second = dispatcher.take("one"), dispatcher.take("one")
    for task in first:
        dispatcher.started("one", task.render_key)
        assert dispatcher.take("one") == ()
    dispatcher.started("one", second[0].render_key)
    assert dispatcher.take("one")
    assert dispatcher.take("one") == ()


def test_each_worker_begins_with_a_set_of_its_own_and_stays_with_it() -> None:
    dispatcher = Dispatcher(variants(a=30, b=30, c=30), workers=3)
    taken = {worker: (dispatcher.take(worker), dispatcher.take(worker)) for worker in ("one", "two", "three")}
    assert {worker: sets_of(first) | sets_of(second) for worker, (first, second) in taken.items()} == {
        "one": {"a"},
        "two": {"b"},
        "three": {"c"},
    }


def test_a_worker_whose_set_is_done_takes_an_unclaimed_one() -> None:
    dispatcher = Dispatcher(variants(a=4, b=60, c=5), workers=2)
    assert sets_of(dispatcher.take("one")) == {"b"}
    for left in ({"c"}, {"a"}):
        tasks = dispatcher.take("two")
        assert sets_of(tasks) == left
        finish(dispatcher, "two", tasks)


def test_without_unclaimed_sets_it_steals_from_the_largest() -> None:
    dispatcher = Dispatcher(variants(a=20, b=60, c=2), workers=3)
    for worker in ("one", "two", "three"):
        assert dispatcher.take(worker)
    assert sets_of(dispatcher.take("three")) == {"b"}


def test_groups_get_smaller_towards_the_end() -> None:
    dispatcher = Dispatcher(variants(a=48), workers=2)
    sizes = []
    while dispatcher.waiting:
        tasks = dispatcher.take("one")
        sizes.append(len(tasks))
        finish(dispatcher, "one", tasks)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 48 // (GROUPS_LEFT * 2)
    assert sizes[-1] == 1


def test_a_single_worker_shares_with_nobody() -> None:
    dispatcher = Dispatcher(variants(a=10), workers=1)
    assert [len(dispatcher.take("one")), len(dispatcher.take("one"))] == [LARGEST_GROUP, 2]


@pytest.mark.parametrize(("side", "size"), [(128, SMALL_GROUP), (256, SMALL_GROUP), (272, LARGEST_GROUP)])
def test_groups_of_small_pictures_are_large(side: int, size: int) -> None:
    made = [replace(variant, width=side, height=side) for variant in variants(a=1000)]
    assert len(Dispatcher(made, workers=8).take("one")) == min(size, 1000 // (GROUPS_LEFT * 8))


@pytest.mark.parametrize(
    ("counts", "sizes"),
    [([16], [8, 8]), ([6, 10], [6, 8, 2]), ([3, 13], [8, 8]), ([8, 8], [8, 8]), ([4, 1, 2, 9], [7, 8, 1])],
)
def test_a_group_ends_where_pictures_of_another_kind_begin(counts: list[int], sizes: list[int]) -> None:
    """Unless it would be less than half as large as it may be."""
    kinds = [kind for kind, count in enumerate(counts) for _ in range(count)]
    made = [replace(variant, steps=4 + kind) for variant, kind in zip(variants(a=16), kinds, strict=True)]
    dispatcher = Dispatcher(made, workers=1)
    taken = []
    while tasks := dispatcher.take("one"):
        taken.append(len(tasks))
        finish(dispatcher, "one", tasks)
    assert taken == sizes


def test_groups_are_as_large_as_asked_for() -> None:
    dispatcher = Dispatcher(variants(a=400), workers=1, largest_group=96)
    assert len(dispatcher.take("one")) == 96


def test_mixed_groups_are_of_many_sets_and_stay_large() -> None:
    """Where nothing is warm, small sets must not make small groups, nor the end of the work."""
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


def test_offloading_wants_groups_of_many_sets() -> None:
    """Only for the worker that offloads; the last work is still shared."""
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


def test_mixed_work_of_a_dead_worker_waits_again() -> None:
    made = variants(a=3, b=3, c=3)
    dispatcher = Dispatcher(made, workers=1, largest_group=96, mixed=True)
    tasks = dispatcher.take("one")
    assert len(tasks) == 9
    dispatcher.started("one", tasks[0].render_key)
    dispatcher.lost("one")
    again = dispatcher.take("two")
    assert [task.name for task in again] == [variant.name for variant in made[2:]]
    finish(dispatcher, "two", again)
    for _ in range(2):
        (suspect,) = dispatcher.take("two")
        finish(dispatcher, "two", (suspect,))
    assert dispatcher.finished


def test_most_work_goes_where_its_set_is_warm() -> None:
    """20 sets of 50 variants and 8 workers: the share of pictures whose worker had the set before."""
    dispatcher = Dispatcher(variants(**{f"set{number:02}": 50 for number in range(20)}), workers=8)
    by_key = {made.render_key: made.reference_set for made in variants(**{f"set{n:02}": 50 for n in range(20)})}
    warm: set[tuple[str, tuple[str, ...]]] = set()
    hits = 0
    for worker, key in drain(dispatcher, [f"worker-{number}" for number in range(8)]):
        hits += (worker, by_key[key]) in warm
        warm.add((worker, by_key[key]))
    assert hits / 1000 >= 0.9


def test_what_a_dead_worker_had_queued_is_not_suspected() -> None:
    made = variants(a=16)
    dispatcher = Dispatcher(made, workers=1)
    running, queued = dispatcher.take("one"), dispatcher.take("one")
    assert (len(running), len(queued)) == (8, 8)
    finish(dispatcher, "one", running[:2])
    dispatcher.started("one", running[2].render_key)
    assert dispatcher.lost("one") == (Struck(made[2], strikes=1, given_up=False),)
    again: list[Variant] = []
    while tasks := dispatcher.take("two"):
        again += tasks
        finish(dispatcher, "two", tasks)
    assert {task.name for task in again} == {made[number].name for number in range(2, 16)}
    assert {task.name for task in again[-2:]} == {made[2].name, made[3].name}


def test_a_suspect_is_alone_on_its_worker() -> None:
    dispatcher = Dispatcher(variants(a=2), workers=1)
    for task in dispatcher.take("one") + dispatcher.take("one"):
        dispatcher.started("one", task.render_key)
    dispatcher.lost("one")
    (suspect,) = dispatcher.take("two")
    assert dispatcher.take("two") == ()
    finish(dispatcher, "two", (suspect,))
    assert dispatcher.take("two")


def test_a_variant_over_which_two_workers_died_is_given_up() -> None:
    (poison,) = variants(a=1)
    dispatcher = Dispatcher([poison], workers=1)
    for worker in ("one", "two"):
        (task,) = dispatcher.take(worker)
        dispatcher.started(worker, task.render_key)
        given_up = dispatcher.lost(worker)
    assert given_up == (Struck(poison, strikes=2, given_up=True),)
    assert dispatcher.finished


def test_a_worker_that_died_idle_costs_nothing() -> None:
    dispatcher = Dispatcher(variants(a=3), workers=1)
    assert not dispatcher.holds("one")
    assert dispatcher.lost("one") == ()
    assert dispatcher.waiting == 3


def test_what_is_abandoned_is_everything_that_waits() -> None:
    made = variants(a=10, b=10)
    dispatcher = Dispatcher(made, workers=1)
    taken = dispatcher.take("one")
    dispatcher.lost("one")
    assert {left.name for left in dispatcher.abandoned()} == {given.name for given in made}
    assert taken
    assert dispatcher.finished


HAPPENINGS = ["take", "start", "picture", "record", "exhaust", "die", "node dies"]
steps = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(HAPPENINGS)), max_size=120)
sizes = st.lists(st.integers(1, 12), min_size=1, max_size=6)


@given(sizes, st.integers(1, 4), steps, st.booleans(), st.sampled_from([0.0, 1.0, 50.0]))
def test_every_variant_ends_exactly_once_whatever_happens(
    sizes: list[int], workers: int, happenings: list[tuple[int, str]], mixed: bool, cold: float
) -> None:
    made = variants(**{f"set{number}": size for number, size in enumerate(sizes)})

    def dispatcher() -> Dispatcher:
        return Dispatcher(made, workers, mixed=mixed, cold=lambda variant: cold)

    first = play(dispatcher(), workers, happenings)
    assert Counter(first) == Counter(given.render_key for given in made)
    assert play(dispatcher(), workers, happenings) == first


def play(dispatcher: Dispatcher, workers: int, happenings: list[tuple[int, str]]) -> list[str]:
    """The render keys in the order in which they ended (recorded or given up); after the happenings all goes well."""
    held: dict[str, list[Variant]] = {}
    ended: list[str] = []
    for number, happening in happenings:
        worker = f"worker-{number % workers}"
        tasks = held.setdefault(worker, [])
        if happening == "take":
            group = dispatcher.take(worker)
            assert len(group) <= LARGEST_GROUP
            tasks += group
        elif happening == "start" and tasks:
            dispatcher.started(worker, tasks[0].render_key)
        elif happening == "record" and tasks:
            key = tasks.pop(0).render_key
            dispatcher.recorded(worker, key)
            ended.append(key)
        elif happening in ("die", "node dies"):
            struck = dispatcher.lost(worker, node=happening == "node dies")
            ended += [one.variant.render_key for one in struck if one.given_up]
            tasks.clear()
        elif happening == "picture" and tasks:
            dispatcher.pictured(worker, tasks[0].render_key)
        elif happening == "exhaust" and tasks:
            struck_one = dispatcher.exhausted(worker, tasks.pop(0).render_key)
            assert struck_one is not None
            ended += [struck_one.variant.render_key] * struck_one.given_up
        assert dispatcher.holds(worker) == bool(tasks)
    for worker, tasks in held.items():
        finish(dispatcher, worker, tuple(tasks))
        ended += [task.render_key for task in tasks]
    return ended + [key for _, key in drain(dispatcher, [f"worker-{number}" for number in range(workers)])]
