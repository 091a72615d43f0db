"""Whether a model's licence allows what a job is for."""

from __future__ import annotations

from collections.abc import Iterator

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.family import FAMILIES, UNKNOWN_LICENCE, Family
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.messages import listing, quote
from brandpress.pipeline.spec.problem import Problem

GRANT = 'licence: "agreement with Black Forest Labs of 2026-03-01"'


def licence_problems(campaign: Campaign, model: ModelDescription | Family) -> Iterator[Problem]:
    """Yields a problem if the job is commercial, the model's licence doesn't allow that, and the job names no grant.

    model: its family if it can't be described, because its files aren't here.
    """
    if campaign.job.purpose == "commercial" and not model.commercial_use and campaign.job.licence is None:
        allowed = [name for name, family in FAMILIES.items() if family.commercial_use]
        rule = f"if you were granted commercial use, name the grant: {GRANT}; models that allow it: {listing(allowed)}"
        yield campaign.source.problem(("purpose",), f"the model {quote(model.name)} {_licence_of(model)}", rule)


def licence_warning(campaign: Campaign, model: ModelDescription) -> str | None:
    """Returns a warning if the model is known to be for non-commercial use, and the job doesn't say what it is for."""
    job = campaign.job
    if model.commercial_use or model.licence == UNKNOWN_LICENCE or job.purpose is not None or job.licence is not None:
        return None
    rule = f"write purpose: research, evaluation or personal, or name the grant: {GRANT}"
    return f"{model.name} {_licence_of(model)}; {rule}"


def _licence_of(model: ModelDescription | Family) -> str:
    if model.licence == UNKNOWN_LICENCE:
        return "has an unknown licence, so commercial use may not be allowed"
    return f"may be used for non-commercial purposes only ({model.licence})"
