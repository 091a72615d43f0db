"""Who renders what: the dispatcher's policy, without Ray and without clocks. The same calls give the same answers.

A worker has at most one group running and one queued, so that a GPU never waits. It's given work of a reference set
that it has warm; else of a set that no worker has; else of the largest set. Groups get smaller towards the end, so that
all workers finish together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from pipeline.plan.variant import Variant

LARGEST_GROUP = 8
HOSTED_GROUP = 96
"""Of a hosted tier, which has many pictures in flight at once and only few while the last of a group come in."""

TURNS_GROUP = 32
"""Of a worker whose text encoder and transformer take turns in memory: a turn for few pictures is a waste."""

GROUPS_PER_WORKER = 2
DEATHS_ALLOWED = 2
WARM_SETS = 32
"""So many sets a worker's caches are taken to hold."""

ReferenceSet = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Task:
    """A variant on its way to a worker; attempts counts this one."""

    variant: Variant
    attempts: int


@dataclass
class _Worker:
    groups: list[dict[str, Variant]] = field(default_factory=list)
    started: set[str] = field(default_factory=set)
    warm: dict[ReferenceSet, None] = field(default_factory=dict)
    alone: bool = False
    turns: bool = False


class Dispatcher:
    """The queue of one run: every variant is given out, and comes back recorded or lost with its worker."""

    def __init__(
        self, variants: Iterable[Variant], workers: int, largest_group: int = LARGEST_GROUP, *, mixed: bool = False
    ) -> None:
        """workers: how many there are to be, which decides how small groups get. mixed: a group may be of many
        reference sets, as where none is kept warm, and gets no smaller than a quarter of the largest.
        """
        self._largest, self._smallest = largest_group, largest_group // 4 if mixed else 1
        self._mixed = mixed
        self._queues: dict[ReferenceSet, deque[Variant]] = {}
        self._queued = 0
        for variant in variants:
            self._queues.setdefault(self._set_of(variant), deque()).append(variant)
            self._queued += 1
        self._alone: deque[Variant] = deque()
        self._deaths: dict[str, int] = {}
        self._workers: dict[str, _Worker] = {}
        self._expected = max(1, workers)

    def takes_turns(self, worker: str) -> None:
        """Give `worker` larger groups, of as many reference sets as it takes."""
        self._workers.setdefault(worker, _Worker()).turns = True

    @property
    def waiting(self) -> int:
        """Variants that no worker has."""
        return self._queued + len(self._alone)

    @property
    def finished(self) -> bool:
        """Nothing waits and no worker holds anything."""
        return not self.waiting and not any(worker.groups for worker in self._workers.values())

    def take(self, worker: str) -> tuple[Task, ...]:
        """The next group for `worker`; nothing if it has two already or nothing waits.

        Suspects of a worker's death come last, each alone: while a worker has one, it has nothing else.
        """
        state = self._workers.setdefault(worker, _Worker())
        state.alone = state.alone and bool(state.groups)
        if len(state.groups) >= GROUPS_PER_WORKER or state.alone:
            return ()
        if self._queued:
            group = self._next_group(state)
        elif self._alone and not state.groups:
            group, state.alone = [self._alone.popleft()], True
            self._warms(state, self._set_of(group[0]))
        else:
            return ()
        state.groups.append({variant.render_key: variant for variant in group})
        return tuple(Task(variant, self._deaths.get(variant.render_key, 0) + 1) for variant in group)

    def _next_group(self, state: _Worker) -> list[Variant]:
        """Variants of one set; of several where parts of the model take turns."""
        share = max(self._smallest, self._queued // (GROUPS_PER_WORKER * self._expected))
        size = min(TURNS_GROUP if state.turns else self._largest, share)
        group: list[Variant] = []
        while self._queued and (not group or (state.turns and len(group) < size)):
            reference_set = self._choose(state)
            queue = self._queues[reference_set]
            found = [queue.popleft() for _ in range(min(len(queue), size - len(group)))]
            self._queued -= len(found)
            if not queue:
                del self._queues[reference_set]
            self._warms(state, reference_set)
            group += found
        return group

    def _warms(self, state: _Worker, reference_set: ReferenceSet) -> None:
        state.warm.pop(reference_set, None)
        state.warm[reference_set] = None
        if len(state.warm) > WARM_SETS:
            del state.warm[next(iter(state.warm))]

    def started(self, worker: str, render_key: str) -> Variant | None:
        """`worker` has begun with a variant; returns it, None if it's not one of the worker's."""
        state = self._workers[worker]
        for group in state.groups:
            if render_key in group:
                state.started.add(render_key)
                return group[render_key]
        return None

    def holds(self, worker: str) -> bool:
        """Whether `worker` has anything to render."""
        return worker in self._workers and bool(self._workers[worker].groups)

    def recorded(self, worker: str, render_key: str) -> None:
        """A variant of `worker` is done or has failed."""
        state = self._workers[worker]
        state.started.discard(render_key)
        for group in state.groups:
            group.pop(render_key, None)
        state.groups = [group for group in state.groups if group]

    def lost(self, worker: str) -> tuple[tuple[Variant, int], ...]:
        """`worker` is gone. Returns the variants that are given up, each with its attempts; the rest waits again.

        Suspects are the variants in flight and the one that would have been next (its message may have been lost). A
        suspect is tried once more, alone, and given up when it was in flight at a second death.
        """
        state = self._workers.pop(worker, _Worker())
        held = {key: variant for group in state.groups for key, variant in group.items()}
        following = next((key for key in held if key not in state.started), None)
        given_up = []
        for render_key in [key for key in held if key in state.started or key == following]:
            variant = held.pop(render_key)
            deaths = self._deaths[render_key] = self._deaths.get(render_key, 0) + 1
            if deaths < DEATHS_ALLOWED:
                self._alone.append(variant)
            else:
                given_up.append((variant, deaths))
        for variant in reversed(held.values()):
            if variant.render_key in self._deaths:
                self._alone.append(variant)
            else:
                self._queues.setdefault(self._set_of(variant), deque()).appendleft(variant)
                self._queued += 1
        return tuple(given_up)

    def abandoned(self) -> tuple[Variant, ...]:
        """Everything that waits, taken out of the queue: for the end of a run without workers."""
        rest = tuple(variant for queue in self._queues.values() for variant in queue) + tuple(self._alone)
        self._queues.clear()
        self._queued = 0
        self._alone.clear()
        return rest

    def _set_of(self, variant: Variant) -> ReferenceSet:
        """The set whose queue a variant waits in: one for all where sets don't matter."""
        return () if self._mixed else variant.reference_set

    def _choose(self, state: _Worker) -> ReferenceSet:
        for warm in reversed(state.warm):
            if warm in self._queues:
                return warm
        claimed = {warm for worker in self._workers.values() for warm in worker.warm}
        for reference_set in self._queues:
            if reference_set not in claimed:
                return reference_set
        return max(self._queues, key=lambda reference_set: len(self._queues[reference_set]))
