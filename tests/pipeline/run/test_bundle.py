"""What is sent to a cluster with a submitted job."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from brandpress.pipeline.plan.validate import validate
from brandpress.pipeline.plan.verdict_basis import calibration_path
from brandpress.pipeline.run.bundle import bundled, plan_digest
from brandpress.pipeline.spec.load import load_campaign
from brandpress.pipeline.spec.problem import SpecError
from brandpress.pipeline.spec.provenance import KEY_VARIABLE
from tests.campaigns import write_campaign
from tests.certificates import Authority, write_certificates

ROOT = Path(__file__).parents[3]


def test_a_bundle_is_all_that_planning_needs(tmp_path: Path) -> None:
    """Runs the bundle's own code in it, with an interpreter that has the dependencies only."""
    campaign = load_campaign(ROOT / "jobs" / "demo.yaml", str(tmp_path / "store"))
    with bundled(campaign) as bundle:
        assert bundle.job == "campaign/jobs/demo.yaml"
        files = {str(file.relative_to(bundle.folder)) for file in bundle.folder.rglob("*") if file.is_file()}
        assert {"brandpress/__init__.py", "brandpress/pipeline/cli/app.py", "brandpress/model/renderer.py"} <= files
        assert not any("__pycache__" in file or file.startswith("brandpress/pipeline/brandpress") for file in files)
        pictures = {picture.file for picture in campaign.brand.pictures.values()}
        assert {f"campaign/specs/northwind/{picture}" for picture in pictures} <= files
        program = (
            "import sys; sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in str(f).lower()]\n"
            "import brandpress.pipeline.cli.app as app; print(app.__file__)\n"
            "from importlib.metadata import distribution; print(distribution('brandpress').locate_file('x'))\n"
            f"sys.exit(app.run(['plan', {bundle.job!r}]))"
        )
        environment = {**os.environ, **bundle.variables, "PYTHONPATH": str(bundle.folder)}
        completed = subprocess.run(
            [sys.executable, "-c", program],
            cwd=bundle.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert completed.returncode == 0, completed.stderr
        code, metadata = completed.stdout.splitlines()[:2]
        assert Path(code).is_relative_to(bundle.folder), "the bundle's code was imported"
        assert (bundle.folder / metadata).parent == bundle.folder, "and the version is the bundle's"
    assert not bundle.folder.exists()


def test_files_keep_their_places_relative_to_each_other(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    job = write_campaign(tmp_path / "specs", 1, model="nano")
    deep = tmp_path / "jobs" / "eu" / "spring.yaml"
    deep.parent.mkdir(parents=True)
    deep.write_text(job.read_text().replace('"brand.yaml"', '"../../specs/brand.yaml"'))
    with bundled(load_campaign(deep)) as bundle:
        assert bundle.job == "campaign/jobs/eu/spring.yaml"
        assert (bundle.folder / "campaign" / "specs" / "mug.png").exists()


def test_feeds_and_the_lock_are_sent(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1, model="nano", matrix={"product": "*", "scene": {"beach": "on a beach"}})
    job.with_name("brand.yaml").write_text('{"brand": "northwind", "products": {"from": "feed.csv", "key": "id"}}')
    (tmp_path / "feed.csv").write_text("id,description,references\nmug,a mug,mug.png\n")
    job.with_suffix(".lock").write_text("{}")
    with bundled(load_campaign(job)) as bundle:
        sent = bundle.folder / bundle.job
        assert {file.name for file in sent.parent.iterdir()} == {
            "spring.yaml",
            "spring.lock",
            "brand.yaml",
            "feed.csv",
            "mug.png",
        }
        assert list(load_campaign(sent).brand.products) == ["mug"]


def test_certificates_are_sent_and_the_key_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = Authority()
    issued = authority.issue()
    monkeypatch.setenv(KEY_VARIABLE, issued.key.decode())
    (tmp_path / "signing").mkdir()
    write_certificates(tmp_path / "signing", authority, issued)
    provenance = {"c2pa": {"certificate": "../signing/signer.pem", "anchor": "../signing/root.pem"}}
    job = write_campaign(tmp_path / "jobs", 1, model="nano", provenance=provenance)
    with bundled(load_campaign(job)) as bundle:
        assert load_campaign(bundle.folder / bundle.job).signing == load_campaign(job).signing
        contents = [file.read_bytes() for file in bundle.folder.rglob("*") if file.is_file()]
        assert not [content for content in contents if issued.key.splitlines()[1] in content]
        assert KEY_VARIABLE not in bundle.variables


def test_allowed_hosts_go_with_the_job_and_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRANDPRESS_WEBHOOK_HOSTS", "hooks.example")
    monkeypatch.setenv("BRANDPRESS_REFERENCE_HOSTS", "")
    monkeypatch.setenv("WEBHOOK_SECRET", "whsec_secret")
    hook = {"url": "https://hooks.example/x", "secret_env": "WEBHOOK_SECRET"}
    with bundled(load_campaign(write_campaign(tmp_path, 1, model="nano", on_finish=hook))) as bundle:
        assert bundle.variables == {"BRANDPRESS_SPEC_ROOT": "campaign", "BRANDPRESS_WEBHOOK_HOSTS": "hooks.example"}


def test_a_model_that_only_this_machine_has_is_an_error(tmp_path: Path) -> None:
    campaign = load_campaign(write_campaign(tmp_path, 1))
    message = r"spring.yaml:1:\d+: 'checkpoint' is a path that only this machine has; allowed to submit: a model's name"
    with pytest.raises(SpecError, match=message), bundled(campaign):
        pass


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("../models/nothere", "../models/nothere"),
        ("./nothere", "./nothere"),
        ("~/nothere", "~/nothere"),
        ("nothere.safetensors", "nothere.safetensors"),
        ("models/eu/nothere", "models/eu/nothere"),
        ({"base": "nano", "transformer": "parts/nothere"}, "parts/nothere"),
        ({"base": "nano", "loras": [{"file": "lora"}]}, "lora"),
    ],
)
def test_a_relative_path_is_an_error_even_if_nobody_has_it(
    tmp_path: Path, model: str | dict[str, object], path: str
) -> None:
    campaign = load_campaign(write_campaign(tmp_path, 1, model=model))
    with pytest.raises(SpecError, match=f"'{re.escape(path)}' is a path that only this machine has"), bundled(campaign):
        pass


@pytest.mark.parametrize(
    ("model", "ending"),
    [
        ("nanno", "; did you mean nano?"),
        ({"base": "flux.2-klein-4B", "vae": "/models/vae"}, "; did you mean flux.2-klein-4b?"),
        ("a-name-like-no-other", "flux.2-flex"),
        ("nano@main", "only models on the hub have revisions; write owner/name@revision, with a commit, branch or tag"),
    ],
)
def test_a_name_that_nobody_knows_is_an_error_as_in_validate(
    tmp_path: Path, model: str | dict[str, object], ending: str
) -> None:
    file = write_campaign(tmp_path, 1, model=model)
    with pytest.raises(SpecError, match=re.escape(ending) + "$") as raised, bundled(load_campaign(file)):
        pass
    assert re.match(rf"{re.escape(str(file))}:1:\d+: model: '", str(raised.value))
    if isinstance(model, str):
        (problem,) = validate(file).problems
        assert str(problem).startswith(str(raised.value)), "`validate` may add a hint about locks"


@pytest.mark.parametrize(
    "model", ["nano", "owner/name", "owner/name@main", "/models/nothere", {"base": "nano", "vae": "/models/nothere"}]
)
def test_names_and_absolute_paths_are_sent(tmp_path: Path, model: str | dict[str, object]) -> None:
    (tmp_path / "nano").mkdir()
    with bundled(load_campaign(write_campaign(tmp_path, 1, model=model))) as bundle:
        assert (bundle.folder / bundle.job).exists()


def test_the_digest_changes_with_what_decides_the_pictures(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1)
    first = plan_digest(load_campaign(job))
    assert first == plan_digest(load_campaign(job))
    assert first != plan_digest(load_campaign(job), ("--retry-failed",))
    assert first != plan_digest(load_campaign(job, str(tmp_path / "elsewhere")))
    (tmp_path / "mug.png").write_bytes((tmp_path / "bottle.png").read_bytes())
    assert first != plan_digest(load_campaign(job))


def test_the_digest_changes_with_the_lock_the_calibration_and_the_certificates(tmp_path: Path) -> None:
    """They decide which pictures are rendered, published and signed, and are sent with the job."""
    authority = Authority()
    provenance = write_certificates(tmp_path, authority, authority.issue())
    job = write_campaign(tmp_path, 1, provenance=provenance, quality_gate={"measures": {"noise": 0.3}})
    campaign = load_campaign(job)
    digests = [plan_digest(campaign)]
    for file in (job.with_suffix(".lock"), calibration_path(campaign.brand)):
        for content in ("{}", '{"a": 1}'):
            file.write_text(content)
            digests.append(plan_digest(load_campaign(job)))
    write_certificates(tmp_path, authority, authority.issue())
    digests.append(plan_digest(load_campaign(job)))
    assert len(set(digests)) == 6
