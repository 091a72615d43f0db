"""Loads brand specs and campaigns: whole, or not at all and with every mistake at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from brandpress.pipeline.spec.brand import BrandSpec
from brandpress.pipeline.spec.brand_file import examine_brand
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.campaign_file import examine_campaign
from brandpress.pipeline.spec.delivery import delivery_address
from brandpress.pipeline.spec.problem import SpecError


def load_brand(path: Path) -> BrandSpec:
    """The brand spec in a file. Raises SpecError with all problems."""
    examined = examine_brand(path)
    if examined.brand is None:
        raise SpecError(examined.problems)
    return examined.brand


def load_campaign(path: Path, deliver: str | None = None) -> Campaign:
    """The campaign in a file, with its brand spec loaded. deliver: an address that overrides the file's `deliver:`.

    Raises SpecError with all problems of both files, and RequestError if `deliver` isn't an address.
    """
    examined = examine_campaign(path)
    if examined.campaign is None:
        raise SpecError(examined.problems)
    if deliver is None:
        return examined.campaign
    return replace(examined.campaign, deliver_uri=delivery_address(deliver))
