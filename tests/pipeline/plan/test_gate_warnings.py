"""A machine without a gate's packages or its calibration validates and plans, with warnings."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from brandpress.pipeline.plan.validate import validate
from brandpress.pipeline.plan.verdict_basis import calibration_path
from brandpress.pipeline.plan.warnings import warnings_of
from brandpress.pipeline.review.picture_gate import CampaignGate
from brandpress.pipeline.spec.problem import SpecError
from tests.campaigns import plan_of, write_campaign

GATE = {"measures": {"subject": "calibrated", "noise": 0.3, "text": 0.2}}


@pytest.fixture
def without_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hides the packages that read text, as if they weren't installed."""
    for name in ("rapidocr", "rapidfuzz"):
        monkeypatch.setitem(sys.modules, name, None)


def test_a_missing_package_is_a_warning_until_something_is_rendered(tmp_path: Path, without_packages: None) -> None:
    job = write_campaign(tmp_path, 1, quality_gate={"measures": {"text": 0.2}})
    validation = validate(job)
    assert validation.problems == ()
    [warning] = map(str, validation.warnings)
    assert "spring.yaml:1:" in warning
    assert (
        'warning: the measure text can\'t run on this machine; to render here, run `pip install "brandpress[review]"`'
        in warning
    )
    assert any("the measure text can't run" in text for text in warnings_of(plan_of(job)))
    with pytest.raises(
        SpecError, match=r"spring\.yaml:1:\d+: quality_gate: text needs the package rapid.* isn't installed"
    ):
        CampaignGate.of(plan_of(job))


def test_a_missing_calibration_is_a_warning_until_something_is_rendered(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1, quality_gate=GATE)
    validation = validate(job)
    assert validation.problems == ()
    [warning] = map(str, validation.warnings)
    assert (
        f"there is no calibration of northwind for subject; before rendering, run `brandpress calibrate {job}`"
        in warning
    )
    with pytest.raises(SpecError) as error:
        CampaignGate.of(plan_of(job))
    assert "'product:mug', 'product:bottle' have no calibrated threshold for subject" in str(error.value)
    assert f"run `brandpress calibrate {job}`, or write a number" in str(error.value)


def test_an_outdated_calibration_is_an_error_that_says_why(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from brandpress.pipeline.cli.app import app  # the command writes the calibration

    job = write_campaign(tmp_path, 1, quality_gate=GATE)
    assert CliRunner().invoke(app, ["calibrate", str(job), "--pictures", "4"]).exit_code == 0
    plan = plan_of(job)
    assert calibration_path(plan.campaign.brand).exists()
    assert list(validate(job).warnings) == []
    assert CampaignGate.of(plan) is not None
    (tmp_path / "mug.png").write_bytes((tmp_path / "bottle.png").read_bytes())
    with pytest.raises(SpecError, match=r"'product:mug' has no calibrated .*references have changed"):
        CampaignGate.of(plan_of(job))


def test_a_job_without_a_gate_has_none(tmp_path: Path) -> None:
    assert CampaignGate.of(plan_of(write_campaign(tmp_path, 1))) is None
