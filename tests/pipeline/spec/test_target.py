"""Where a job delivers: read without references and without the model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.spec.problem import SpecError
from brandpress.pipeline.spec.target import campaign_name, load_signing, load_target
from tests.campaigns import write_campaign


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A job whose reference pictures and model are missing."""
    job = write_campaign(tmp_path, 1, model="missing/model")
    for picture in tmp_path.glob("*.png"):
        picture.unlink()
    return job


def test_a_target_needs_neither_references_nor_a_model(job: Path, tmp_path: Path) -> None:
    target = load_target(job)
    assert (target.campaign, target.brand, target.job) == ("spring", "northwind", "spring.yaml")
    assert str(target.address) == str(tmp_path / "out")
    assert str(load_target(job, "s3://assets/a").address) == "s3://assets/a"


def test_a_wrong_address_is_reported(job: Path) -> None:
    with pytest.raises(RequestError, match="--deliver"):
        load_target(job, "gs://assets")
    job.write_text(job.read_text().replace('"deliver": "out"', '"deliver": "gs://assets"'))
    with pytest.raises(SpecError, match=r"spring\.yaml:1:\d+: deliver: 'gs://' isn't a kind of store"):
        load_target(job)


@pytest.mark.parametrize("field", ["campaign", "brand", "deliver"])
def test_a_missing_field_is_reported(job: Path, field: str) -> None:
    job.write_text(job.read_text().replace(f'"{field}":', f'"x{field}":'))
    with pytest.raises(SpecError, match=f"the field '{field}' is missing"):
        load_target(job)


SECRETS = "database: {password: hush, password: hush}\nhush: true\n"


def test_nothing_of_a_file_that_is_no_spec_is_quoted(job: Path, tmp_path: Path) -> None:
    (tmp_path / "brand.yaml").write_text(SECRETS)
    with pytest.raises(
        SpecError, match=r"brand\.yaml:1:1: this isn't a brand spec: it has none of its fields"
    ) as raised:
        load_target(job)
    assert "hush" not in str(raised.value)
    job.write_text(SECRETS)
    for load in (load_target, load_signing):
        with pytest.raises(SpecError, match=r"spring\.yaml:1:1: this isn't a campaign's job: it has none") as raised:
            load(job)
        assert "hush" not in str(raised.value)


def test_a_missing_brand_spec_is_reported(job: Path, tmp_path: Path) -> None:
    (tmp_path / "brand.yaml").unlink()
    with pytest.raises(SpecError, match=r"there is no brand spec 'brand\.yaml'"):
        load_target(job)


def test_a_campaigns_name_is_known_in_spite_of_mistakes(job: Path, tmp_path: Path) -> None:
    assert campaign_name(job) == "spring"
    job.write_text("campaign: spring  # of this year\nmatrix: {product: [\n")
    assert campaign_name(job) == "spring"
    job.write_text("matrix: [")
    assert campaign_name(job) is None
    assert campaign_name(tmp_path / "missing.yaml") is None
    os.mkfifo(tmp_path / "pipe.yaml")
    assert campaign_name(tmp_path / "pipe.yaml") is None, "it isn't waited for"
