"""Runs the jobs and the README's examples through the command line, with nano."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from PIL import Image

from brandpress.pipeline.deliver.encode import DIGITAL_SOURCE_TYPE
from brandpress.pipeline.spec.load import load_campaign
from tests.bfl_server import COST, KEY, running_bfl_server
from tests.s3_server import S3Server

ROOT = Path(__file__).parents[1]
JOBS = sorted((ROOT / "jobs").glob("*.yaml"))


def brandpress(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the command line in the repository's root."""
    command = [sys.executable, "-m", "brandpress.pipeline.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)


def brandpress_json(*arguments: object) -> dict[str, Any]:
    """Run the command line with --json and return its output."""
    completed = brandpress(*arguments, "--json")
    assert completed.returncode == 0, completed.stderr
    output: dict[str, Any] = json.loads(completed.stdout)
    return output


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.stem)
def test_every_job_is_valid_and_plans(job: Path) -> None:
    assert brandpress("validate", job).returncode == 0
    model = "flux.2-pro" if job.stem == "hosted" else "nano"
    assert brandpress_json("plan", job, "--deliver", os.devnull + "-store")["model"]["name"] == model


@pytest.mark.slow
@pytest.mark.parametrize(("name", "reference_counts"), [("demo", {1, 2, 3}), ("homeware", {2, 3})])
def test_the_jobs_of_the_demo_brands_render_and_verify(name: str, reference_counts: set[int], tmp_path: Path) -> None:
    """Renders at least 24 variants, verifies them, and renders nothing the second time."""
    job = ROOT / "jobs" / f"{name}.yaml"
    first = brandpress_json("render", job, "--deliver", tmp_path)
    assert first["counts"]["planned"] >= 24
    assert first["counts"]["done"] == first["counts"]["planned"]
    second = brandpress_json("render", job, "--deliver", tmp_path)
    assert (second["counts"]["done"], second["counts"]["skipped"]) == (0, first["counts"]["planned"])
    assert second["manifest"] == first["manifest"]
    assert brandpress("verify", job, "--deliver", tmp_path).returncode == 0
    folder = tmp_path / name
    parts = json.loads((folder / first["manifest"]).read_text())["parts"]
    records = [json.loads(line) for part in parts for line in (folder / part["file"]).read_text().splitlines()]
    assert {len(record["references"]) for record in records} == reference_counts
    for record in records:
        picture = Image.open(folder / record["asset"])
        assert picture.size == (record["width"], record["height"])
        assert DIGITAL_SOURCE_TYPE in picture.info["XML:com.adobe.xmp"]
    sheet = tmp_path / "sheet.png"
    assert brandpress("sheet", job, "--deliver", tmp_path, "--out", sheet).returncode == 0
    assert min(Image.open(sheet).size) > 500


@pytest.mark.slow
def test_the_s3_job_renders_and_verifies(s3_environment: S3Server) -> None:
    job = ROOT / "jobs" / "ci-s3.yaml"
    bucket, _, prefix = yaml.safe_load(job.read_text())["deliver"].removeprefix("s3://").partition("/")
    store = boto3.client("s3")
    store.create_bucket(Bucket=bucket)
    first = brandpress_json("render", job)
    assert first["counts"]["done"] == first["counts"]["planned"] == 4
    assert brandpress("verify", job).returncode == 0
    keys = [entry["Key"] for entry in store.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/ci-s3/")["Contents"]]
    assert sum("/assets/" in key for key in keys) == 4
    assert brandpress_json("render", job)["counts"]["skipped"] == 4


@pytest.mark.slow
def test_the_hosted_job_renders_and_verifies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Uses a local server with BFL's API, because the real service isn't reachable from tests and costs money."""
    job = ROOT / "jobs" / "hosted.yaml"
    with running_bfl_server() as server:
        monkeypatch.setenv("BFL_API_KEY", KEY)
        monkeypatch.setenv("BFL_API_URL", server.url)
        first = brandpress_json("render", job, "--deliver", tmp_path)
        assert (first["counts"]["done"], first["cost"]) == (2, 2 * COST)
        assert brandpress("verify", job, "--deliver", tmp_path).returncode == 0
        assert brandpress_json("render", job, "--deliver", tmp_path)["counts"]["skipped"] == 2
        assert len(server.posts) == 2


@pytest.fixture
def quickstart(tmp_path: Path) -> Path:
    """Begins as the README does, with `brandpress init`, and returns the job's path."""
    folder = tmp_path / "campaigns"
    completed = brandpress("init", folder)
    assert completed.returncode == 0, completed.stderr
    return folder / "jobs" / "first.yaml"


def test_the_readme_shows_what_init_writes(quickstart: Path) -> None:
    blocks = re.findall(r"```yaml\n# (\S+)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert [name for name, _ in blocks] == ["specs/acme/brand.yaml", "jobs/first.yaml"]
    for name, content in blocks:
        assert yaml.safe_load(content) == yaml.safe_load((quickstart.parents[1] / name).read_text())


@pytest.mark.slow
def test_the_readmes_quickstart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs its commands in a shell that stops at the first one that fails."""
    (commands,) = re.findall(r"```sh\n(brandpress init .*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    monkeypatch.setenv("PATH", os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])))
    completed = subprocess.run(
        ["sh", "-ec", commands], cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False
    )
    assert completed.returncode == 0, completed.stderr
    out = tmp_path / "campaigns" / "out"
    assert len(list((out / "first" / "assets").iterdir())) == 4
    assert min(Image.open(out / "first.png").size) > 500


def test_the_combined_model_of_the_docs(quickstart: Path) -> None:
    """Loads a campaign with these fields; the files that they name don't exist."""
    (fields,) = re.findall(r"```yaml\n(model:\n.*?)```", (ROOT / "docs" / "models.md").read_text(), re.DOTALL)
    quickstart.write_text(re.sub(r"^model: .*\n", lambda _: fields, quickstart.read_text(), flags=re.MULTILINE))
    campaign = load_campaign(quickstart)
    assert campaign.choice.base == "flux.2-dev"
    assert [lora.scale for lora in campaign.choice.loras] == [0.8]
    assert (campaign.job.upsample, campaign.job.reference_pixels) == (True, 2024**2)
