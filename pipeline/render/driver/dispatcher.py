"""Decides which worker renders which variants, without Ray and without clocks; the same calls return the same groups.

A worker has at most one group that it hasn't started, so that its GPU never waits. `AffinityQueue` chooses a group's
reference set, preferably one that the worker has cached. Groups shrink towards the end so that all workers finish
together.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field
from itertools import islice

from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.driver.affinity_queue import AffinityQueue, ReferenceSet

LARGEST_GROUP = 8
SMALL_PICTURE = 256 * 256
SMALL_GROUP = 32
"""Group size for pictures of at most SMALL_PICTURE pixels, which a renderer batches."""

HOSTED_GROUP = 96
"""Group size for a hosted tier, which keeps many pictures in flight and idles while the last of a group come in."""

OFFLOAD_GROUP = 32
"""Group size for a worker that offloads: swapping text encoder and transformer should serve many pictures."""

GROUPS_PER_WORKER = 2
GROUPS_LEFT = 4
"""Groups per worker that should remain after one is handed out, so that slow workers hold few variants at the end."""

MAX_FAILED_ATTEMPTS = 2
MAX_NODE_LOSSES = 4
"""Machines fail for reasons unrelated to a variant. From this many losses on, the variant is blamed."""

DEFAULT_WARMUP_COST = 1.0


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """A variant whose worker died or ran out of memory.

    failures: how often that has happened to it. given_up: it isn't tried again.
    """

    variant: Variant
    failures: int
    given_up: bool


@dataclass
class _Group:
    variants: dict[str, Variant]
    started: bool = False


@dataclass
class _Worker:
    groups: list[_Group] = field(default_factory=list)
    started: set[str] = field(default_factory=set)
    rendered: set[str] = field(default_factory=set)
    isolated: bool = False
    offloading: bool = False
    fresh: bool = True

    @property
    def has_room(self) -> bool:
        """Whether it can take a group: one beside those it has started, two at first."""
        waiting = sum(not group.started for group in self.groups)
        return waiting < (1 if len(self.groups) > waiting else GROUPS_PER_WORKER)


class Dispatcher:
    """The queue of one run. Every variant is handed out and comes back recorded, or is lost with its worker."""

    def __init__(
        self,
        variants: Iterable[Variant],
        workers: int,
        largest_group: int = LARGEST_GROUP,
        *,
        mixed: bool = False,
        warmup_cost: Callable[[Variant], float] = lambda variant: DEFAULT_WARMUP_COST,
        suspects: Set[str] = frozenset(),
        maybe_delivered: Iterable[str] = (),
    ) -> None:
        """workers: expected number, which decides how small groups get. mixed: groups may hold many reference sets
        (for models that cache none) and never shrink below a quarter of `largest_group`. warmup_cost: returns what
        preparing a variant's reference set costs a worker, in pictures. suspects: render keys of variants that were in
        flight when a worker of an earlier run was lost. maybe_delivered: render keys of variants that workers of a
        killed run may have delivered.
        """
        self._largest, self._smallest = largest_group, largest_group // 4 if mixed else 1
        self._mixed = mixed
        self._isolated: deque[Variant] = deque()
        self._hastened: deque[Variant] = deque()
        self._held: set[str] = set()
        self._maybe_delivered = set(maybe_delivered)
        self._inherited = set(self._maybe_delivered)
        self._failures = Counter(suspects)
        self._node_losses: Counter[str] = Counter()
        self._out_of_memory: set[str] = set()
        self._dropped: Set[str] = frozenset()
        self._queue = AffinityQueue(self._without_suspects(variants), self._set_of, warmup_cost)
        self._workers: dict[str, _Worker] = {}
        self._expected = max(1, workers)

    def set_offloading(self, worker: str) -> None:
        """Gives `worker`, which offloads parts of its model, larger groups that may hold many reference sets."""
        self._workers.setdefault(worker, _Worker()).offloading = True

    @property
    def waiting(self) -> int:
        """The number of variants that no worker has."""
        return len(self._queue) + len(self._isolated) + len(self._hastened)

    def expect(self, workers: int) -> None:
        """Changes the expected number of workers, which decides how small groups get."""
        self._expected = max(1, workers)

    def hold(self, render_key: str) -> None:
        """Gives a suspect to no worker until `release`, because its failed attempt is still being recorded."""
        self._held.add(render_key)

    def release(self, render_key: str) -> None:
        """Ends `hold`."""
        self._held.discard(render_key)

    @property
    def finished(self) -> bool:
        """Whether nothing waits and no worker holds a variant."""
        return not self.waiting and self.all_idle

    @property
    def in_flight(self) -> int:
        """The number of variants that workers have been given and haven't answered for."""
        return sum(len(group.variants) for worker in self._workers.values() for group in worker.groups)

    def take(self, worker: str, most: int | None = None) -> tuple[Variant, ...]:
        """Returns the next group for `worker`; empty if it already has one to start, or if other workers will finish
        the rest sooner. most: how many variants it may have; default: no limit.

        Suspects of a worker's death come last, each as the only variant on its worker. Variants that ran out of memory
        are retried on a fresh worker.
        """
        state = self._workers.setdefault(worker, _Worker())
        state.isolated = state.isolated and bool(state.groups)
        if not state.has_room or state.isolated or most == 0:
            return ()
        group = self._next_hastened(worker) or self._next_group(worker, state, most)
        if not group and not state.groups and (suspect := self._next_isolated(state)) is not None:
            group, state.isolated = [suspect], True
            self._queue.add_in_flight(worker, suspect)
        if group:
            state.groups.append(_Group({variant.render_key: variant for variant in group}))
        return tuple(group)

    def maybe_delivered(self, variants: Iterable[Variant]) -> frozenset[str]:
        """Returns the render keys of those variants that a lost worker may have delivered without reporting it."""
        return frozenset(self._maybe_delivered.intersection(variant.render_key for variant in variants))

    def is_inherited(self, render_key: str) -> bool:
        """Whether a killed run may have delivered a variant, and no lost worker of this one."""
        return render_key in self._inherited

    def hasten(self, matches: Callable[[Variant], bool]) -> None:
        """Gives a waiting variant that matches to the next worker that has room, unless one is waiting for that."""
        if not self._hastened and (variant := self._queue.remove_first(matches)) is not None:
            self._hastened.append(variant)

    def _next_hastened(self, worker: str) -> list[Variant]:
        if not self._hastened:
            return []
        variant = self._hastened.popleft()
        self._queue.add_in_flight(worker, variant)
        return [variant]

    def needs_fresh_worker(self, worker: str) -> bool:
        """Whether `worker` is idle and a variant waits for a worker that has rendered nothing yet."""
        state = self._workers.get(worker, _Worker())
        waiting = any(
            variant.render_key in self._out_of_memory and variant.render_key not in self._held
            for variant in self._isolated
        )
        return not state.groups and not state.fresh and waiting

    def allow_used_workers(self) -> None:
        """Lets any worker retry variants that ran out of memory, because no fresh one will be started."""
        self._out_of_memory.clear()

    def _next_isolated(self, state: _Worker) -> Variant | None:
        for variant in self._isolated:
            if variant.render_key in self._held:
                continue
            if state.fresh or variant.render_key not in self._out_of_memory:
                self._isolated.remove(variant)
                return variant
        return None

    def _without_suspects(self, variants: Iterable[Variant]) -> Iterator[Variant]:
        """Yields the variants that may share a group, and sets the suspects aside."""
        for variant in variants:
            if self._failures[variant.render_key]:
                self._isolated.append(variant)
            else:
                yield variant

    def _next_group(self, worker: str, state: _Worker, most: int | None) -> list[Variant]:
        """Variants of one reference set; of several if the worker offloads."""
        share = max(self._smallest, len(self._queue) // (GROUPS_LEFT * self._expected))
        if self._expected == 1:
            share = len(self._queue)
        share = share if most is None else min(share, most)
        group: list[Variant] = []
        size = 1
        while len(group) < size and (reference_set := self._queue.choose_set(worker)) is not None:
            size = min(self._group_size(state, self._queue.peek(reference_set)), share)
            group += self._queue.take(worker, reference_set, size - len(group))
            if not state.offloading:
                break
        return group

    def _group_size(self, state: _Worker, variant: Variant) -> int:
        if state.offloading:
            return OFFLOAD_GROUP
        small = variant.width * variant.height <= SMALL_PICTURE
        return max(self._largest, SMALL_GROUP) if small else self._largest

    def start(self, worker: str, render_key: str) -> Variant | None:
        """Marks a variant of `worker` as started and returns it; None if the worker doesn't hold it."""
        state = self._workers[worker]
        state.fresh = False
        for group in state.groups:
            if render_key in group.variants:
                group.started = True
                state.started.add(render_key)
                return group.variants[render_key]
        return None

    def holds_work(self, worker: str) -> bool:
        """Whether `worker` has variants to render."""
        return worker in self._workers and bool(self._workers[worker].groups)

    def groups_of(self, worker: str) -> int:
        """Returns how many groups `worker` has that aren't completely recorded."""
        return len(self._workers[worker].groups) if worker in self._workers else 0

    @property
    def all_idle(self) -> bool:
        """Whether no worker has variants to render."""
        return not any(worker.groups for worker in self._workers.values())

    def holds(self, worker: str, render_key: str) -> Variant | None:
        """Returns a variant that `worker` has been given and hasn't answered for; None if it has no such variant."""
        groups = self._workers[worker].groups if worker in self._workers else []
        return next((group.variants[render_key] for group in groups if render_key in group.variants), None)

    def finish_rendering(self, worker: str, render_key: str) -> None:
        """Marks a variant as rendered: it is no suspect if its worker dies from now on."""
        state = self._workers[worker]
        if render_key in state.started:
            state.started.remove(render_key)
            state.rendered.add(render_key)

    def finish(self, worker: str, render_key: str) -> None:
        """Removes a variant that needs no more work: it is done, has failed, or can't be recorded."""
        if (variant := self._take_back(worker, render_key)) is not None:
            self._queue.finish(variant)

    def set_aside_out_of_memory(self, worker: str, render_key: str) -> FailedAttempt | None:
        """Sets aside a variant for which `worker` ran out of memory. It is retried once, alone, on a fresh worker."""
        variant = self._take_back(worker, render_key)
        if variant is None:
            return None
        self._queue.remove_in_flight(variant)
        given_up = self._failures[render_key] > 0
        self._failures[render_key] += 1
        if not given_up:
            self._out_of_memory.add(render_key)
            self._isolated.append(variant)
        return FailedAttempt(variant, self._failures[render_key], given_up)

    def lose(self, worker: str, *, node: bool = False) -> tuple[FailedAttempt, ...]:
        """Requeues the variants of a worker that was lost, with its whole machine if `node`. Returns failed attempts.

        The variants in flight become suspects, and so does the next one, whose start message may have been lost. A
        suspect is tried once more, alone, and given up if it is in flight at a second death. Losing a machine creates
        no suspects.
        """
        state = self._workers.pop(worker, _Worker())
        self._queue.remove_worker(worker)
        held = {key: variant for group in state.groups for key, variant in group.variants.items()}
        self._maybe_delivered.update(held)
        self._inherited.difference_update(held)
        untouched = (key for key in held if key not in state.started and key not in state.rendered)
        suspects = [*(key for key in held if key in state.started), *(() if node else islice(untouched, 1))]
        attempts = [self._count_failure(held[key], node) for key in suspects]
        given_up = {attempt.variant.render_key for attempt in attempts if attempt.given_up}
        for key in [key for key in held if self._failures[key]]:
            variant = held.pop(key)
            self._queue.remove_in_flight(variant)
            if key not in given_up:
                self._isolated.append(variant)
        for key in reversed(held):
            self._queue.requeue(held[key])
        self._dropped = frozenset()
        return tuple(
            attempt
            for attempt in attempts
            if attempt.given_up or (not node and attempt.variant.render_key in state.started)
        )

    def _count_failure(self, variant: Variant, node: bool) -> FailedAttempt:
        key = variant.render_key
        if node:
            self._node_losses[key] += 1
            if self._node_losses[key] < MAX_NODE_LOSSES:
                return FailedAttempt(variant, self._failures[key], given_up=False)
        self._failures[key] += 1
        return FailedAttempt(variant, self._failures[key], self._failures[key] >= MAX_FAILED_ATTEMPTS)

    def _take_back(self, worker: str, render_key: str) -> Variant | None:
        """Removes and returns a variant of `worker`; None if the worker doesn't hold it."""
        state = self._workers[worker]
        state.started.discard(render_key)
        state.rendered.discard(render_key)
        removed = None
        for group in state.groups:
            if (variant := group.variants.pop(render_key, None)) is not None:
                group.started, removed = True, variant
        state.groups = [group for group in state.groups if group.variants]
        return removed

    def add(self, variants: Iterable[Variant]) -> None:
        """Adds variants to those that wait."""
        self._queue.add(variants)
        self._dropped = frozenset()

    def drop(self, render_keys: Set[str]) -> int:
        """Removes waiting variants that another run has recorded; returns how many.

        Looks at all of them, unless it's the same set as the last time and no variant has come to wait since then.
        """
        if not render_keys or render_keys is self._dropped:
            return 0
        self._dropped = render_keys
        return self._queue.drop(render_keys)

    def drain(self) -> tuple[Variant, ...]:
        """Removes and returns all waiting variants, for a run that ends without workers."""
        variants = self._queue.drain() + tuple(self._isolated) + tuple(self._hastened)
        self._isolated.clear()
        self._hastened.clear()
        return variants

    def _set_of(self, variant: Variant) -> ReferenceSet:
        """The set whose queue a variant waits in: one for all variants if groups are mixed."""
        return () if self._mixed else variant.reference_set
