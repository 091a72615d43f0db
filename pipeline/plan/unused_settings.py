"""Settings of a job that have no effect, because of what others say or lack."""

from __future__ import annotations

from collections.abc import Iterator

from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.problem import Problem


def unused_settings(campaign: Campaign) -> Iterator[Problem]:
    """Yields a warning for each setting without an effect, at its place."""
    job = campaign.job
    if job.reference_pixels is not None and not job.references:
        what = "warning: reference_pixels has no effect: the job has no references"
        yield campaign.source.problem(("reference_pixels",), what, "add references: [product], or remove it")
    gate = job.quality_gate
    if gate is None or any(rule.severity == "block" for rule in gate.rules):
        return
    for name, is_set in (("retries", gate.retries > 0), ("on_fail", gate.on_fail != "flag")):
        if is_set:
            what = f"warning: quality_gate.{name} has no effect: no measure blocks pictures"
            yield campaign.source.problem(("quality_gate", name), what, "write severity: block, or remove it")
