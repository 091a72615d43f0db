"""The status of a campaign."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from brandpress.pipeline.deliver.delivery import deliver, file_record
from brandpress.pipeline.deliver.status import CampaignStatus, Failure, campaign_status, published_status
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import StoreError
from tests.pipeline.deliver.records import HEADER, data_of, failed, publish_records, record, variant


def test_every_planned_variant_is_done_failed_or_missing(tmp_path: Path) -> None:
    folder = open_campaign(str(tmp_path), "spring")
    variants = [variant(number) for number in range(6)]
    assert campaign_status(folder, variants) == CampaignStatus(6, 0, 0, 6, (), None)
    records = [deliver(folder, record(number), variant(number).asset, data_of(number)) for number in (0, 1, 99)]
    records.insert(2, file_record(folder, failed(2, "no memory")))
    assert campaign_status(folder, variants) == CampaignStatus(
        6, 2, 1, 3, (Failure("mug/scene002", "no memory"),), None
    )
    publish_records(folder, HEADER, 6, records[:3], list)
    assert campaign_status(folder, variants).manifest == "manifests/00000001/manifest.json"


def test_failures_have_the_names_that_the_job_gives_them_now(tmp_path: Path) -> None:
    folder = open_campaign(str(tmp_path), "spring")
    file_record(folder, failed(2, "no memory"))
    renamed = replace(variant(2), name="cups/two")
    assert campaign_status(folder, [variant(1), renamed]).failures == (Failure("cups/two", "no memory"),)


def test_without_the_variants_the_counts_are_those_of_the_manifest(tmp_path: Path) -> None:
    folder = open_campaign(str(tmp_path), "spring")
    with pytest.raises(StoreError, match="nothing is published"):
        published_status(folder, "the model isn't here")
    records = [deliver(folder, record(0), variant(0).asset, data_of(0)), file_record(folder, failed(2, "no memory"))]
    publish_records(folder, HEADER, 4, records, list)
    assert published_status(folder, "the model isn't here") == CampaignStatus(
        4, 1, 1, 2, (Failure("mug/scene002", "no memory"),), "manifests/00000001/manifest.json", "the model isn't here"
    )
