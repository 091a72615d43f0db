"""Who renders what: the dispatcher's policy, without Ray and without clocks. The same calls give the same answers.

A worker has at most one group that it hasn't begun, so that a GPU never waits. What a group is of, `Sets` chooses: a
set that its worker has warm, if there's one. Groups get smaller towards the end, so that all workers finish together.
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
"""Of pictures of so many pixels or less, which a renderer makes many at a time."""

HOSTED_GROUP = 96
"""Of a hosted tier, which has many pictures in flight at once and only few while the last of a group come in."""

OFFLOAD_GROUP = 32
"""For a worker that offloads: swapping text encoder and transformer for a few pictures is a waste."""

GROUPS_PER_WORKER = 2
GROUPS_LEFT = 4
"""For each worker, so many of the next group are to be left when it's given out: slow workers hold few at the end."""

STRIKES_ALLOWED = 2
NODE_DEATHS_ALLOWED = 4
"""A machine may go for reasons of its own, a few times; then it's taken for the variant's fault, too."""

COLD = 1.0


@dataclass(frozen=True, slots=True)
class Struck:
    """A variant over which a worker was lost or ran out of memory, for the `strikes`-th time. given_up: or it waits
    again."""

    variant: Variant
    strikes: int
    given_up: bool


@dataclass
class _Group:
    variants: dict[str, Variant]
    begun: bool = False


@dataclass
class _Worker:
    groups: list[_Group] = field(default_factory=list)
    started: set[str] = field(default_factory=set)
    pictured: set[str] = field(default_factory=set)
    alone: bool = False
    offloading: bool = False
    fresh: bool = True

    @property
    def ready(self) -> bool:
        """It has room for a group: for one beside those that it has begun, for two at first."""
        waiting = sum(not group.begun for group in self.groups)
        return waiting < (1 if len(self.groups) > waiting else GROUPS_PER_WORKER)


class Dispatcher:
    """The queue of one run: every variant is given out, and comes back recorded or lost with its worker."""

    def __init__(
        self,
        variants: Iterable[Variant],
        workers: int,
        largest_group: int = LARGEST_GROUP,
        *,
        mixed: bool = False,
        cold: Callable[[Variant], float] = lambda variant: COLD,
        suspects: Set[str] = frozenset(),
    ) -> None:
        """workers: how many there are to be, which decides how small groups get. mixed: a group may be of many
        reference sets, as where none is kept warm, and gets no smaller than a quarter of the largest. cold: what a
        variant's set costs a worker that hasn't got it, in pictures. suspects: render keys over which a worker of an
        earlier run was lost.
        """
        self._largest, self._smallest = largest_group, largest_group // 4 if mixed else 1
        self._mixed = mixed
        self._alone: deque[Variant] = deque()
        self._strikes = Counter(suspects)
        self._node_deaths: Counter[str] = Counter()
        self._starved: set[str] = set()
        self._sets = AffinityQueue(self._unsuspected(variants), self._set_of, cold)
        self._workers: dict[str, _Worker] = {}
        self._expected = max(1, workers)

    def set_offloading(self, worker: str) -> None:
        """Give `worker` larger groups, of as many reference sets as it takes."""
        self._workers.setdefault(worker, _Worker()).offloading = True

    @property
    def waiting(self) -> int:
        """Variants that no worker has."""
        return len(self._sets) + len(self._alone)

    @property
    def finished(self) -> bool:
        """Nothing waits and no worker holds anything."""
        return not self.waiting and not any(worker.groups for worker in self._workers.values())

    def take(self, worker: str) -> tuple[Variant, ...]:
        """The next group for `worker`; nothing if it has one to begin, or if nothing waits that others aren't through
        with sooner.

        Suspects of a worker's death come last, each alone: while a worker has one, it has nothing else. What another
        worker had no memory for wants one that has rendered nothing yet.
        """
        state = self._workers.setdefault(worker, _Worker())
        state.alone = state.alone and bool(state.groups)
        if not state.ready or state.alone:
            return ()
        group = self._next_group(worker, state)
        if not group and not state.groups and (single := self._next_alone(state)) is not None:
            group, state.alone = [single], True
            self._sets.lend(worker, single)
        if group:
            state.groups.append(_Group({variant.render_key: variant for variant in group}))
        return tuple(group)

    def wants_fresh(self, worker: str) -> bool:
        """Whether `worker` has nothing to do but what wants a worker that has rendered nothing."""
        state = self._workers.get(worker, _Worker())
        return not state.groups and not state.fresh and any(one.render_key in self._starved for one in self._alone)

    def nobody_new(self) -> None:
        """No more workers will come: what wants a fresh one takes any."""
        self._starved.clear()

    def _next_alone(self, state: _Worker) -> Variant | None:
        for variant in self._alone:
            if state.fresh or variant.render_key not in self._starved:
                self._alone.remove(variant)
                return variant
        return None

    def _unsuspected(self, variants: Iterable[Variant]) -> Iterator[Variant]:
        """Those that wait in groups; suspects are put aside."""
        for variant in variants:
            if self._strikes[variant.render_key]:
                self._alone.append(variant)
            else:
                yield variant

    def _next_group(self, worker: str, state: _Worker) -> list[Variant]:
        """Variants of one set; of several if the worker offloads."""
        share = max(self._smallest, len(self._sets) // (GROUPS_LEFT * self._expected))
        if self._expected == 1:
            share = len(self._sets)
        group: list[Variant] = []
        size = 1
        while len(group) < size and (reference_set := self._sets.choose(worker)) is not None:
            size = min(self._group_size(state, self._sets.first(reference_set)), share)
            group += self._sets.take(worker, reference_set, size - len(group))
            if not state.offloading:
                break
        return group

    def _group_size(self, state: _Worker, variant: Variant) -> int:
        if state.offloading:
            return OFFLOAD_GROUP
        small = variant.width * variant.height <= SMALL_PICTURE
        return max(self._largest, SMALL_GROUP) if small else self._largest

    def started(self, worker: str, render_key: str) -> Variant | None:
        """`worker` has begun with a variant; returns it, None if it's not one of the worker's."""
        state = self._workers[worker]
        state.fresh = False
        for group in state.groups:
            if render_key in group.variants:
                group.begun = True
                state.started.add(render_key)
                return group.variants[render_key]
        return None

    def holds(self, worker: str) -> bool:
        """Whether `worker` has anything to render."""
        return worker in self._workers and bool(self._workers[worker].groups)

    def pictured(self, worker: str, render_key: str) -> None:
        """The model of `worker` is done with a variant: from now on its worker's death is not its fault."""
        state = self._workers[worker]
        if render_key in state.started:
            state.started.remove(render_key)
            state.pictured.add(render_key)

    def recorded(self, worker: str, render_key: str) -> None:
        """A variant of `worker` is done or has failed, or nothing more is to be done about it."""
        if (variant := self._taken_back(worker, render_key)) is not None:
            self._sets.ended(variant)

    def exhausted(self, worker: str, render_key: str) -> Struck | None:
        """`worker` had no memory for a variant. It is tried once more, alone, on a fresh worker."""
        variant = self._taken_back(worker, render_key)
        if variant is None:
            return None
        self._sets.returned(variant)
        given_up = self._strikes[render_key] > 0
        self._strikes[render_key] += 1
        if not given_up:
            self._starved.add(render_key)
            self._alone.append(variant)
        return Struck(variant, self._strikes[render_key], given_up)

    def lost(self, worker: str, *, node: bool = False) -> tuple[Struck, ...]:
        """`worker` is gone, perhaps with its whole machine. Returns the variants that have a strike for it; all that
        aren't given up wait again.

        Suspects of a death are the variants in flight and the one that would have been next (its message may have been
        lost). A suspect is tried once more, alone, and given up when it was in flight at a second death. The death of a
        machine makes no suspects.
        """
        state = self._workers.pop(worker, _Worker())
        self._sets.forget(worker)
        held = {key: variant for group in state.groups for key, variant in group.variants.items()}
        untouched = (key for key in held if key not in state.started and key not in state.pictured)
        suspects = [*(key for key in held if key in state.started), *(() if node else islice(untouched, 1))]
        struck = [self._strike(held[key], node) for key in suspects]
        gone = {one.variant.render_key for one in struck if one.given_up}
        aside = [key for key in held if self._strikes[key]]
        for key in aside:
            variant = held.pop(key)
            self._sets.returned(variant)
            if key not in gone:
                self._alone.append(variant)
        for key in reversed(held):
            self._sets.put_back(held[key])
        return tuple(one for one in struck if one.given_up or (not node and one.variant.render_key in state.started))

    def _strike(self, variant: Variant, node: bool) -> Struck:
        key = variant.render_key
        if node:
            self._node_deaths[key] += 1
            if self._node_deaths[key] < NODE_DEATHS_ALLOWED:
                return Struck(variant, self._strikes[key], given_up=False)
        self._strikes[key] += 1
        return Struck(variant, self._strikes[key], self._strikes[key] >= STRIKES_ALLOWED)

    def _taken_back(self, worker: str, render_key: str) -> Variant | None:
        """A variant that `worker` has no longer; None if it hadn't got it."""
        state = self._workers[worker]
        state.started.discard(render_key)
        state.pictured.discard(render_key)
        found = None
        for group in state.groups:
            if (variant := group.variants.pop(render_key, None)) is not None:
                group.begun, found = True, variant
        state.groups = [group for group in state.groups if group.variants]
        return found

    def abandoned(self) -> tuple[Variant, ...]:
        """Everything that waits, taken out of the queue: for the end of a run without workers."""
        rest = self._sets.drain() + tuple(self._alone)
        self._alone.clear()
        return rest

    def _set_of(self, variant: Variant) -> ReferenceSet:
        """The set whose queue a variant waits in: one for all where sets don't matter."""
        return () if self._mixed else variant.reference_set
