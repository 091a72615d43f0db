"""What the verdicts of a quality gate change in a plan: a blocked variant gets its next seed, and at last its best
attempt. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Literal

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.errors import RequestError
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.plan.variants import with_seed
from brandpress.pipeline.plan.verdict import Verdict
from brandpress.pipeline.spec.campaign import MAX_SEED
from brandpress.pipeline.spec.quality_gate import OnFail, QualityGate

VerdictOf = Callable[[Variant], Verdict | None]
"""Returns the verdict on a variant's picture; None if it hasn't been judged."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A blocked picture of a variant, and why it's blocked."""

    variant: Variant
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class GatedVariant:
    """A variant as the gate leaves it.

    variant: with the seed to render or to publish. verdict: on its picture; None if it hasn't been judged. attempts:
    all blocked pictures so far, in their order. exhausted: whether no retry is left, so that `variant` is the best
    attempt. accepted: whether a person approved or picked the picture, which counts more than the gate.
    """

    variant: Variant
    verdict: Verdict | None = None
    attempts: tuple[Attempt, ...] = ()
    exhausted: bool = False
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class GateState:
    """What the gate says about a plan, by the variants' names; only of variants that it says anything about.

    on_fail: what happens to exhausted variants.
    """

    on_fail: OnFail = "flag"
    variants: Mapping[str, GatedVariant] = field(default_factory=dict)

    def verdict(self, name: str) -> Verdict | None:
        """Returns the verdict on the picture that a variant has now."""
        gated = self.variants.get(name)
        return gated.verdict if gated else None

    def attempts(self, name: str) -> tuple[Attempt, ...]:
        """Returns the blocked pictures of a variant."""
        gated = self.variants.get(name)
        return gated.attempts if gated else ()

    def is_pending(self, name: str) -> bool:
        """Whether the picture of a variant, if it's rendered, hasn't been judged."""
        gated = self.variants.get(name)
        return gated is None or (gated.verdict is None and not gated.accepted)

    def is_accepted(self, name: str) -> bool:
        """Whether a person approved or picked the picture of a variant."""
        gated = self.variants.get(name)
        return gated is not None and gated.accepted

    def rejected_as(self, name: str) -> Literal["drop", "fail"] | None:
        """Returns what happens to a variant that is blocked for good; None if it's published."""
        gated = self.variants.get(name)
        return None if gated is None or not gated.exhausted or self.on_fail == "flag" else self.on_fail

    def is_flagged(self, name: str) -> bool:
        """Whether a variant is published although it's blocked."""
        gated = self.variants.get(name)
        return gated is not None and gated.exhausted and self.on_fail == "flag"

    @property
    def attempted(self) -> tuple[Variant, ...]:
        """All blocked pictures, which stay in the store."""
        return tuple(attempt.variant for one in self.variants.values() for attempt in one.attempts)

    @property
    def blocked(self) -> frozenset[str]:
        """The render keys of pictures that aren't published because they're blocked."""
        kept = {one.variant.render_key for name, one in self.variants.items() if self.is_flagged(name) or one.accepted}
        return frozenset(variant.render_key for variant in self.attempted) - kept


def apply_gate(
    variants: Iterable[Variant],
    model: ModelDescription,
    step: int,
    gate: QualityGate,
    verdict_of: VerdictOf,
    rejected: Set[str],
    accepted: Set[str],
) -> tuple[tuple[Variant, ...], GateState]:
    """Returns the variants as the gate leaves them, under the same names, and what it says about them.

    step: what the next seed of a variant adds to its seed. rejected, accepted: render keys that people have decided
    about, which counts more than verdicts: a rejected picture isn't judged, and its retries start anew; of an accepted
    one, nothing is rendered again. The result depends on nothing else, in particular not on the order of rendering.
    """
    gated = tuple(_gated(variant, model, step, gate.retries, verdict_of, rejected, accepted) for variant in variants)
    stated = {one.variant.name: one for one in gated if one.verdict or one.attempts or one.accepted}
    return tuple(one.variant for one in gated), GateState(gate.on_fail, stated)


def _gated(
    variant: Variant,
    model: ModelDescription,
    step: int,
    retries: int,
    verdict_of: VerdictOf,
    rejected: Set[str],
    accepted: Set[str],
) -> GatedVariant:
    attempts: list[Attempt] = []
    tried = 0
    current: Variant | None = variant
    while current is not None:
        verdict = verdict_of(current)
        if current.render_key in accepted:
            return GatedVariant(current, verdict, tuple(attempts), accepted=True)
        if current.render_key in rejected:
            tried, attempts = 0, []
        elif verdict is None or verdict.outcome != "block":
            return _accepted_later(current, verdict, attempts, model, step, retries - tried, accepted)
        else:
            attempts.append(Attempt(current, verdict))
            tried += 1
            if tried > retries:
                break
        current = _with_next_seed(current, model, step)
    best = min(attempts, key=lambda attempt: attempt.verdict.badness) if attempts else None
    if best is None:  # people have rejected every seed that there is
        raise no_next_seed(variant, variant.seed + step)
    return GatedVariant(best.variant, best.verdict, tuple(attempts), exhausted=True)


def _accepted_later(
    current: Variant,
    verdict: Verdict | None,
    attempts: list[Attempt],
    model: ModelDescription,
    step: int,
    retries: int,
    accepted: Set[str],
) -> GatedVariant:
    """Returns a variant that isn't blocked; with the picture of a later attempt, if a person accepted that one before
    the gate's thresholds changed."""
    later: Variant | None = current
    for _ in range(retries if accepted else 0):
        later = _with_next_seed(later, model, step) if later else None
        if later is not None and later.render_key in accepted:
            return GatedVariant(later, None, tuple(attempts), accepted=True)
    return GatedVariant(current, verdict, tuple(attempts))


def no_next_seed(variant: Variant, seed: int) -> RequestError:
    """Returns the error for a variant whose pictures were all rejected. seed: the one that it can't have."""
    return RequestError(
        f"{variant.name}: the picture of seed {variant.seed} was rejected, and the next seed, {seed}, is above "
        f"{MAX_SEED}; write smaller seeds into the job, or run `brandpress reject JOB {variant.name} --undo`"
    )


def _with_next_seed(variant: Variant, model: ModelDescription, step: int) -> Variant | None:
    """Returns a variant with its next seed; None if that is above the largest one."""
    seed = variant.seed + step
    return with_seed(variant, seed, model) if seed <= MAX_SEED else None
