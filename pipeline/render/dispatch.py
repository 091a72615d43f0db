"""Who renders what: the dispatcher's policy, without Ray and without clocks. The same calls give the same answers.

A worker has at most one group that it hasn't begun, so that a GPU never waits. What a group is of, `Sets` chooses: a
set that its worker has warm, if there's one. Groups get smaller towards the end, so that all workers finish together.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from pipeline.plan.variant import Variant
from pipeline.render.sets import ReferenceSet, Sets

LARGEST_GROUP = 8
SMALL_PICTURE = 256 * 256
SMALL_GROUP = 32
"""Of pictures of so many pixels or less, which a renderer makes many at a time."""

HOSTED_GROUP = 96
"""Of a hosted tier, which has many pictures in flight at once and only few while the last of a group come in."""

TURNS_GROUP = 32
"""Of a worker whose text encoder and transformer take turns in memory: a turn for few pictures is a waste."""

GROUPS_PER_WORKER = 2
GROUPS_LEFT = 4
"""For each worker, so many of the next group are to be left when it's given out: slow workers hold few at the end."""

DEATHS_ALLOWED = 2
COLD = 1.0


@dataclass(frozen=True, slots=True)
class Task:
    """A variant on its way to a worker; attempts counts this one."""

    variant: Variant
    attempts: int


@dataclass
class _Group:
    variants: dict[str, Variant]
    begun: bool = False


@dataclass
class _Worker:
    groups: list[_Group] = field(default_factory=list)
    started: set[str] = field(default_factory=set)
    alone: bool = False
    turns: bool = False

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
    ) -> None:
        """workers: how many there are to be, which decides how small groups get. mixed: a group may be of many
        reference sets, as where none is kept warm, and gets no smaller than a quarter of the largest. cold: what a
        variant's set costs a worker that hasn't got it, in pictures.
        """
        self._largest, self._smallest = largest_group, largest_group // 4 if mixed else 1
        self._mixed = mixed
        self._sets = Sets(variants, self._set_of, cold)
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
        return len(self._sets) + len(self._alone)

    @property
    def finished(self) -> bool:
        """Nothing waits and no worker holds anything."""
        return not self.waiting and not any(worker.groups for worker in self._workers.values())

    def take(self, worker: str) -> tuple[Task, ...]:
        """The next group for `worker`; nothing if it has one to begin, or if nothing waits that others aren't through
        with sooner.

        Suspects of a worker's death come last, each alone: while a worker has one, it has nothing else.
        """
        state = self._workers.setdefault(worker, _Worker())
        state.alone = state.alone and bool(state.groups)
        if not state.ready or state.alone:
            return ()
        group = self._next_group(worker, state)
        if not group and self._alone and not state.groups:
            group, state.alone = [self._alone.popleft()], True
            self._sets.lend(worker, group[0])
        if group:
            state.groups.append(_Group({variant.render_key: variant for variant in group}))
        return tuple(Task(variant, self._deaths.get(variant.render_key, 0) + 1) for variant in group)

    def _next_group(self, worker: str, state: _Worker) -> list[Variant]:
        """Variants of one set; of several where parts of the model take turns."""
        share = max(self._smallest, len(self._sets) // (GROUPS_LEFT * self._expected))
        if self._expected == 1:
            share = len(self._sets)
        group: list[Variant] = []
        size = 1
        while len(group) < size and (reference_set := self._sets.choose(worker)) is not None:
            size = min(self._group_size(state, self._sets.first(reference_set)), share)
            group += self._sets.take(worker, reference_set, size - len(group))
            if not state.turns:
                break
        return group

    def _group_size(self, state: _Worker, variant: Variant) -> int:
        if state.turns:
            return TURNS_GROUP
        small = variant.width * variant.height <= SMALL_PICTURE
        return max(self._largest, SMALL_GROUP) if small else self._largest

    def started(self, worker: str, render_key: str) -> Variant | None:
        """`worker` has begun with a variant; returns it, None if it's not one of the worker's."""
        state = self._workers[worker]
        for group in state.groups:
            if render_key in group.variants:
                group.begun = True
                state.started.add(render_key)
                return group.variants[render_key]
        return None

    def holds(self, worker: str) -> bool:
        """Whether `worker` has anything to render."""
        return worker in self._workers and bool(self._workers[worker].groups)

    def recorded(self, worker: str, render_key: str) -> None:
        """A variant of `worker` is done or has failed."""
        state = self._workers[worker]
        state.started.discard(render_key)
        for group in state.groups:
            if (variant := group.variants.pop(render_key, None)) is not None:
                group.begun = True
                self._sets.ended(variant)
        state.groups = [group for group in state.groups if group.variants]

    def lost(self, worker: str) -> tuple[tuple[Variant, int], ...]:
        """`worker` is gone. Returns the variants that are given up, each with its attempts; the rest waits again.

        Suspects are the variants in flight and the one that would have been next (its message may have been lost). A
        suspect is tried once more, alone, and given up when it was in flight at a second death.
        """
        state = self._workers.pop(worker, _Worker())
        self._sets.forget(worker)
        held = {key: variant for group in state.groups for key, variant in group.variants.items()}
        following = next((key for key in held if key not in state.started), None)
        given_up = []
        for render_key in [key for key in held if key in state.started or key == following]:
            variant = held.pop(render_key)
            self._sets.returned(variant)
            deaths = self._deaths[render_key] = self._deaths.get(render_key, 0) + 1
            if deaths < DEATHS_ALLOWED:
                self._alone.append(variant)
            else:
                given_up.append((variant, deaths))
        for variant in reversed(held.values()):
            if variant.render_key in self._deaths:
                self._sets.returned(variant)
                self._alone.append(variant)
            else:
                self._sets.put_back(variant)
        return tuple(given_up)

    def abandoned(self) -> tuple[Variant, ...]:
        """Everything that waits, taken out of the queue: for the end of a run without workers."""
        rest = self._sets.drain() + tuple(self._alone)
        self._alone.clear()
        return rest

    def _set_of(self, variant: Variant) -> ReferenceSet:
        """The set whose queue a variant waits in: one for all where sets don't matter."""
        return () if self._mixed else variant.reference_set
