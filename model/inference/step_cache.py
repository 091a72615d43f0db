"""What `reuse: approximate` does in place of the whole computation, step by step. Opt-in; never equal to it.

- References run in some of the steps; their keys and values of the last such step stand in for them in the others.
  klein-kv is trained for that, other models only stand it, as references change little from step to step.
- In long schedules some steps in the middle aren't computed: their velocity is continued in a straight line from the
  two computed before, as a linear multistep solver does. Paths of a rectified flow are nearly straight there.

Both depend on the number of steps alone and not on the picture: a picture's result is the same in any company.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from torch import Tensor

from brandpress.model.sampler_version import LONG_SCHEDULE

REFRESH_EVERY = 4
"""Of the computed steps one in so many runs the references, the first always."""

FIRST_STEPS, LAST_STEPS = 3, 2
"""Of a long schedule, always computed: the layout is decided in the first ones, the last make the largest move."""

Kind = Literal["whole", "reused", "continued"]


class Past(NamedTuple):
    """A computed step: its sigma, and the velocity there."""

    sigma: float
    velocity: Tensor


def exact_kinds(steps: int) -> tuple[Kind, ...]:
    """Every step as it is."""
    return tuple("whole" for _ in range(steps))


def approximate_kinds(steps: int) -> tuple[Kind, ...]:
    """How each step is made: the whole model, the model with reused references, or continued from steps before."""
    kinds: list[Kind] = []
    computed = 0
    for step in range(steps):
        if _continued(step, steps):
            kinds.append("continued")
            continue
        kinds.append("reused" if computed % REFRESH_EVERY else "whole")
        computed += 1
    return tuple(kinds)


def _continued(step: int, steps: int) -> bool:
    """Every second step between the first ones and the last ones of a long schedule."""
    return steps >= LONG_SCHEDULE and FIRST_STEPS <= step < steps - LAST_STEPS and (step - FIRST_STEPS) % 2 == 0


def continued(past: Sequence[Past], sigma: float) -> Tensor:
    """The velocity at `sigma`, on the straight line through the last two of `past`."""
    before, last = past[-2:]
    slope = (sigma - last.sigma) / (last.sigma - before.sigma)
    return last.velocity + slope * (last.velocity - before.velocity)
