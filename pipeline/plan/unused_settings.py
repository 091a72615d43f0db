"""Settings and reference pictures that have no effect, because of what other settings say or lack."""

from __future__ import annotations

from collections.abc import Iterator

from brandpress.pipeline.spec.brand import ROLES
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.problem import Problem


def unused_settings(campaign: Campaign) -> Iterator[Problem]:
    """Yields a warning for each setting without an effect, at its place."""
    job = campaign.job
    if job.reference_pixels is not None and not job.references:
        what = "warning: reference_pixels has no effect: the job has no references"
        yield campaign.source.problem(("reference_pixels",), what, "add references: [product], or remove it")
    yield from _unused_pictures(campaign)
    gate = job.quality_gate
    if gate is None or any(rule.severity == "block" for rule in gate.rules):
        return
    for name, is_set in (("retries", gate.retries > 0), ("on_fail", gate.on_fail != "flag")):
        if is_set:
            what = f"warning: quality_gate.{name} has no effect: no measure blocks pictures"
            yield campaign.source.problem(("quality_gate", name), what, "write severity: block, or remove it")


def _unused_pictures(campaign: Campaign) -> Iterator[Problem]:
    """Yields a warning if no variant gets reference pictures, because `references` was forgotten."""
    if campaign.job.references or campaign.source.existing(("references",)):
        return
    first = {role: _first_with_pictures(campaign, role) for role in campaign.axes if role in ROLES}
    with_pictures = {role: name for role, name in first.items() if name is not None}
    if with_pictures:
        role, name = next(iter(with_pictures.items()))
        what = f"warning: the reference pictures of the {role} {quote(name)} have no effect"
        advice = f"add references: [{', '.join(with_pictures)}], or references: [] to render from words alone"
        yield campaign.source.problem(("matrix", role), what, advice, on_key=True)


def _first_with_pictures(campaign: Campaign, role: str) -> str | None:
    """Returns the first value of a role's axis that has reference pictures."""
    entities = campaign.brand.entities(role)
    return next((name for name in campaign.axes[role].values if entities[name].references), None)
