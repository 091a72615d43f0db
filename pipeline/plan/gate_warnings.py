"""What a job's quality gate lacks on this machine. Only a machine that renders needs it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from brandpress.pipeline.plan.verdict_basis import calibration_path
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.problem import Problem
from brandpress.pipeline.spec.quality_gate import CALIBRATED, MEASURES


def gate_warnings(campaign: Campaign) -> Iterator[Problem]:
    """Yields a warning for each measure that can't run here, and for a calibration that isn't there, at its place."""
    gate = campaign.job.quality_gate
    for rule in gate.rules if gate else ():
        measure = MEASURES[rule.measure]
        location = ("quality_gate", "measures", rule.measure)
        if measure.module and find_spec(measure.module) is None:
            what = f"warning: the measure {rule.measure} can't run on this machine"
            install = f'to render here, run `pip install "brandpress[{measure.extra}]"`'
            yield campaign.source.problem(location, what, install)
        if rule.threshold == CALIBRATED and not calibration_path(campaign.brand).exists():
            what = f"warning: there is no calibration of {campaign.brand.name} for {rule.measure}"
            advice = f"before rendering, run `brandpress calibrate {campaign.path}`, or write a number"
            yield campaign.source.problem(location, what, advice)
