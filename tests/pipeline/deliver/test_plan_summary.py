"""A plan's summary with what its store holds, or with the reason why the store can't be read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from brandpress.pipeline.deliver.delivery import deliver, file_record
from brandpress.pipeline.deliver.ownership import ForeignCampaignError
from brandpress.pipeline.deliver.plan_summary import summarise_with_store
from brandpress.pipeline.deliver.record import new_record, stamp_of
from brandpress.pipeline.plan.expand import make_plan
from brandpress.pipeline.render.driver.publishing import header_of
from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import StoreError
from tests.campaigns import plan_of, write_campaign
from tests.pipeline.deliver.records import publish_records, record


def test_quarantined_variants_are_held_back(tmp_path: Path) -> None:
    plan = plan_of(write_campaign(tmp_path, 2))
    folder = open_campaign(plan.campaign.address, plan.campaign.name)
    file_record(folder, new_record(plan.variants[0], stamp_of(plan.model), "quarantined", cause="no", strikes=2))
    summary = summarise_with_store(plan, require_store=True)
    assert (summary.deliver, summary.unknown) == (str(tmp_path / "out"), None)
    assert (summary.done, summary.held_back, summary.to_render) == (0, 1, 3)


def test_an_unreadable_store_is_reported_or_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    plan = make_plan(load_campaign(write_campaign(tmp_path, 2), "s3://assets"))
    summary = summarise_with_store(plan)
    assert (summary.done, summary.held_back, summary.to_render) == (None, 0, 4)
    assert "assets" in (summary.unknown or "")
    with pytest.raises(StoreError, match="assets"):
        summarise_with_store(plan, require_store=True)


def test_pictures_to_publish_and_to_remove_are_work(tmp_path: Path) -> None:
    """Everything is rendered, but the latest manifest is of another version of the job."""
    plan = plan_of(write_campaign(tmp_path, {"a": "one", "b": "two"}, products=("mug",)))
    folder = open_campaign(plan.campaign.address, plan.campaign.name)
    records = [
        deliver(folder, new_record(variant, stamp_of(plan.model), "done"), variant.asset, b"a picture")
        for variant in plan.variants
    ]
    summary = summarise_with_store(plan, require_store=True)
    assert (summary.done, summary.to_render, summary.unpublished, summary.removals) == (2, 0, 2, 0)
    assert summary.has_work
    publish_records(folder, header_of(plan.campaign, stamp_of(plan.model)), 2, records, list)
    assert not summarise_with_store(plan, require_store=True).has_work
    smaller = replace(plan, variants=plan.variants[:1])
    summary = summarise_with_store(smaller, require_store=True)
    assert (summary.to_render, summary.unpublished, summary.removals) == (0, 0, 1)
    assert summary.has_work


def test_a_campaign_of_another_job_is_a_warning_and_with_check_an_error(tmp_path: Path) -> None:
    plan = plan_of(write_campaign(tmp_path, 1))
    folder = open_campaign(plan.campaign.address, plan.campaign.name)
    header = header_of(plan.campaign, stamp_of(plan.model)).model_copy(update={"job": "other.yaml"})
    publish_records(folder, header, 1, [record(0)], list)
    assert any("'other.yaml'" in warning for warning in summarise_with_store(plan).warnings)
    with pytest.raises(ForeignCampaignError, match=r"other\.yaml"):
        summarise_with_store(plan, require_store=True)
