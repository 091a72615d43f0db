"""Checks that a job's quality gate can judge pictures on this machine, before anything is rendered."""

from __future__ import annotations

from collections.abc import Iterator

from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.verdict_basis import SUBJECT_ROLES, calibration_path
from brandpress.pipeline.review.calibration.file import read_calibration, usable_thresholds
from brandpress.pipeline.review.extras import MissingPackageError
from brandpress.pipeline.review.gate import Thresholds
from brandpress.pipeline.review.suite import Suite, load_suite
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.messages import listing
from brandpress.pipeline.spec.problem import Problem, SpecError
from brandpress.pipeline.spec.quality_gate import CALIBRATED, QualityGate


def loaded_suite(campaign: Campaign, gate: QualityGate) -> Suite:
    """Returns the measures of a gate, loaded. Raises SpecError if a package isn't installed."""
    names = [rule.measure for rule in gate.rules]
    try:
        return load_suite(names)
    except MissingPackageError as error:
        name = error.measure if error.measure in names else names[0]
        what = f"quality_gate: {name} needs the package {error.package}, which isn't installed on this machine"
        raise SpecError([_problem(campaign, name, what, f"run `{error.install}`, or remove it")]) from None


def usable_calibration(plan: Plan, gate: QualityGate, suite: Suite) -> Thresholds:
    """Returns the calibrated thresholds of the gate's subjects; {} if no rule uses any. Raises SpecError if one is
    missing or outdated."""
    measures = [rule.measure for rule in gate.rules if rule.threshold == CALIBRATED]
    if not measures or suite.likeness is None:
        return {}
    brand = plan.campaign.brand
    usable = usable_thresholds(read_calibration(calibration_path(brand)), brand, suite.likeness.identity)
    labels = list(_labels(plan))
    problems = []
    for name in measures:
        missing = [label for label in labels if (name, label) not in usable.thresholds]
        if missing:
            noun = "has" if len(missing) == 1 else "have"
            what = f"quality_gate: {listing(missing, 5)} {noun} no calibrated threshold for {name}"
            reason = f" ({'; '.join(usable.warnings)})" if usable.warnings else f" in {calibration_path(brand)}"
            advice = f"run `brandpress calibrate {plan.campaign.path}`, or write a number"
            problems.append(_problem(plan.campaign, name, what + reason, advice))
    if problems:
        raise SpecError(problems)
    return usable.thresholds


def _labels(plan: Plan) -> Iterator[str]:
    """Yields the subjects of the plan's variants that have references: others have no scores to compare."""
    brand = plan.campaign.brand
    shown = dict.fromkeys(
        (role, variant.axes[role]) for variant in plan.variants for role in SUBJECT_ROLES if role in variant.axes
    )
    yield from (
        f"{role}:{name}" for role, name in shown if name in brand.entities(role) and brand.pictures_of(role, name)
    )


def _problem(campaign: Campaign, measure: str, what: str, advice: str) -> Problem:
    return campaign.source.problem(("quality_gate", "measures", measure), what, advice)
