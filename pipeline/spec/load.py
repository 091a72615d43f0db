"""Loads a campaign with its brand spec."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.campaign_file import examine_campaign
from brandpress.pipeline.spec.delivery import parse_deliver_option
from brandpress.pipeline.spec.problem import SpecError


def load_campaign(path: Path, deliver: str | None = None) -> Campaign:
    """Returns the campaign in a file. deliver: an address that overrides the file's `deliver:`.

    Raises SpecError with all problems of the file and of its brand spec, and RequestError if `deliver` is no address.
    """
    examined = examine_campaign(path)
    if examined.campaign is None:
        raise SpecError(examined.problems)
    if deliver is None:
        return examined.campaign
    return replace(examined.campaign, address=parse_deliver_option(deliver))
