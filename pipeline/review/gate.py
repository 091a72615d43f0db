"""The quality gate: from a picture's scores to a verdict, and from the verdict to what happens. Pure functions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from brandpress.pipeline.review.score import Better, Score, worse

Severity = Literal["block", "warn"]
OnFail = Literal["flag", "drop", "fail"]
Outcome = Literal["pass", "warn", "block"]
Step = Literal["publish", "retry", "flag", "drop", "fail"]
CALIBRATED: Final = "calibrated"

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
    """The rules of a job. retries: how often a blocked picture is rendered again, with another seed. on_fail: what
    happens to a picture that is blocked after that: `flag` publishes it with its verdict, `drop` leaves it out of the
    manifest, `fail` counts it as failed."""

    rules: tuple[Rule, ...]
    retries: int = 0
    on_fail: OnFail = "flag"


@dataclass(frozen=True)
class Reason:
    """Why a picture isn't passed. value: None if the measure has no value."""

    measure: str
    subject: str | None
    severity: Severity
    value: float | None
    threshold: float | None
    text: str

    def __str__(self) -> str:
        where = f" of {self.subject}" if self.subject else ""
        return f"{self.measure}{where}: {self.text}"


@dataclass(frozen=True)
class Verdict:
    """What the gate says about a picture. review: the measures for which people should look at it."""

    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    review: tuple[str, ...] = ()


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
            text = f"{score.value:.3g}, {bound} {limit:.3g} is needed"
            reasons.append(Reason(rule.measure, score.subject, severity, score.value, limit, text))
    return reasons


def threshold_of(rule: Rule, score: Score, thresholds: Thresholds) -> float | None:
    """Returns the threshold for a score: the rule's number, or the calibrated one: of its subject, otherwise of all."""
    if isinstance(rule.threshold, float | int):
        return rule.threshold
    return thresholds.get((score.measure, score.subject), thresholds.get((score.measure, None)))


def is_sampled(sha256: str, measure: str, share: float) -> bool:
    """Returns whether a picture is among the share, 0 to 1, that people review: always the same for the same file."""
    return share > 0 and _position(f"{measure} {sha256}") < share


def _position(text: str) -> float:
    """Returns a number from 0 to 1 that is decided by a text, evenly distributed."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:13], 16) / 16**13


def next_step(result: Verdict, gate: Gate, attempt: int) -> Step:
    """Returns what happens to a picture after attempt number `attempt`, counted from 1."""
    if result.outcome != "block":
        return "publish"
    return "retry" if attempt <= gate.retries else gate.on_fail
