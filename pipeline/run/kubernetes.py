"""Manifests for Kubernetes without credentials: a RayJob or a RayCronJob for KubeRay, or a CronJob with one pod."""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from brandpress.model.errors import RequestError
from brandpress.pipeline.run.bundle import allowed_hosts
from brandpress.pipeline.run.scheduled_jobs import load_schedule
from brandpress.pipeline.spec.delivery import FOLDER
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.root import ROOT, spec_root
from brandpress.pipeline.spec.schedule import Schedule
from brandpress.pipeline.spec.target import Target, load_target

Kind = Literal["rayjob", "raycronjob", "cronjob"]

MAX_NAME = 40
"""KubeRay allows 47 characters, and adds some to the names of scheduled jobs."""
ON_TIME_SECONDS = 600
"""How late a run may start that isn't made up for, as for `brandpress schedule`."""
KEPT_SECONDS = 3600
"""How long a finished RayJob stays for its logs."""
USER = 1000
"""The user of the Dockerfile."""

_DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_QUANTITY = re.compile(r"[1-9][0-9]*(?:\.[0-9]+)?(?:m|[kMGT]i?)?")
_RESOURCE = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?/[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?", re.ASCII)
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._/:-]*(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where and how a job runs in a cluster.

    image: built with the Dockerfile. root: the folder in it with jobs and specs. workers: number of pods that render.
    gpus, cpus, memory: of each. queue: Kueue's local queue. secrets: names of secrets with environment variables, such
    as the store's credentials. service_account: for credentials that come from the cloud. cache: claim of a volume for
    downloaded models.
    """

    image: str
    root: str = "/campaigns"
    workers: int = 1
    gpus: int = 1
    gpu_resource: str = "nvidia.com/gpu"
    cpus: str = "4"
    memory: str = "32Gi"
    namespace: str | None = None
    queue: str | None = None
    secrets: tuple[str, ...] = ()
    service_account: str | None = None
    cache: str | None = None

    def check(self) -> None:
        """Raises RequestError for values that Kubernetes would refuse."""
        if not _IMAGE.fullmatch(self.image):
            raise RequestError(f"--image: {quote(self.image)} isn't an image; allowed: registry/name:tag")
        names = {"--namespace": self.namespace, "--queue": self.queue, "--service-account": self.service_account}
        for option, name in (*names.items(), ("--cache", self.cache), *(("--secret", name) for name in self.secrets)):
            if name is not None and not _DNS_LABEL.fullmatch(name):
                rule = "allowed: lowercase letters, digits and '-', at most 63 characters"
                raise RequestError(f"{option}: {quote(name)} isn't a name of Kubernetes; {rule}")
        for option, amount in (("--cpus", self.cpus), ("--memory", self.memory)):
            if not _QUANTITY.fullmatch(amount):
                raise RequestError(f"{option}: {quote(amount)} isn't a quantity; allowed: such as 4, 500m or 32Gi")
        if not _RESOURCE.fullmatch(self.gpu_resource):
            rule = "allowed: a resource of Kubernetes, such as nvidia.com/gpu"
            raise RequestError(f"--gpu-resource: {quote(self.gpu_resource)} isn't a resource; {rule}")
        if not self.root.startswith("/") or ".." in PurePosixPath(self.root).parts:
            raise RequestError(f"--root: {quote(self.root)} isn't a folder; allowed: an absolute path in the image")


def kubernetes_manifest(kind: Kind, path: Path, deployment: Deployment, deliver: str | None = None) -> dict[str, Any]:
    """Returns the manifest that renders a job's file, or renders it on its schedule.

    Raises SpecError if the file isn't a valid job or, for a kind with a schedule, has none; and RequestError if it
    delivers to a folder, which pods lose when they end.
    """
    deployment.check()
    if kind == "cronjob" and deployment.workers != 1:
        raise RequestError(
            f"--workers {deployment.workers}: a CronJob renders in one pod; write --gpus {deployment.workers}, or "
            "export a raycronjob"
        )
    schedule = load_schedule(path, deliver).schedule if kind != "rayjob" else None
    target = load_target(path, deliver)
    if target.address.scheme == FOLDER:
        raise RequestError(
            f"{path}: deliver: {quote(str(target.address))} is a folder, which a pod loses when it ends; allowed: "
            "s3://bucket/prefix, in the job or with --deliver"
        )
    command = _command(path, deployment, target if deliver is not None else None)
    match kind:
        case "rayjob":
            spec = _ray_job(command, deployment, None)
            return _manifest("ray.io/v1", "RayJob", target, deployment, spec)
        case "raycronjob":
            assert schedule is not None  # noqa: S101
            spec = {**_times(schedule), "jobTemplate": _ray_job(command, deployment, schedule)}
            return _manifest("ray.io/v1", "RayCronJob", target, deployment, spec)
        case "cronjob":
            assert schedule is not None  # noqa: S101
            return _manifest(
                "batch/v1", "CronJob", target, deployment, _cron_job(command, deployment, schedule, target)
            )


def _command(path: Path, deployment: Deployment, target: Target | None) -> list[str]:
    root = spec_root(path.parent)
    if not path.resolve().is_relative_to(root):
        raise RequestError(f"{path}: outside {quote(root)} ({ROOT}), so its place in the image is unknown")
    place = path.resolve().relative_to(root)
    command = ["brandpress", "render", str(PurePosixPath(deployment.root) / place)]
    return command if target is None else [*command, "--deliver", str(target.address)]


def _manifest(api: str, kind: str, target: Target, deployment: Deployment, spec: Mapping[str, Any]) -> dict[str, Any]:
    labels = _labels(target) | ({"kueue.x-k8s.io/queue-name": deployment.queue} if deployment.queue else {})
    namespace = {"namespace": deployment.namespace} if deployment.namespace else {}
    metadata = {"name": kubernetes_name(target.campaign), **namespace, "labels": labels}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": dict(spec)}


def _labels(target: Target) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "brandpress",
        "app.kubernetes.io/instance": kubernetes_name(target.campaign),
        "app.kubernetes.io/part-of": kubernetes_name(target.brand),
    }


def kubernetes_name(name: str) -> str:
    """Returns a name of at most 40 characters that Kubernetes allows. Different names stay different."""
    label = name.replace("_", "-")
    if label == name and len(label) <= MAX_NAME:
        return label
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{label[: MAX_NAME - 9].rstrip('-')}-{digest}"


def _times(schedule: Schedule) -> dict[str, str]:
    return {"schedule": str(schedule.cron), "timeZone": schedule.timezone.key}


def _ray_job(command: list[str], deployment: Deployment, schedule: Schedule | None) -> dict[str, Any]:
    workers = {
        "groupName": "render",
        "replicas": deployment.workers,
        "minReplicas": deployment.workers,
        "maxReplicas": deployment.workers,
        "rayStartParams": {},
        "template": {"spec": _pod(deployment, "worker", gpus=deployment.gpus)},
    }
    head = {
        "rayStartParams": {"num-cpus": "0", "num-gpus": "0"},
        "template": {"spec": _pod(deployment, "head", gpus=0, cpus="2", memory="8Gi")},
    }
    return {
        "entrypoint": shlex.join(command),
        "submissionMode": "HTTPMode",
        "backoffLimit": 0,
        "shutdownAfterJobFinishes": True,
        "ttlSecondsAfterFinished": KEPT_SECONDS,
        **_deadline(schedule),
        "rayClusterSpec": {
            "rayVersion": version("ray"),
            "authOptions": {"mode": "token"},
            "headGroupSpec": head,
            "workerGroupSpecs": [workers],
        },
    }


def _cron_job(command: list[str], deployment: Deployment, schedule: Schedule, target: Target) -> dict[str, Any]:
    pod = _pod(deployment, "render", gpus=deployment.gpus)
    pod["containers"][0]["args"] = command
    pod["restartPolicy"] = "Never"
    invalid_or_at_work = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1, 5]}}
    labels = _labels(target) | ({"kueue.x-k8s.io/queue-name": deployment.queue} if deployment.queue else {})
    return {
        **_times(schedule),
        "concurrencyPolicy": "Forbid",
        **({} if schedule.catch_up else {"startingDeadlineSeconds": ON_TIME_SECONDS}),
        "jobTemplate": {
            "metadata": {"labels": labels},
            "spec": {
                "backoffLimit": 2,
                **_deadline(schedule),
                "podFailurePolicy": {"rules": [invalid_or_at_work]},
                "template": {"metadata": {"labels": _labels(target)}, "spec": pod},
            },
        },
    }


def _deadline(schedule: Schedule | None) -> dict[str, int]:
    if schedule is None or schedule.deadline is None:
        return {}
    return {"activeDeadlineSeconds": int(schedule.deadline.total_seconds())}


def _pod(
    deployment: Deployment, name: str, *, gpus: int, cpus: str | None = None, memory: str | None = None
) -> dict[str, Any]:
    cpus, memory = cpus or deployment.cpus, memory or deployment.memory
    resources = {"cpu": cpus, "memory": memory} | ({deployment.gpu_resource: gpus} if gpus else {})
    mounts = [{"name": "shared-memory", "mountPath": "/dev/shm"}]  # noqa: S108 - Ray's object store
    volumes: list[dict[str, Any]] = [{"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}]
    environment = [{"name": name, "value": value} for name, value in allowed_hosts().items()]
    if deployment.cache:
        mounts.append({"name": "models", "mountPath": "/models"})
        volumes.append({"name": "models", "persistentVolumeClaim": {"claimName": deployment.cache}})
        environment.append({"name": "HF_HOME", "value": "/models"})
    container: dict[str, Any] = {
        "name": name,
        "image": deployment.image,
        "resources": {"limits": resources, "requests": dict(resources)},
        "volumeMounts": mounts,
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    if environment:
        container["env"] = environment
    if deployment.secrets:
        container["envFrom"] = [{"secretRef": {"name": secret}} for secret in deployment.secrets]
    pod: dict[str, Any] = {
        "automountServiceAccountToken": deployment.service_account is not None,
        "securityContext": {"runAsNonRoot": True, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER},
        "containers": [container],
        "volumes": volumes,
    }
    if deployment.service_account is not None:
        pod["serviceAccountName"] = deployment.service_account
    return pod
