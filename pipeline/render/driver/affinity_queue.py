"""A queue of variants grouped by reference set, and which workers have which sets in their caches.

A cached set costs nothing. A set that has to be prepared costs as much as `warmup_cost` pictures, so a worker joins a
set that others have started only if that finishes the set sooner: with k workers and r pictures left,
(r + cost) / (k + 1) < r / k, i.e. r > k * cost. The cost of an operation grows at most logarithmically with sets and
variants, except that `drop`, `drain` and `remove_first` look at all variants.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Set
from heapq import heapify, heappop, heappush

from brandpress.pipeline.plan.variant import Variant

CACHED_SETS = 4
"""How many sets we assume a worker's caches hold; they may hold more."""

ReferenceSet = tuple[str, ...]


class AffinityQueue:
    """Serves the largest set first, and sets of equal size in the order in which they were added."""

    def __init__(
        self,
        variants: Iterable[Variant],
        set_of: Callable[[Variant], ReferenceSet],
        warmup_cost: Callable[[Variant], float],
    ) -> None:
        """set_of: returns the set whose queue a variant waits in. warmup_cost: returns what preparing a variant's set
        costs a worker that hasn't cached it, in pictures."""
        self._set_of, self._warmup_cost_of = set_of, warmup_cost
        self._queues: dict[ReferenceSet, deque[Variant]] = {}
        self._warmup_costs: dict[ReferenceSet, float] = {}
        self._order: dict[ReferenceSet, int] = {}
        self._cached: dict[str, dict[ReferenceSet, None]] = {}
        self._claims: dict[ReferenceSet, set[str]] = {}
        self._in_flight: Counter[ReferenceSet] = Counter()
        self._prepared: set[ReferenceSet] = set()
        self._waiting = 0
        for variant in variants:
            self._queue(variant).append(variant)
            self._waiting += 1
        self._unclaimed = [self._rank(reference_set) for reference_set in self._queues]
        heapify(self._unclaimed)

    def __len__(self) -> int:
        """The number of waiting variants."""
        return self._waiting

    def choose_set(self, worker: str) -> ReferenceSet | None:
        """Returns the set that `worker` should take from, or None if other workers will finish the rest sooner.

        Prefers the worker's most recently cached set, then the largest unclaimed set, then the set with the most
        variants per worker.
        """
        for reference_set in reversed(self._cached.get(worker, {})):
            if reference_set in self._queues:
                return reference_set
        while self._unclaimed:
            rank = self._unclaimed[0]
            reference_set = rank[2]
            if reference_set in self._queues and reference_set not in self._claims and rank == self._rank(rank[2]):
                return reference_set
            heappop(self._unclaimed)
        shared = [claimed for claimed in self._claims if claimed in self._queues and self._is_worth_sharing(claimed)]
        return min(shared, key=lambda claimed: (-self._share(claimed), self._order[claimed]), default=None)

    def peek(self, reference_set: ReferenceSet) -> Variant:
        """Returns the next variant of a set and leaves it in the queue."""
        return self._queues[reference_set][0]

    def take(self, worker: str, reference_set: ReferenceSet, most: int) -> list[Variant]:
        """Removes and returns up to `most` variants of a set, which `worker` then counts as having cached.

        Returns fewer if that avoids mixing two kinds of pictures in one group.
        """
        queue = self._queues[reference_set]
        variants = [queue.popleft() for _ in range(_group_end(queue, most))]
        self._waiting -= len(variants)
        self._in_flight[reference_set] += len(variants)
        if not queue:
            del self._queues[reference_set]
        self.mark_cached(worker, reference_set)
        return variants

    def remove_first(self, matches: Callable[[Variant], bool]) -> Variant | None:
        """Removes and returns the first waiting variant that matches; None if none does. Looks at all variants."""
        first = next((variant for queue in self._queues.values() for variant in queue if matches(variant)), None)
        if first is not None:
            reference_set = self._set_of(first)
            self._queues[reference_set].remove(first)
            self._waiting -= 1
            if not self._queues[reference_set]:
                del self._queues[reference_set]
            else:
                self._push_if_unclaimed(reference_set)
        return first

    def add_in_flight(self, worker: str, variant: Variant) -> None:
        """Counts a variant that `worker` took from elsewhere."""
        self._in_flight[self._set_of(variant)] += 1
        self.mark_cached(worker, self._set_of(variant))

    def finish(self, variant: Variant) -> None:
        """Counts a variant as finished by its worker, which has therefore prepared the set."""
        self.remove_in_flight(variant)
        self._prepared.add(self._set_of(variant))

    def remove_in_flight(self, variant: Variant) -> None:
        """Stops counting a variant whose worker gave it up."""
        self._in_flight[self._set_of(variant)] -= 1

    def requeue(self, variant: Variant) -> None:
        """Puts a lost worker's variant back at the front of its set's queue."""
        self.remove_in_flight(variant)
        self._queue(variant).appendleft(variant)
        self._waiting += 1
        self._push_if_unclaimed(self._set_of(variant))

    def add(self, variants: Iterable[Variant]) -> None:
        """Adds variants behind those that wait."""
        for variant in variants:
            self._queue(variant).append(variant)
            self._waiting += 1
            self._push_if_unclaimed(self._set_of(variant))

    def mark_cached(self, worker: str, reference_set: ReferenceSet) -> None:
        """Counts the set as cached by `worker`, or about to be."""
        cached = self._cached.setdefault(worker, {})
        cached.pop(reference_set, None)
        cached[reference_set] = None
        self._claims.setdefault(reference_set, set()).add(worker)
        if len(cached) > CACHED_SETS:
            self._evict(worker, next(iter(cached)))

    def remove_worker(self, worker: str) -> None:
        """Forgets a lost worker and its caches."""
        for reference_set in list(self._cached.get(worker, {})):
            self._evict(worker, reference_set)
        self._cached.pop(worker, None)

    def drop(self, render_keys: Set[str]) -> int:
        """Removes waiting variants with these render keys; returns how many. Looks at all variants."""
        before = self._waiting
        for reference_set, queue in list(self._queues.items()):
            remaining = deque(variant for variant in queue if variant.render_key not in render_keys)
            self._waiting -= len(queue) - len(remaining)
            if remaining:
                self._queues[reference_set] = remaining
            else:
                del self._queues[reference_set]
            if len(remaining) < len(queue):
                self._push_if_unclaimed(reference_set)
        return before - self._waiting

    def drain(self) -> tuple[Variant, ...]:
        """Removes and returns all waiting variants."""
        variants = tuple(variant for queue in self._queues.values() for variant in queue)
        self._queues.clear()
        self._waiting = 0
        return variants

    def _queue(self, variant: Variant) -> deque[Variant]:
        reference_set = self._set_of(variant)
        if reference_set not in self._order:
            self._order[reference_set] = len(self._order)
            self._warmup_costs[reference_set] = self._warmup_cost_of(variant) if reference_set else 0.0
        return self._queues.setdefault(reference_set, deque())

    def _evict(self, worker: str, reference_set: ReferenceSet) -> None:
        del self._cached[worker][reference_set]
        self._claims[reference_set].discard(worker)
        if not self._claims[reference_set]:
            del self._claims[reference_set]
            self._push_if_unclaimed(reference_set)

    def _push_if_unclaimed(self, reference_set: ReferenceSet) -> None:
        """Updates the heap after a set lost its last worker or grew."""
        if reference_set in self._queues and reference_set not in self._claims:
            heappush(self._unclaimed, self._rank(reference_set))

    def _rank(self, reference_set: ReferenceSet) -> tuple[int, int, ReferenceSet]:
        return -len(self._queues[reference_set]), self._order[reference_set], reference_set

    def _share(self, reference_set: ReferenceSet) -> float:
        """Variants left per worker, including those in flight."""
        left = len(self._queues[reference_set]) + self._in_flight[reference_set]
        return left / len(self._claims[reference_set])

    def _is_worth_sharing(self, reference_set: ReferenceSet) -> bool:
        return reference_set not in self._prepared or self._share(reference_set) > self._warmup_costs[reference_set]


def _group_end(queue: deque[Variant], most: int) -> int:
    """How many variants to take: up to the last change of kind in the second half of `most`, or all of `most`."""
    most = min(most, len(queue))
    if most == len(queue):
        return most
    kinds = [_kind(queue[number]) for number in range(most + 1)]
    changes = (number for number in range(most, (most - 1) // 2, -1) if kinds[number] != kinds[number - 1])
    return next(changes, most)


def _kind(variant: Variant) -> tuple[object, ...]:
    """What variants must have in common to be rendered in one batch."""
    return variant.width, variant.height, variant.steps, variant.guidance, variant.reuse
