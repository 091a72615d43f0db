"""What a person should know about a job, whatever its model is."""

from __future__ import annotations

from collections.abc import Iterator

from brandpress.pipeline.plan.gate_warnings import gate_warnings
from brandpress.pipeline.plan.unfilled import unfilled_placeholders
from brandpress.pipeline.plan.unused_settings import unused_settings
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.problem import Problem


def job_warnings(campaign: Campaign) -> Iterator[Problem]:
    """Yields warnings, at their places: what the quality gate lacks on this machine; settings and reference pictures
    that have no effect; placeholders that aren't filled in."""
    yield from gate_warnings(campaign)
    yield from unused_settings(campaign)
    yield from unfilled_placeholders(campaign)
