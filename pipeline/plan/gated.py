"""What the verdicts of a quality gate change in a plan: a blocked variant gets its next seed, and at last its best
attempt. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Literal

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.errors import RequestError
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.plan.variants import with_seed
from brandpress.pipeline.plan.verdict import Verdict
from brandpress.pipeline.spec.campaign import MAX_SEED
from brandpress.pipeline.spec.quality_gate import MAX_RETRIES, OnFail, QualityGate

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
    all blocked pictures since the last rejected one, in their order. passed: the variant with every seed that was
    tried, from the first one on: what was decided about them leads to this one. exhausted: whether no retry is left, so
    that `variant` is the best attempt. accepted: whether a person approved or picked the picture, which counts more
    than the gate.
    """

    variant: Variant
    verdict: Verdict | None = None
    attempts: tuple[Attempt, ...] = ()
    passed: tuple[Variant, ...] = ()
    exhausted: bool = False
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class GateState:
    """What the gate says about a plan, by the variants' names; only of variants that it says anything about.

    on_fail: what happens to exhausted variants. digests: render key of a picture -> SHA-256 of the file that was judged
    or that a person accepted.
    """

    on_fail: OnFail = "flag"
    variants: Mapping[str, GatedVariant] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict, repr=False)

    def verdict(self, name: str) -> Verdict | None:
        """Returns the verdict on the picture that a variant has now."""
        gated = self.variants.get(name)
        return gated.verdict if gated else None

    def attempts(self, name: str) -> tuple[Attempt, ...]:
        """Returns the blocked pictures of a variant."""
        gated = self.variants.get(name)
        return gated.attempts if gated else ()

    def is_pending(self, name: str, sha256: str | None = None) -> bool:
        """Whether the picture of a variant, if it's rendered, hasn't been judged. sha256: of its file, if known."""
        gated = self.variants.get(name)
        if gated is None or (gated.verdict is None and not gated.accepted):
            return True
        return sha256 is not None and self.digests.get(gated.variant.render_key, sha256) != sha256

    def is_accepted(self, name: str, sha256: str | None) -> bool:
        """Whether a person approved or picked this file, the picture of a variant."""
        gated = self.variants.get(name)
        return gated is not None and gated.accepted and self.digests.get(gated.variant.render_key, sha256) == sha256

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
    def passed(self) -> tuple[Variant, ...]:
        """The pictures on the way from the first seeds to the present ones: blocked or rejected."""
        return tuple(variant for one in self.variants.values() for variant in one.passed)

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
    accepted: Mapping[str, Set[str]],
) -> tuple[tuple[Variant, ...], GateState]:
    """Returns the variants as the gate leaves them, under the same names, and what it says about them.

    step: what the next seed of a variant adds to its seed. rejected, accepted: render keys that people have decided
    about, which counts more than verdicts: a rejected picture isn't judged, and its retries start anew; of an accepted
    one, nothing is rendered again. accepted: with the names that the picture had. The result depends on nothing else,
    in particular not on the order of rendering.
    """
    variants = tuple(variants)
    retried = accepted.keys() - {variant.render_key for variant in variants}
    names = {name for key in retried for name in accepted[key]}
    searched = {variant.render_key for variant in variants if variant.name in names}  # mostly none: keys take time

    def gate_one(variant: Variant) -> GatedVariant:
        later = retried if variant.render_key in searched else frozenset[str]()
        return _gated(variant, model, step, gate.retries, verdict_of, rejected, accepted.keys(), later)

    gated = tuple(map(gate_one, variants))
    stated = {one.variant.name: one for one in gated if one.verdict or one.passed or one.accepted}
    return tuple(one.variant for one in gated), GateState(gate.on_fail, stated)


def _gated(
    variant: Variant,
    model: ModelDescription,
    step: int,
    retries: int,
    verdict_of: VerdictOf,
    rejected: Set[str],
    accepted: Set[str],
    retried: Set[str],
) -> GatedVariant:
    """retried: those of the accepted pictures that have no first seed and may be the variant's."""
    attempts: list[Attempt] = []
    passed: list[Variant] = []
    tried = 0
    current: Variant | None = variant
    while current is not None:
        verdict = verdict_of(current)
        if current.render_key in accepted:
            return GatedVariant(current, verdict, tuple(attempts), tuple(passed), accepted=True)
        if current.render_key in rejected:
            tried, attempts = 0, []
        elif verdict is None or verdict.outcome != "block":
            later = _accepted_later(current, model, step, MAX_RETRIES - tried, retried)
            return _with_later(later, verdict_of, attempts, [*passed, current]) or GatedVariant(
                current, verdict, tuple(attempts), tuple(passed)
            )
        else:
            attempts.append(Attempt(current, verdict))
            tried += 1
        passed.append(current)
        if tried > retries:
            later = _accepted_later(current, model, step, MAX_RETRIES - retries, retried)
            if (with_later := _with_later(later, verdict_of, attempts, passed)) is not None:
                return with_later
            break
        current = _with_next_seed(current, model, step)
    best = min(attempts, key=lambda attempt: attempt.verdict.badness) if attempts else None
    if best is None:  # people have rejected every seed that there is
        raise no_next_seed(variant, variant.seed + step)
    return GatedVariant(best.variant, best.verdict, tuple(attempts), tuple(passed), exhausted=True)


def _accepted_later(
    current: Variant, model: ModelDescription, step: int, most: int, accepted: Set[str]
) -> tuple[Variant, ...]:
    """Returns the variant with its following seeds, up to one whose picture a person accepted before the gate's
    thresholds or the number of retries changed; none if there is no such one. most: how many seeds to look at."""
    seeds: list[Variant] = []
    for _ in range(most if accepted else 0):
        later = _with_next_seed(seeds[-1] if seeds else current, model, step)
        if later is None:
            break
        seeds.append(later)
        if later.render_key in accepted:
            return tuple(seeds)
    return ()


def _with_later(
    later: Sequence[Variant], verdict_of: VerdictOf, attempts: Iterable[Attempt], passed: Iterable[Variant]
) -> GatedVariant | None:
    """Returns the variant with the last of these later seeds, whose picture is accepted; None without any."""
    if not later:
        return None
    judged = ((one, verdict_of(one)) for one in later[:-1])
    blocked = (Attempt(one, verdict) for one, verdict in judged if verdict is not None and verdict.outcome == "block")
    return GatedVariant(later[-1], verdict_of(later[-1]), (*attempts, *blocked), (*passed, *later[:-1]), accepted=True)


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
