"""The step cache behind `reuse: approximate`: which steps are computed, and how the others are approximated.

Opt-in, as the pictures differ from exact ones:
- Only some steps run the references. The other steps reuse their keys and values from the last step that did. klein-kv
  is trained for that; other models tolerate it, as references change little between steps.
- Long schedules skip some steps in the middle. Their velocity is extrapolated linearly from the last two computed
  steps, as a linear multistep solver does. The paths of a rectified flow are nearly straight there.

Both depend only on the number of steps, so a picture doesn't depend on the others in its batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from torch import Tensor

from brandpress.model.sampler_version import LONG_SCHEDULE

REFRESH_EVERY = 4
"""Every 4th computed step runs the references, starting with the first."""

FIRST_STEPS, LAST_STEPS = 3, 2
"""Steps that a long schedule always computes: the first ones decide the layout, the last ones move furthest."""

StepKind = Literal["full", "reused", "extrapolated"]


class ComputedStep(NamedTuple):
    """A computed step: its sigma and velocity."""

    sigma: float
    velocity: Tensor


def exact_kinds(steps: int) -> tuple[StepKind, ...]:
    """Returns the kinds of an exact schedule: all steps in full."""
    return tuple("full" for _ in range(steps))


def approximate_kinds(steps: int) -> tuple[StepKind, ...]:
    """Returns how each step is computed: in full, with reused references, or extrapolated from the steps before."""
    kinds: list[StepKind] = []
    computed = 0
    for step in range(steps):
        if _is_skipped(step, steps):
            kinds.append("extrapolated")
            continue
        kinds.append("reused" if computed % REFRESH_EVERY else "full")
        computed += 1
    return tuple(kinds)


def _is_skipped(step: int, steps: int) -> bool:
    """Returns whether a step is skipped: every second one between the first and the last ones of a long schedule."""
    return steps >= LONG_SCHEDULE and FIRST_STEPS <= step < steps - LAST_STEPS and (step - FIRST_STEPS) % 2 == 0


def extrapolate(computed: Sequence[ComputedStep], sigma: float) -> Tensor:
    """Returns the velocity at `sigma` on the straight line through the last two computed steps."""
    previous, last = computed[-2:]
    slope = (sigma - last.sigma) / (last.sigma - previous.sigma)
    return last.velocity + slope * (last.velocity - previous.velocity)
