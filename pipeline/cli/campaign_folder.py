"""The folder of a job's campaign in the store, for commands that work with what is delivered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brandpress.pipeline.spec.target import Target
    from brandpress.pipeline.store.protocol import Store


def open_folder(job: Path, deliver: str | None) -> tuple[Target, Store]:
    """Returns what a job delivers where, and its folder in the store. Needs neither references nor the model. Raises
    SpecError and StoreError."""
    from brandpress.pipeline.spec.target import load_target
    from brandpress.pipeline.store.folder import open_campaign

    target = load_target(job, deliver)
    return target, open_campaign(target.address, target.campaign)


def check_owner(target: Target, folder: Store, *, take_over: bool) -> None:
    """Raises ForeignCampaignError if another brand or job file published the campaign, unless `take_over`."""
    from brandpress.pipeline.deliver import ownership

    ownership.check_owner(folder, target.brand, target.job, take_over=take_over)
