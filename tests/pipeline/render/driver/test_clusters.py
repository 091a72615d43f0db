"""Campaigns on real clusters of several nodes: what differs from one machine, and what is said about it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray as ray_module

from brandpress.pipeline.version import VERSION
from tests.campaigns import write_campaign
from tests.processes import driver, read_events
from tests.ray_nodes import RayCluster, end, ray_cluster

WITH_A_MOUNT = ("unshare", "-m", "sh", "-c")
"""Runs a command in a mount namespace of its own, which comes to the same as another machine's file system."""


@pytest.fixture
def cluster() -> Iterator[RayCluster]:
    with ray_cluster() as nodes:
        yield nodes


def render(job: Path, cluster: RayCluster, *arguments: str, **environment: str) -> tuple[int, list[tuple[str, Any]]]:
    """Returns the exit code and the events of a driver on the cluster."""
    with driver(job, *arguments, environment=environment_of(cluster) | environment) as process:
        events = list(read_events(process))
        return process.wait(), events


def environment_of(cluster: RayCluster) -> dict[str, str]:
    return {"RAY_ADDRESS": cluster.address, "RAY_AUTH_MODE": "disabled", "BRANDPRESS_RESOURCE_TIMEOUT": "60"}


def values(events: list[tuple[str, Any]], kind: str) -> list[Any]:
    return [value for name, value in events if name == kind]


def hiding(folder: Path) -> tuple[str, ...]:
    """The prefix of a node that sees an empty folder there; skips the test where nobody may mount one."""
    folder.mkdir(exist_ok=True)
    script = f'mount -t tmpfs none "{folder}" && exec "$0" "$@"'
    try:
        allowed = subprocess.run([*WITH_A_MOUNT, script, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        allowed = False
    if not allowed:
        pytest.skip("mounting a file system isn't allowed here")
    return (*WITH_A_MOUNT, script)


@pytest.mark.slow
@pytest.mark.parametrize("hidden", ["out", "."])
def test_a_node_that_does_not_share_a_folder_ends_the_run_before_it_renders(
    cluster: RayCluster, tmp_path: Path, hidden: str
) -> None:
    """The node, where Ray runs, doesn't share where the campaign is delivered, or where the references are."""
    job = write_campaign(tmp_path / "job", 2, deliver=None if hidden == "out" else "../out")
    cluster.start(head=True, prefix=hiding(tmp_path / "job" / hidden))
    code, events = render(job, cluster)
    (error,) = values(events, "error")
    assert code == 4
    if hidden == "out":
        advice = "; deliver to s3://, or to a folder that all nodes share"
        assert error.startswith("worker on ") and f" doesn't see {tmp_path}/job/out/spring{advice}" in error
    else:
        assert f"doesn't see the product reference {tmp_path}/job/" in error
        assert error.endswith("keep brand specs in a folder that all nodes share")
    assert values(events, "recorded") == []
    assert not any((tmp_path / "job" / "out").glob("**/*.json"))


@pytest.mark.slow
def test_a_node_without_brandpress_ends_the_run_and_says_what_to_install(cluster: RayCluster, tmp_path: Path) -> None:
    python = bare_python(tmp_path / "bare")
    job = write_campaign(tmp_path / "job", 2)
    cluster.start(head=True, python=python)
    code, events = render(job, cluster)
    (error,) = values(events, "error")
    assert code == 4
    assert error.startswith("No module named 'brandpress' on node ")
    assert f": install brandpress {VERSION}, the version of this machine" in error
    assert values(events, "lost") == []


def bare_python(folder: Path) -> Path:
    """Makes an environment with Ray and everything that is installed here but brandpress."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    (packages / "ray.pth").write_text(f"{Path(ray_module.__file__).parents[1]}\n")
    python = folder / "bin" / "python"
    check = "import importlib.util as u; print(u.find_spec('brandpress') is None)"
    checked = subprocess.run([python, "-I", "-c", check], capture_output=True, text=True, check=True)
    if checked.stdout.strip() != "True":
        pytest.skip("brandpress is installed in the same folder as Ray, so that no Python has one without the other")
    return python


@pytest.mark.slow
def test_workers_ask_for_no_more_cores_than_a_node_has(cluster: RayCluster, tmp_path: Path) -> None:
    """The driver's machine has more cores than any of the nodes; a slow start may be reported as waiting."""
    cluster.start(head=True, cpus=1)
    cluster.start(cpus=1)
    job = write_campaign(tmp_path, 2)
    code, events = render(job, cluster, OMP_NUM_THREADS="")
    assert (code, values(events, "starting")) == (0, [[1, False, 1]])
    assert {notice.partition(",")[0] for notice in values(events, "pending")} <= {
        "waiting for resources: 1 CPU requested",
        "the workers' processes are starting",
    }


@pytest.mark.slow
def test_a_gpu_held_by_another_job_is_waited_for_and_told(cluster: RayCluster, tmp_path: Path) -> None:
    """The other job gives the GPU back after the first notice."""
    cluster.start(head=True, cpus=2, gpus=1)
    job = write_campaign(tmp_path, 2)
    other = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import ray, sys; ray.init(address={cluster.address!r}, log_to_driver=False)\n"
            "holder = ray.remote(type('Holder', (), {'ok': lambda self: 1})).options(num_gpus=1).remote()\n"
            "ray.get(holder.ok.remote()); print('held', flush=True); sys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"RAY_AUTH_MODE": "disabled", "PATH": "/usr/bin:/bin"},
    )
    try:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        notices = []
        with driver(job, environment=environment_of(cluster)) as process:
            for kind, value in read_events(process):
                if kind == "pending":
                    notices.append(value)
                    other.kill()
            assert process.wait() == 0
    finally:
        other.kill()
        other.wait()
    assert notices[0] == "waiting for resources: 1 GPU requested, 0 of 1 free"


@pytest.mark.slow
def test_gpus_that_join_get_workers_and_a_node_that_goes_ends_nothing(cluster: RayCluster, tmp_path: Path) -> None:
    """All pictures but one wait for a second worker, whose node joins after the first has begun and soon goes again.

    Ray may give a worker its second group of pictures before its first, so that the one that doesn't wait isn't first.
    """
    cluster.start(head=True, cpus=2, gpus=1)
    meeting = tmp_path / "meeting"
    scenes = {"s00": "0 first"} | {f"s{number:02}": f"{number} [meet {meeting}] [sleep 0.2]" for number in range(1, 24)}
    job = write_campaign(tmp_path, scenes)
    counts: Counter[str] = Counter()
    lost, outcome, late = [], {}, None
    with driver(job, environment=environment_of(cluster)) as process:
        for kind, value in read_events(process):
            counts[kind] += 1
            if kind == "started" and late is None:
                late = cluster.start(cpus=2, gpus=1)
            if kind == "recorded" and late is not None and counts["loaded"] == 2 and counts["recorded"] == 8:
                end(late)
            lost += [value] if kind == "lost" else []
            outcome = value if kind == "outcome" else outcome
        assert process.wait() == 0
    assert lost == ["its node is gone"]
    assert (outcome["counts"]["done"], outcome["failed"]) == (48, [])


@pytest.mark.slow
def test_a_cluster_without_room_is_told_and_waited_for_as_long_as_the_operator_wants(
    cluster: RayCluster, tmp_path: Path
) -> None:
    cluster.start(head=True, cpus=0)
    code, events = render(write_campaign(tmp_path, 1), cluster, BRANDPRESS_RESOURCE_TIMEOUT="12")
    (notice,), (error,) = values(events, "pending"), values(events, "error")
    assert notice.startswith("waiting for resources: 1 CPU requested, 0 of 0 free; the cluster has none now")
    assert error == f"no worker could start: {notice}; BRANDPRESS_RESOURCE_TIMEOUT (12 s) is over"
    assert code == 4
