"""The quality gate: from a picture's scores to a verdict. Pure functions; `plan/gated.py` has what follows from it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from brandpress.pipeline.plan.verdict import Outcome, Reason, Verdict
from brandpress.pipeline.review.measures.measure import Scale
from brandpress.pipeline.review.score import Better, Score, worse
from brandpress.pipeline.spec.quality_gate import CALIBRATED, QualityGate, Severity

Thresholds = Mapping[tuple[str, str | None], float]
"""(measure, subject) -> calibrated threshold."""


@dataclass(frozen=True)
class Rule:
    """What a gate asks of one measure.

    threshold: a number, or "calibrated" for that of the subject's calibration. better: the measure's direction.
    severity: what a missed threshold does; None if the measure only sends pictures to people. sample: the share of
    pictures, 0 to 1, that people review whatever their scores.
    """

    measure: str
    better: Better
    threshold: float | Literal["calibrated"] | None = CALIBRATED
    severity: Severity | None = "block"
    sample: float = 0.0


@dataclass(frozen=True)
class Gate:
    """The rules of a job."""

    rules: tuple[Rule, ...]

    @classmethod
    def of(cls, gate: QualityGate, scales: Mapping[str, Scale]) -> Gate:
        """Returns the rules of a job's `quality_gate:`. scales: of all its measures."""
        return cls(
            tuple(
                Rule(rule.measure, scales[rule.measure].better, rule.threshold, rule.severity, rule.sample)
                for rule in gate.rules
            )
        )


def verdict(scores: Sequence[Score], gate: Gate, thresholds: Thresholds, sha256: str = "") -> Verdict:
    """Returns the verdict on a picture: `block` if it misses a blocking rule, otherwise `warn` if it misses any.

    A score without a value doesn't apply and passes. A measure without any score, or a threshold that isn't calibrated,
    is missed: a gate that can't be checked doesn't open. sha256: of the picture, which decides whether it's sampled.
    """
    reasons: list[Reason] = []
    for rule in gate.rules:
        if rule.severity is not None and rule.threshold is not None:
            own = [score for score in scores if score.measure == rule.measure]
            reasons += _reasons(rule, rule.severity, own, thresholds)
    review = tuple(rule.measure for rule in gate.rules if is_sampled(sha256, rule.measure, rule.sample))
    severities = {reason.severity for reason in reasons}
    outcome: Outcome = "block" if "block" in severities else "warn" if severities else "pass"
    return Verdict(outcome, tuple(reasons), review)


def _reasons(rule: Rule, severity: Severity, scores: Sequence[Score], thresholds: Thresholds) -> list[Reason]:
    if not scores:
        return [Reason(rule.measure, None, severity, None, None, "the picture wasn't measured")]
    reasons = []
    for score in scores:
        if score.value is None:
            continue
        limit = threshold_of(rule, score, thresholds)
        if limit is None:
            text = "there is no calibrated threshold; run `brandpress calibrate`"
            reasons.append(Reason(rule.measure, score.subject, severity, score.value, None, text))
        elif worse(score.value, limit, rule.better):
            bound = "at least" if rule.better == "higher" else "at most"
            text = f"{score.value:.4g}, {bound} {limit:.4g} is needed"
            reasons.append(Reason(rule.measure, score.subject, severity, score.value, limit, text))
    return reasons


def threshold_of(rule: Rule, score: Score, thresholds: Thresholds) -> float | None:
    """Returns the threshold for a score: the rule's number, or the calibrated one: of its subject, otherwise of all."""
    if isinstance(rule.threshold, float | int):
        return rule.threshold
    return limit_of(thresholds, score.measure, score.subject)


def limit_of(thresholds: Thresholds, measure: str, subject: str | None) -> float | None:
    """Returns a measure's threshold for a subject, otherwise that for all of them."""
    return thresholds.get((measure, subject), thresholds.get((measure, None)))


def fixed_thresholds(gate: QualityGate) -> Thresholds:
    """Returns the thresholds that the job gives as numbers, for all subjects."""
    rules = (rule for rule in gate.rules if rule.severity is not None)
    return {(rule.measure, None): rule.threshold for rule in rules if isinstance(rule.threshold, float | int)}


def is_sampled(sha256: str, measure: str, share: float) -> bool:
    """Returns whether a picture is among the share, 0 to 1, that people review: always the same for the same file."""
    return share > 0 and _position(f"{measure} {sha256}") < share


def _position(text: str) -> float:
    """Returns a number from 0 to 1 that is decided by a text, evenly distributed."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:13], 16) / 16**13
