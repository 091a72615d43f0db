"""A campaign's folder belongs to the brand and the job file that published it."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.pipeline.deliver.manifest import manifest_key
from brandpress.pipeline.deliver.ownership import ForeignCampaignError, check_owner
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store
from tests.pipeline.deliver.records import HEADER, publish_records, record


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    """A campaign of the brand northwind, published by spring.yaml."""
    folder = open_campaign(str(tmp_path), "spring")
    publish_records(folder, HEADER, 1, [record(0)], list)
    return folder


def test_its_owner_and_an_empty_folder_are_accepted(folder: Store, tmp_path: Path) -> None:
    check_owner(folder, "northwind", "spring.yaml")
    check_owner(open_campaign(str(tmp_path), "autumn"), "acme", "any.yaml")


@pytest.mark.parametrize(
    ("brand", "job", "other"),
    [
        ("acme", "spring.yaml", "the brand 'northwind', not 'acme'"),
        ("northwind", "copy.yaml", "the job file 'spring.yaml', not 'copy.yaml'"),
    ],
)
def test_another_brand_or_job_is_refused(folder: Store, brand: str, job: str, other: str) -> None:
    with pytest.raises(ForeignCampaignError, match=f"was published by {other}; .* `brandpress render --take-over`"):
        check_owner(folder, brand, job)
    check_owner(folder, brand, job, take_over=True)


def test_a_broken_latest_manifest_is_owned_by_the_one_before(folder: Store) -> None:
    publish_records(folder, HEADER, 2, [record(0), record(1)], list)
    folder.delete(manifest_key(2))
    with pytest.raises(ForeignCampaignError):
        check_owner(folder, "acme", "spring.yaml")


def test_a_manifest_of_0_1_0_belongs_to_any_job_of_its_brand(tmp_path: Path) -> None:
    folder = open_campaign(str(tmp_path), "spring")
    publish_records(folder, HEADER.model_copy(update={"job": ""}), 1, [record(0)], list)
    check_owner(folder, "northwind", "any.yaml")
    with pytest.raises(ForeignCampaignError):
        check_owner(folder, "acme", "any.yaml")


def test_a_campaign_without_a_pointer_belongs_to_the_newest_manifest(folder: Store) -> None:
    folder.delete("latest.json")
    with pytest.raises(ForeignCampaignError):
        check_owner(folder, "acme", "spring.yaml")
