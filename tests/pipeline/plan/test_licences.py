"""A commercial job needs a model that allows it, or a grant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from brandpress.model.family import DEV_LICENCE, FAMILIES, NON_COMMERCIAL, UNKNOWN_LICENCE
from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.plan.licences import licence_problems, licence_warning
from brandpress.pipeline.spec.load import load_campaign
from tests.campaigns import plan_of, write_campaign
from tests.model.sparse import sparse_checkpoint
from tests.pipeline.plan.keys import model
from tests.pipeline.run.published import publish_plan

DEV: dict[str, Any] = {"name": "flux.2-dev", "licence": DEV_LICENCE, "commercial_use": False}
KLEIN: dict[str, Any] = {"name": "flux.2-klein-9b", "licence": NON_COMMERCIAL, "commercial_use": False}
APACHE: dict[str, Any] = {"name": "flux.2-klein-4b", "licence": "Apache-2.0", "commercial_use": True}
CUSTOM: dict[str, Any] = {"name": "mine", "licence": UNKNOWN_LICENCE, "commercial_use": False}
GRANT = "order 4711 of Black Forest Labs"


@pytest.mark.parametrize(
    ("described", "fields", "refused", "warned"),
    [
        (DEV, {"purpose": "commercial"}, True, False),
        (DEV, {"purpose": "commercial", "licence": GRANT}, False, False),
        (DEV, {"purpose": "research"}, False, False),
        (DEV, {"licence": GRANT}, False, False),
        (DEV, {}, False, True),
        (KLEIN, {"purpose": "commercial"}, True, False),
        (KLEIN, {}, False, True),
        (APACHE, {"purpose": "commercial"}, False, False),
        (APACHE, {}, False, False),
        (CUSTOM, {"purpose": "commercial"}, True, False),
        (CUSTOM, {}, False, False),
    ],
)
def test_licences(
    tmp_path: Path, described: dict[str, Any], fields: dict[str, object], refused: bool, warned: bool
) -> None:
    campaign = load_campaign(write_campaign(tmp_path, 1, **fields))
    problems = [*licence_problems(campaign, model(**described))]
    warning = licence_warning(campaign, model(**described))
    assert bool(problems) == refused
    assert (warning is not None) == warned
    if refused:
        assert described["licence"] in problems[0].what or described is CUSTOM
        assert "name the grant: licence:" in problems[0].allowed
        assert "flux.2-klein-4b" in problems[0].allowed
        assert "flux.2-dev" not in problems[0].allowed
    if warning is not None:
        assert described["licence"] in warning


def test_every_model_of_the_family_has_a_licence() -> None:
    assert {family.licence for family in FAMILIES.values() if not family.commercial_use} == {
        DEV_LICENCE,
        NON_COMMERCIAL,
    }


@pytest.fixture
def nine(tmp_path: Path) -> str:
    """A checkpoint with the architecture of [klein] 9B, which is for non-commercial use."""
    return sparse_checkpoint(tmp_path / "nine", 32, _class_name="Flux2KleinPipeline", is_distilled=True).name


def test_validate_and_plan_refuse_it(tmp_path: Path, nine: str, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, 1, model=nine, purpose="commercial")
    for command in ("validate", "plan"):
        assert cli.run([command, str(job)]) == 1
        shown = capsys.readouterr().err
        assert f"the model '{nine}' may be used for non-commercial purposes only (FLUX Non-Commercial License)" in shown
    write_campaign(tmp_path, 1, model=nine, purpose="commercial", licence=GRANT)
    assert cli.run(["validate", str(job)]) == 0
    assert capsys.readouterr().err == ""


def test_the_licence_is_checked_before_the_weights_are_downloaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "empty"))
    job = write_campaign(tmp_path, 1, model="flux.2-dev", purpose="commercial")
    assert cli.run(["validate", str(job)]) == 1
    shown = capsys.readouterr().err
    assert "models --get flux.2-dev" in shown
    assert "the model 'flux.2-dev' may be used for non-commercial purposes only" in shown
    assert f"brandpress lock {job}" in shown


def test_without_a_purpose_there_is_one_warning(tmp_path: Path, nine: str, capsys: pytest.CaptureFixture[str]) -> None:
    job = write_campaign(tmp_path, 1, model=nine)
    for command in ("validate", "plan"):
        assert cli.run([command, str(job)]) == 0
        shown = capsys.readouterr()
        text = " ".join((shown.out + shown.err).split())
        assert text.count("may be used for non-commercial purposes only (FLUX Non-Commercial License)") == 1


def test_manifests_say_what_the_pictures_are_for(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1, purpose="commercial", licence=GRANT)
    manifest = publish_plan(plan_of(job)).manifest
    assert (manifest.purpose, manifest.licence_grant) == ("commercial", GRANT)
