"""Settings without an effect are warnings of `validate` and `plan`."""

from __future__ import annotations

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


def test_settings_with_an_effect(tmp_path: Path) -> None:
    gate = {"measures": {"noise": 0.3} | {"safe": {"severity": "warn"}}, "retries": 2}
    job = write_campaign(tmp_path, 1, reference_pixels=65_536, quality_gate=gate)
    assert not any("has no effect" in text for text in warnings_of(plan_of(job)))
