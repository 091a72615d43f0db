"""Who owns a campaign's folder: the brand and the job file that published its latest manifest."""

from __future__ import annotations

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.manifest import BrokenManifestError, read_latest
from brandpress.pipeline.deliver.publication import newest_intact
from brandpress.pipeline.store.protocol import Store


class ForeignCampaignError(RequestError):
    """The campaign's folder belongs to another brand or another job file."""


def check_owner(folder: Store, brand: str, job: str, *, take_over: bool = False) -> None:
    """Raises ForeignCampaignError if another brand or job file published this campaign, unless `take_over`.

    job: name of the job's file. Manifests of version 1 don't have it; then only the brand is compared.
    """
    owner = None if take_over else owner_of(folder)
    if owner is None:
        return
    other_brand, other_job = owner
    if other_brand != brand:
        other = f"the brand {other_brand!r}, not {brand!r}"
    elif other_job and other_job != job:
        other = f"the job file {other_job!r}, not {job!r}"
    else:
        return
    raise ForeignCampaignError(
        f"{folder.uri}: this campaign was published by {other}; give this campaign another name, deliver elsewhere, or "
        "take it over with `brandpress render --take-over`"
    )


def owner_of(folder: Store) -> tuple[str, str] | None:
    """Returns brand and job file of the latest manifest, or of the newest intact one if that's broken."""
    try:
        published = read_latest(folder)
    except BrokenManifestError:
        published = None
    published = published or newest_intact(folder)  # the pointer may be lost, or withheld so far
    return None if published is None else (published.manifest.brand, published.manifest.job)
