"""The `quality_gate:` of a campaign: which measures a picture must pass, and what happens if it doesn't."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from brandpress.pipeline.spec.fields import Fields, as_pydantic, parse_choice, reader
from brandpress.pipeline.spec.messages import allowed, closest, kind, quote
from brandpress.pipeline.spec.percentage import parse_percentage
from brandpress.pipeline.spec.problem import WrongValueError

Severity = Literal["block", "warn"]
OnFail = Literal["flag", "drop", "fail"]
Threshold = float | Literal["calibrated"]

CALIBRATED: Final = "calibrated"
SEVERITIES = ("block", "warn")
ON_FAIL = ("flag", "drop", "fail")
MAX_RETRIES = 10
COMPARISONS = ("duplicate", "spread")
_SAMPLE_RULE = "allowed: a percentage like 5%, above 0% and at most 100%"


@dataclass(frozen=True, slots=True)
class GateMeasure:
    """What a job may say about a measure.

    least, most: the range of thresholds. default: the threshold if the job names none; None if it must. module: what
    the measure needs to run, and `extra` the part of brandpress that brings it; empty if it needs nothing more.
    """

    least: float
    most: float
    default: Threshold | None
    module: str = ""
    extra: str = ""


MEASURES: Mapping[str, GateMeasure] = {
    "subject": GateMeasure(-1, 1, CALIBRATED, "efficientnet_lite_pytorch", "review-subject"),
    "colour": GateMeasure(0, 100, CALIBRATED, "efficientnet_lite_pytorch", "review-subject"),
    "text": GateMeasure(0, 1, 0.2, "rapidocr", "review"),
    "palette": GateMeasure(0, 100, None, "coloraide", "review"),
    "ground": GateMeasure(0, 1, 0.99, "scipy", "review"),
    "fill": GateMeasure(0, 1, 0.85, "scipy", "review"),
    "noise": GateMeasure(0, 2, 0.3),
    "safe": GateMeasure(0, 1, 0.5, "nudenet", "review-safe"),
}
"""The measures of single pictures. Those that compare a campaign's pictures with each other aren't among them: their
scores change with every other picture."""

CALIBRATABLE = tuple(name for name, measure in MEASURES.items() if measure.default == CALIBRATED)


def parse_threshold(value: object) -> Threshold:
    """Returns a threshold. Its range is checked later, when its measure is known. Raises WrongValueError."""
    if value == CALIBRATED:
        return CALIBRATED
    rule = f"allowed: a number, or {CALIBRATED} for {' and '.join(CALIBRATABLE)}"
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise WrongValueError(f"must be a number or {CALIBRATED}, not {kind(value)}", rule)
    return float(value)


def parse_sample(value: object) -> float:
    """Returns a percentage as a share, 0 to 1. Raises WrongValueError."""
    percent = parse_percentage(value) if isinstance(value, str) else None
    if not percent:
        shown = quote(value) if isinstance(value, str) else kind(value)
        raise WrongValueError(f"{shown} isn't a percentage", _SAMPLE_RULE)
    return float(percent) / 100


class MeasureRule(Fields):
    """What a job asks of one measure; None where it says nothing."""

    threshold: Annotated[Threshold, reader(parse_threshold)] | None = None
    severity: Annotated[Severity, reader(parse_choice(SEVERITIES))] | None = None
    sample: Annotated[float, reader(parse_sample)] | None = None

    def check(self) -> MeasureRule:
        """Raises if it asks for nothing."""
        if self.threshold is None and self.severity is None and self.sample is None:
            raise as_pydantic(
                WrongValueError("has neither threshold, severity nor sample", "write {severity: block} or {sample: 5%}")
            )
        return self


def parse_short_rule(value: object) -> MeasureRule:
    """Returns the rule that a threshold alone stands for. Raises WrongValueError."""
    return MeasureRule(threshold=parse_threshold(value))


def parse_measure(name: str) -> str:
    """Returns a measure's name. Raises pydantic's error for others."""
    if name in MEASURES:
        return name
    if name in COMPARISONS:
        what = f"{quote(name)} compares the campaign's pictures with each other, and a gate judges each by itself"
        raise as_pydantic(WrongValueError(what, f"{allowed(MEASURES)}; `brandpress measure` has {name}"))
    raise as_pydantic(WrongValueError(f"{quote(name)} isn't a measure", allowed(MEASURES), closest(name, MEASURES)))


Rule = Annotated[
    Annotated[MeasureRule, reader(parse_short_rule), Tag("threshold")]
    | Annotated[MeasureRule, AfterValidator(MeasureRule.check), Tag("rule")],
    Discriminator(lambda value: "rule" if isinstance(value, Mapping | MeasureRule) else "threshold"),
]


@dataclass(frozen=True, slots=True)
class GateRule:
    """A rule with its defaults filled in.

    threshold: None if nothing is compared. severity: what a missed threshold does; None if the measure only sends
    pictures to people. sample: the share of pictures, 0 to 1, that people review whatever their scores.
    """

    measure: str
    threshold: Threshold | None
    severity: Severity | None
    sample: float = 0.0


class QualityGate(Fields):
    """The gate of a job. retries: how often a blocked picture is rendered again, with another seed. on_fail: what
    happens to a picture that is blocked after that: `flag` publishes it with its verdict, `drop` leaves it out of the
    manifest, `fail` counts it as failed."""

    measures: dict[Annotated[str, AfterValidator(parse_measure)], Rule] = Field(description="measures: {noise: 0.3}")
    retries: Annotated[int, Field(ge=0, le=MAX_RETRIES)] = 0
    on_fail: Annotated[OnFail, reader(parse_choice(ON_FAIL))] = "flag"

    def check(self) -> QualityGate:
        """Raises if there is no measure, or if a threshold doesn't fit its measure."""
        if not self.measures:
            what = "has no measure, so it would pass everything"
            raise as_pydantic(WrongValueError(what, "write at least one: {noise: 0.3}", at=("measures",)))
        errors = [error for name, rule in self.measures.items() if (error := _threshold_error(name, rule)) is not None]
        if errors:
            raise as_pydantic(*errors)
        return self

    @property
    def rules(self) -> tuple[GateRule, ...]:
        """The rules, with defaults."""
        return tuple(_filled_in(name, rule) for name, rule in self.measures.items())


JobGate = Annotated[QualityGate, AfterValidator(QualityGate.check)]


def _threshold_error(name: str, rule: MeasureRule) -> WrongValueError | None:
    measure, threshold = MEASURES[name], rule.threshold
    at = ("measures", name)
    if threshold is None and _compares(rule) and measure.default is None:
        span = f"{measure.least:g} to {measure.most:g}"
        return WrongValueError("needs a threshold", f"write {{threshold: N}}, with N from {span}", at=at)
    if threshold == CALIBRATED and name not in CALIBRATABLE:
        rule_text = f"allowed: a number from {measure.least:g} to {measure.most:g}"
        return WrongValueError(f"{name} isn't calibrated", rule_text, at=at)
    if isinstance(threshold, float) and not measure.least <= threshold <= measure.most:
        rule_text = f"allowed: {measure.least:g} to {measure.most:g}"
        return WrongValueError(f"the threshold {threshold:g} is out of {name}'s range", rule_text, at=at)
    return None


def _compares(rule: MeasureRule) -> bool:
    """Whether a rule compares scores with a threshold, rather than only sending pictures to people."""
    return rule.threshold is not None or rule.severity is not None


def _filled_in(name: str, rule: MeasureRule) -> GateRule:
    sample = rule.sample or 0.0
    if not _compares(rule):
        return GateRule(name, None, None, sample)
    threshold = MEASURES[name].default if rule.threshold is None else rule.threshold
    return GateRule(name, threshold, rule.severity or "block", sample)
