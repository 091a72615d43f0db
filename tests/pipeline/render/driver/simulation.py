"""Simulates a run without Ray and pictures: workers of given speeds on a dispatcher, with a simulated clock.

A worker of speed 1 takes a second per picture, and longer if the reference set isn't in its cache.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.driver.dispatcher import Dispatcher


@dataclass
class Outcome:
    """hits: pictures whose set was cached. makespan: seconds until everything was recorded. work: the
    minimum for these speeds, with every set prepared once."""

    pictures: int = 0
    hits: int = 0
    makespan: float = 0.0
    work: float = 0.0
    ends: dict[str, float] = field(default_factory=dict)
    rendered: list[str] = field(default_factory=list)

    @property
    def hit_rate(self) -> float:
        return self.hits / self.pictures


@dataclass
class _Worker:
    speed: float
    cached_sets: int
    queue: deque[Variant] = field(default_factory=deque)
    cache: OrderedDict[tuple[str, ...], None] = field(default_factory=OrderedDict)
    busy: bool = False

    def uses(self, reference_set: tuple[str, ...]) -> bool:
        """Adds the set to the cache and returns whether it was there before."""
        hit = reference_set in self.cache
        self.cache[reference_set] = None
        self.cache.move_to_end(reference_set)
        if len(self.cache) > self.cached_sets:
            self.cache.popitem(last=False)
        return hit


def simulate(
    dispatcher: Dispatcher,
    variants: Sequence[Variant],
    speeds: Sequence[float],
    *,
    warmup_cost: Callable[[Variant], float],
    loaded: Sequence[float] = (),
    cached_sets: int = 4,
) -> Outcome:
    """Renders `variants`, which `dispatcher` was made of.

    warmup_cost: what preparing a set costs a worker, in pictures. loaded: when each worker has its model (default: 0).
    cached_sets: how many sets a worker's cache holds.
    """
    workers = {f"worker-{number}": _Worker(speed, cached_sets) for number, speed in enumerate(speeds)}
    events: list[tuple[float, int, str, str]] = []
    outcome = Outcome(len(variants))
    numbers = count()

    def push(moment: float, worker: str, finished: str = "") -> None:
        heappush(events, (moment, next(numbers), worker, finished))

    def top_up(name: str) -> None:
        while tasks := dispatcher.take(name):
            workers[name].queue.extend(tasks)

    def begin(moment: float, name: str) -> None:
        worker = workers[name]
        if worker.busy or not worker.queue:
            return
        variant = worker.queue.popleft()
        worker.busy = True
        hit = worker.uses(variant.reference_set)
        outcome.hits += hit
        push(moment + (1 + (0 if hit else warmup_cost(variant))) / worker.speed, name, variant.render_key)
        dispatcher.start(name, variant.render_key)
        top_up(name)

    for number, name in enumerate(workers):
        push(loaded[number] if loaded else 0.0, name)
    while events:
        moment, _, name, finished = heappop(events)
        if finished:
            workers[name].busy = False
            outcome.rendered.append(finished)
            outcome.makespan = outcome.ends[name] = moment
            dispatcher.finish(name, finished)
        top_up(name)
        begin(moment, name)
    sets = {variant.reference_set: variant for variant in variants}
    outcome.work = (len(variants) + sum(map(warmup_cost, sets.values()))) / sum(speeds)
    return outcome
