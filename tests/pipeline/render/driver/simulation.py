"""A run without Ray and without pictures: workers of given speeds at a dispatcher, on a clock of their own.

A second is what a worker of speed 1 needs for a picture. A reference set that isn't in a worker's cache takes longer.
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
    """hits: pictures whose set was in the cache. makespan: seconds until all was recorded; work: the least that
    `speeds` need for it, with every set prepared once."""

    pictures: int = 0
    hits: int = 0
    makespan: float = 0.0
    work: float = 0.0
    ends: dict[str, float] = field(default_factory=dict)
    rendered: list[str] = field(default_factory=list)

    @property
    def share_of_hits(self) -> float:
        return self.hits / self.pictures


@dataclass
class _Worker:
    speed: float
    kept: int
    queue: deque[Variant] = field(default_factory=deque)
    cache: OrderedDict[tuple[str, ...], None] = field(default_factory=OrderedDict)
    busy: bool = False

    def uses(self, reference_set: tuple[str, ...]) -> bool:
        """Whether the set was there; it's there now."""
        hit = reference_set in self.cache
        self.cache[reference_set] = None
        self.cache.move_to_end(reference_set)
        if len(self.cache) > self.kept:
            self.cache.popitem(last=False)
        return hit


def simulate(
    dispatcher: Dispatcher,
    variants: Sequence[Variant],
    speeds: Sequence[float],
    *,
    cold: Callable[[Variant], float],
    loaded: Sequence[float] = (),
    kept: int = 4,
) -> Outcome:
    """Render `variants`, of which `dispatcher` was made. cold: what a set costs a worker that hasn't got it, in
    pictures. loaded: when each worker has its model, 0 if left out. kept: sets that a worker's cache holds."""
    workers = {f"worker-{number}": _Worker(speed, kept) for number, speed in enumerate(speeds)}
    events: list[tuple[float, int, str, str]] = []
    outcome = Outcome(len(variants))
    numbers = count()

    def push(moment: float, worker: str, ended: str = "") -> None:
        heappush(events, (moment, next(numbers), worker, ended))

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
        push(moment + (1 + (0 if hit else cold(variant))) / worker.speed, name, variant.render_key)
        dispatcher.started(name, variant.render_key)
        top_up(name)

    for number, name in enumerate(workers):
        push(loaded[number] if loaded else 0.0, name)
    while events:
        moment, _, name, ended = heappop(events)
        if ended:
            workers[name].busy = False
            outcome.rendered.append(ended)
            outcome.makespan = outcome.ends[name] = moment
            dispatcher.recorded(name, ended)
        top_up(name)
        begin(moment, name)
    sets = {variant.reference_set: variant for variant in variants}
    outcome.work = (len(variants) + sum(map(cold, sets.values()))) / sum(speeds)
    return outcome
