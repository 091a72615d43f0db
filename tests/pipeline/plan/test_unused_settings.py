"""Settings without an effect are warnings of `validate` and `plan`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from brandpress.pipeline.plan.validate import validate
from brandpress.pipeline.plan.warnings import warnings_of
from tests.campaigns import plan_of, write_campaign

WARNS = {"noise": {"severity": "warn"}}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"references": [], "reference_pixels": 65_536}, "reference_pixels has no effect: the job has no references"),
        ({"quality_gate": {"measures": WARNS, "retries": 2}}, "quality_gate.retries has no effect: no measure blocks"),
        ({"quality_gate": {"measures": WARNS, "on_fail": "drop"}}, "quality_gate.on_fail has no effect"),
    ],
)
def test_settings_without_an_effect(fields: dict[str, Any], message: str, tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1, **fields)
    validation = validate(job)
    assert validation.problems == ()
    [warning] = [str(one) for one in validation.warnings if "has no effect" in one.what]
    assert f"warning: {message}" in warning
    assert any(message in text for text in warnings_of(plan_of(job)))


def without_references(folder: Path) -> Path:
    job = write_campaign(folder, 1)
    fields = json.loads(job.read_text())
    del fields["references"]
    job.write_text(json.dumps(fields))
    return job


def test_forgotten_references(tmp_path: Path) -> None:
    job = without_references(tmp_path)
    [warning] = [str(one) for one in validate(job).warnings]
    column = job.read_text().index('"product": [') + 1
    assert warning == (
        f"{job}:1:{column}: warning: the reference pictures of the product 'mug' have no effect; "
        "add references: [product], or references: [] to render from words alone"
    )
    assert any("of the product 'mug' have no effect" in text for text in warnings_of(plan_of(job)))


def test_no_references_on_purpose(tmp_path: Path) -> None:
    assert validate(write_campaign(tmp_path, 1, references=[])).warnings == ()
    brand = tmp_path / "brand.yaml"
    job = without_references(tmp_path)
    brand.write_text(
        brand.read_text().replace('"references": ["mug.png"]', '"references": []').replace('["bottle.png"]', "[]")
    )
    assert validate(job).warnings == (), "there are no pictures"


def test_settings_with_an_effect(tmp_path: Path) -> None:
    gate = {"measures": {"noise": 0.3} | {"safe": {"severity": "warn"}}, "retries": 2}
    job = write_campaign(tmp_path, 1, reference_pixels=65_536, quality_gate=gate)
    assert not any("has no effect" in text for text in warnings_of(plan_of(job)))
