"""The status of a campaign."""

from __future__ import annotations

from pathlib import Path

from brandpress.pipeline.deliver.delivery import file_record
from brandpress.pipeline.deliver.manifest import publish
from brandpress.pipeline.deliver.status import CampaignStatus, Failure, campaign_status
from brandpress.pipeline.store.folder import open_campaign
from tests.pipeline.deliver.records import HEADER, failed, record, variant


def test_every_planned_variant_is_done_failed_or_missing(tmp_path: Path) -> None:
    folder = open_campaign(str(tmp_path), "spring")
    variants = [variant(number) for number in range(6)]
    assert campaign_status(folder, variants) == CampaignStatus(6, 0, 0, 6, (), None)
    records = [file_record(folder, new) for new in (record(0), record(1), failed(2, "no memory"), record(99))]
    assert campaign_status(folder, variants) == CampaignStatus(
        6, 2, 1, 3, (Failure("mug/scene002", "no memory"),), None
    )
    publish(folder, HEADER, 6, records[:3], list)
    assert campaign_status(folder, variants).manifest == "manifests/00000001/manifest.json"
