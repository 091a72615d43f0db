"""Whether a file is a brand spec or a campaign's job."""

from __future__ import annotations

from typing import Literal

from brandpress.pipeline.spec.brand import BrandFields
from brandpress.pipeline.spec.campaign import Job
from brandpress.pipeline.spec.document import Document
from brandpress.pipeline.spec.fields import Fields
from brandpress.pipeline.spec.messages import kind_only
from brandpress.pipeline.spec.problem import Problem

SpecKind = Literal["brand", "campaign"]

_BRAND_RULE = "a brand spec has 'brand', and 'characters', 'products' or 'styles'"
_JOB_RULE = "a job has 'campaign', 'brand', 'matrix' and 'prompt'"


def spec_kind(data: object) -> SpecKind | None:
    """Returns the kind that shares more fields with the file; "campaign" if it has `campaign:`.

    Returns None for any other file. Messages must quote nothing of it: it may be somebody's secrets.
    """
    if not isinstance(data, dict):
        return None
    if "campaign" in data:
        return "campaign"
    job, brand = _field_names(Job), _field_names(BrandFields)
    jobs, brands = len(data.keys() & (job - brand)), len(data.keys() & (brand - job))
    if jobs or brands:
        return "campaign" if jobs > brands else "brand"
    return "brand" if "brand" in data else None


def not_a_brand(document: Document) -> Problem | None:
    """Returns what is wrong with a file that is read as a brand spec and isn't one."""
    actual = spec_kind(document.data)
    if actual == "campaign":
        return document.problem((), "this is a campaign's job, not a brand spec", _BRAND_RULE)
    return None if actual == "brand" else _neither(document, "a brand spec", _BRAND_RULE)


def not_a_job(document: Document) -> Problem | None:
    """Returns what is wrong with a file that is read as a campaign's job and isn't one."""
    actual = spec_kind(document.data)
    if actual == "brand":
        return document.problem((), "this is a brand spec, not a campaign's job", _JOB_RULE)
    return None if actual == "campaign" else _neither(document, "a campaign's job", _JOB_RULE)


def neither(document: Document) -> Problem | None:
    """Returns what is wrong with a file that is neither a brand spec nor a job."""
    if spec_kind(document.data) is not None:
        return None
    return _neither(document, "a brand spec or a campaign's job", f"{_BRAND_RULE}; {_JOB_RULE}")


def _neither(document: Document, what: str, rule: str) -> Problem:
    data = document.data
    is_mapping = isinstance(data, dict)
    reason = "it has none of its fields" if is_mapping else f"it must be a mapping, not {kind_only(data)}"
    return document.problem((), f"this isn't {what}: {reason}", rule)


def _field_names(model: type[Fields]) -> set[str]:
    return {info.alias or name for name, info in model.model_fields.items()}
