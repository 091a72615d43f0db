"""Manifests for Kubernetes, checked against the schemas of KubeRay and of Kubernetes (tests/data/README.md)."""

from __future__ import annotations

import json
import lzma
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from brandpress.model.errors import RequestError
from brandpress.pipeline.cli import app as cli
from brandpress.pipeline.run.kubernetes import Deployment, kubernetes_manifest, kubernetes_name
from brandpress.pipeline.spec.problem import SpecError
from tests.campaigns import write_campaign

DATA = Path(__file__).parents[2] / "data"
SCHEMAS = {
    "rayjob": "kuberay/rayjobs.json.xz",
    "raycronjob": "kuberay/raycronjobs.json.xz",
    "cronjob": "kubernetes/cronjob.json.xz",
}
SCHEDULE = {"cron": "0 3 * * MON", "timezone": "Europe/Berlin", "deadline": "6h"}
FULL = Deployment(
    "registry.example/brandpress:1.2@sha256:" + "0" * 64,
    workers=4,
    gpus=2,
    namespace="pictures",
    queue="gpus",
    secrets=("store", "hub"),
    service_account="renderer",
    cache="models",
)


def validator(kind: str) -> Draft7Validator:
    """Returns a validator that refuses unknown fields, as Kubernetes' strict validation does."""
    return Draft7Validator(closed(json.loads(lzma.decompress((DATA / SCHEMAS[kind]).read_bytes()))))


def closed(schema: Any) -> Any:
    """Returns a schema with `additionalProperties: false` wherever it lists properties."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {name: closed(value) for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        result["additionalProperties"] = False
    if result.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    return result


def errors(kind: str, manifest: dict[str, Any]) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator(kind).iter_errors(manifest)]


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return write_campaign(tmp_path / "jobs", 1, deliver="s3://assets/northwind", schedule=SCHEDULE)


@pytest.mark.parametrize("kind", SCHEMAS)
@pytest.mark.parametrize("deployment", [Deployment("brandpress"), FULL], ids=["smallest", "full"])
def test_manifests_are_valid(kind: Any, deployment: Deployment, job: Path) -> None:
    deployment = replace(deployment, workers=1) if kind == "cronjob" else deployment
    manifest = kubernetes_manifest(kind, job, deployment)
    manifest["metadata"].pop("namespace", None)  # the schemas of custom kinds don't describe metadata
    metadata = manifest.pop("metadata") if kind != "cronjob" else None
    assert errors(kind, manifest) == []
    assert metadata is None or metadata["name"] == "spring"


def test_allowed_hosts_go_with_the_job(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRANDPRESS_WEBHOOK_HOSTS", "hooks.example")
    monkeypatch.setenv("BRANDPRESS_REFERENCE_HOSTS", "")
    manifest = kubernetes_manifest("cronjob", job, Deployment("brandpress", cache="models"))
    assert errors("cronjob", manifest) == []
    [container] = manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [
        {"name": "BRANDPRESS_WEBHOOK_HOSTS", "value": "hooks.example"},
        {"name": "HF_HOME", "value": "/models"},
    ]


def test_the_validator_finds_mistakes(job: Path) -> None:
    manifest = kubernetes_manifest("rayjob", job, FULL)
    del manifest["metadata"]
    manifest["spec"]["entrypiont"] = manifest["spec"].pop("entrypoint")
    manifest["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["replicas"] = "two"
    assert len(errors("rayjob", manifest)) == 2


def test_a_ray_job(job: Path) -> None:
    manifest = kubernetes_manifest("rayjob", job, FULL)
    assert manifest["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "gpus"
    spec = manifest["spec"]
    assert spec["entrypoint"] == "brandpress render /campaigns/jobs/spring.yaml"
    assert spec["rayClusterSpec"]["authOptions"] == {"mode": "token"}
    (group,) = spec["rayClusterSpec"]["workerGroupSpecs"]
    pod = group["template"]["spec"]
    assert (group["replicas"], pod["serviceAccountName"]) == (4, "renderer")
    (container,) = pod["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 2
    assert container["envFrom"] == [{"secretRef": {"name": "store"}}, {"secretRef": {"name": "hub"}}]
    head = spec["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]["containers"][0]
    assert "nvidia.com/gpu" not in head["resources"]["limits"]


@pytest.mark.parametrize("kind", ["raycronjob", "cronjob"])
def test_schedules_are_passed_on(kind: Any, job: Path) -> None:
    spec = kubernetes_manifest(kind, job, replace(FULL, workers=1))["spec"]
    assert (spec["schedule"], spec["timeZone"]) == ("0 3 * * MON", "Europe/Berlin")
    inner = spec["jobTemplate"]["spec"] if kind == "cronjob" else spec["jobTemplate"]
    assert inner["activeDeadlineSeconds"] == 6 * 3600


def test_a_job_without_a_schedule_is_an_error(tmp_path: Path) -> None:
    job = write_campaign(tmp_path, 1, deliver="s3://assets/northwind")
    with pytest.raises(SpecError, match="this job has no schedule"):
        kubernetes_manifest("raycronjob", job, FULL)
    assert kubernetes_manifest("rayjob", job, FULL)["kind"] == "RayJob"


def test_a_folder_is_no_place_for_a_pod_to_deliver(tmp_path: Path) -> None:
    job = write_campaign(tmp_path / "jobs", 1)
    with pytest.raises(RequestError, match=r"is a folder, which a pod loses when it ends; allowed: s3://bucket/prefix"):
        kubernetes_manifest("rayjob", job, FULL)
    entrypoint = kubernetes_manifest("rayjob", job, FULL, "s3://assets/x")["spec"]["entrypoint"]
    assert entrypoint == "brandpress render /campaigns/jobs/spring.yaml --deliver s3://assets/x"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"image": "no image"}, "--image: 'no image' isn't an image"),
        ({"namespace": "Upper"}, "--namespace: 'Upper' isn't a name of Kubernetes"),
        ({"secrets": ("a_b",)}, "--secret: 'a_b' isn't a name of Kubernetes"),
        ({"memory": "lots"}, "--memory: 'lots' isn't a quantity"),
        ({"gpu_resource": "gpu"}, "--gpu-resource: 'gpu' isn't a resource"),
        ({"root": "campaigns"}, "--root: 'campaigns' isn't a folder"),
    ],
)
def test_wrong_options_are_errors(job: Path, values: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        kubernetes_manifest("rayjob", job, Deployment(**{"image": "brandpress", **values}))


def test_a_job_outside_of_the_root_has_no_place_in_the_image(
    job: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRANDPRESS_SPEC_ROOT", str(tmp_path / "elsewhere"))
    with pytest.raises((RequestError, SpecError), match="outside"):
        kubernetes_manifest("rayjob", job, FULL)


def test_a_cron_job_has_one_pod(job: Path) -> None:
    with pytest.raises(
        RequestError, match=r"--workers 4: a CronJob renders in one pod; write --gpus 4, or export a ray"
    ):
        kubernetes_manifest("cronjob", job, FULL)


def test_names_fit_and_stay_different() -> None:
    assert kubernetes_name("spring") == "spring"
    names = ["spring_sale", "spring-sale", "s" * 64, "s" * 63, "a_" * 31 + "a"]
    short = [kubernetes_name(name) for name in names]
    assert len(set(short)) == len(names)
    assert all(len(name) <= 40 for name in short)


def test_the_command_writes_yaml_without_aliases(job: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["export", "raycronjob", str(job), "--image", "brandpress", "--secret", "store"]
    assert cli.run(arguments) == 0
    shown = capsys.readouterr().out
    assert yaml.safe_load(shown) == kubernetes_manifest("raycronjob", job, Deployment("brandpress", secrets=("store",)))
    assert "&id" not in shown
    assert cli.run([*arguments, "--out", str(tmp_path / "job.yaml")]) == 0
    assert (tmp_path / "job.yaml").read_text() == shown
    assert cli.run([*arguments, "--out", str(tmp_path / "no" / "job.yaml")]) == 1
