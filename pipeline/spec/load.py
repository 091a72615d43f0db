"""Loads a campaign with its brand spec."""

from __future__ import annotations

from pathlib import Path

from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.campaign_file import examine_campaign
from brandpress.pipeline.spec.problem import SpecError


def load_campaign(path: Path) -> Campaign:
    """Returns the campaign in a file. Raises SpecError with all problems of the file and of its brand spec."""
    examined = examine_campaign(path)
    if examined.campaign is None:
        raise SpecError(examined.problems)
    return examined.campaign
