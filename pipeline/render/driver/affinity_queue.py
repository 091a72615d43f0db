"""Variants that wait, by reference set, and which workers have which sets warm: who should go on with what.

Warm sets cost nothing. A cold one costs as much as so many pictures (`cold`), so a worker shares a set that others
have begun only where that ends the set sooner: with k workers at r pictures, (r + cold) / (k + 1) < r / k, which is
r > k * cold. Nothing here takes longer for more sets or variants, but for a logarithm.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush

from brandpress.pipeline.plan.variant import Variant

WARM_SETS = 4
"""So many sets a worker's caches are taken to hold; they may hold more."""

ReferenceSet = tuple[str, ...]


class AffinityQueue:
    """Sets are served the largest first, equal ones as they first came."""

    def __init__(
        self,
        variants: Iterable[Variant],
        set_of: Callable[[Variant], ReferenceSet],
        cold: Callable[[Variant], float],
    ) -> None:
        """set_of: whose queue a variant waits in. cold: what its set costs a worker that hasn't got it, in pictures."""
        self._set_of, self._cold_cost = set_of, cold
        self._queues: dict[ReferenceSet, deque[Variant]] = {}
        self._cold: dict[ReferenceSet, float] = {}
        self._places: dict[ReferenceSet, int] = {}
        self._warm: dict[str, dict[ReferenceSet, None]] = {}
        self._claims: dict[ReferenceSet, set[str]] = {}
        self._given: Counter[ReferenceSet] = Counter()
        self._prepared: set[ReferenceSet] = set()
        self._waiting = 0
        for variant in variants:
            self._queue(variant).append(variant)
            self._waiting += 1
        self._unclaimed = [self._rank(found) for found in self._queues]
        heapify(self._unclaimed)

    def __len__(self) -> int:
        """How many variants wait."""
        return self._waiting

    def choose(self, worker: str) -> ReferenceSet | None:
        """The set that `worker` should take from: the last that it has warm; else the largest that no worker has; else
        the one with the most for each of its workers. None: others are through with what waits sooner."""
        for reference_set in reversed(self._warm.get(worker, {})):
            if reference_set in self._queues:
                return reference_set
        while self._unclaimed:
            rank = self._unclaimed[0]
            reference_set = rank[2]
            if reference_set in self._queues and reference_set not in self._claims and rank == self._rank(rank[2]):
                return reference_set
            heappop(self._unclaimed)
        shared = [found for found in self._claims if found in self._queues and self._is_worth_sharing(found)]
        return min(shared, key=lambda found: (-self._share(found), self._places[found]), default=None)

    def first(self, reference_set: ReferenceSet) -> Variant:
        """The variant of a set that is next."""
        return self._queues[reference_set][0]

    def take(self, worker: str, reference_set: ReferenceSet, most: int) -> list[Variant]:
        """The next variants of a set, for `worker`, which has the set warm from now on: at most so many, fewer where
        that spares a break between two kinds of pictures."""
        queue = self._queues[reference_set]
        taken = [queue.popleft() for _ in range(_cut(queue, most))]
        self._waiting -= len(taken)
        self._given[reference_set] += len(taken)
        if not queue:
            del self._queues[reference_set]
        self.warms(worker, reference_set)
        return taken

    def lend(self, worker: str, variant: Variant) -> None:
        """Note that `worker` has a variant that doesn't wait here."""
        self._given[self._set_of(variant)] += 1
        self.warms(worker, self._set_of(variant))

    def ended(self, variant: Variant) -> None:
        """A variant that a worker had is done with."""
        self.returned(variant)
        self._prepared.add(self._set_of(variant))

    def returned(self, variant: Variant) -> None:
        """A worker that had a variant is gone."""
        self._given[self._set_of(variant)] -= 1

    def put_back(self, variant: Variant) -> None:
        """A variant waits again, before all others of its set; the worker that had it is gone."""
        self.returned(variant)
        self._queue(variant).appendleft(variant)
        self._waiting += 1
        self._offer(self._set_of(variant))

    def warms(self, worker: str, reference_set: ReferenceSet) -> None:
        """`worker` has, or is about to have, the set in its caches."""
        warm = self._warm.setdefault(worker, {})
        warm.pop(reference_set, None)
        warm[reference_set] = None
        self._claims.setdefault(reference_set, set()).add(worker)
        if len(warm) > WARM_SETS:
            self._leave(worker, next(iter(warm)))

    def forget(self, worker: str) -> None:
        """A worker and its caches are gone."""
        for reference_set in list(self._warm.get(worker, {})):
            self._leave(worker, reference_set)
        self._warm.pop(worker, None)

    def drain(self) -> tuple[Variant, ...]:
        """All that waits, which waits no longer."""
        rest = tuple(variant for queue in self._queues.values() for variant in queue)
        self._queues.clear()
        self._waiting = 0
        return rest

    def _queue(self, variant: Variant) -> deque[Variant]:
        reference_set = self._set_of(variant)
        if reference_set not in self._places:
            self._places[reference_set] = len(self._places)
            self._cold[reference_set] = self._cold_cost(variant) if reference_set else 0.0
        return self._queues.setdefault(reference_set, deque())

    def _leave(self, worker: str, reference_set: ReferenceSet) -> None:
        del self._warm[worker][reference_set]
        self._claims[reference_set].discard(worker)
        if not self._claims[reference_set]:
            del self._claims[reference_set]
            self._offer(reference_set)

    def _offer(self, reference_set: ReferenceSet) -> None:
        """Tell of a set that no worker has any more, or that grew."""
        if reference_set in self._queues and reference_set not in self._claims:
            heappush(self._unclaimed, self._rank(reference_set))

    def _rank(self, reference_set: ReferenceSet) -> tuple[int, int, ReferenceSet]:
        return -len(self._queues[reference_set]), self._places[reference_set], reference_set

    def _share(self, reference_set: ReferenceSet) -> float:
        left = len(self._queues[reference_set]) + self._given[reference_set]
        return left / len(self._claims[reference_set])

    def _is_worth_sharing(self, reference_set: ReferenceSet) -> bool:
        return reference_set not in self._prepared or self._share(reference_set) > self._cold[reference_set]


def _cut(queue: deque[Variant], most: int) -> int:
    """How many to take of a queue: to the last break between kinds in the second half of `most`, else all."""
    most = min(most, len(queue))
    if most == len(queue):
        return most
    kinds = [_kind(queue[number]) for number in range(most + 1)]
    breaks = (number for number in range(most, (most - 1) // 2, -1) if kinds[number] != kinds[number - 1])
    return next(breaks, most)


def _kind(variant: Variant) -> tuple[object, ...]:
    """What pictures have in common that a renderer makes together."""
    return variant.width, variant.height, variant.steps, variant.guidance, variant.reuse
