"""The Ray of a run has room for its workers, and one that is connected already is used and left alone.

That it's closed to the network is seen in test_run.py, where a driver starts its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import ray as ray_module

from brandpress.pipeline.render.driver.cluster import Resources, available_cpus, ray_resources
from brandpress.pipeline.render.driver.run import MOST_PER_GPU
from brandpress.pipeline.render.driver.worker_pool import RAYS_PARTS
from tests.campaigns import write_campaign
from tests.processes import driver, read_events


def test_it_has_a_core_for_each_worker(ray: Resources) -> None:
    assert ray.cpus == max(2, available_cpus())


def test_a_connected_ray_is_used_and_left_as_it_is(ray: Resources) -> None:
    with ray_resources(1) as resources:
        assert resources == ray
    assert ray_module.is_initialized()


def test_who_has_not_its_token_is_refused(ray: Resources) -> None:
    address = ray_module.get_runtime_context().gcs_address
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64, "RAY_NUM_REDIS_GET_RETRIES": "2"}
    program = f"import ray; ray.init(address={address!r}, log_to_driver=False); print('connected')"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode != 0
    assert "connected" not in done.stdout
    assert "InvalidAuthToken" in done.stderr


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere.invalid:6379"])
def test_a_cluster_out_of_reach_is_told_at_once(tmp_path: Path, address: str) -> None:
    """In a process of its own: the one of the tests is connected already."""
    job = write_campaign(tmp_path, 1)
    with driver(job, environment={"RAY_ADDRESS": address}) as process:
        (error,) = [what for kind, what in read_events(process) if kind == "error"]
        assert process.wait() == 4
    assert error.startswith(f"the Ray cluster at {address} (RAY_ADDRESS) can't be used: ")
    assert error.endswith("; correct it, or unset it to render on this machine")


def seen(job: Path, devices: str, *arguments: str) -> tuple[list[dict[str, str]], list[str], list[str]]:
    """What the workers of a driver with a Ray of its own say of where they are; warnings, and the error."""
    environment = {"CUDA_VISIBLE_DEVICES": devices}
    with driver(job, *arguments, environment=environment) as process:
        heard = list(read_events(process))
        process.wait()
    said = {kind: [what for kind_of, what in heard if kind_of == kind] for kind in ("host", "warned", "error")}
    return said["host"], said["warned"], said["error"]


SEEING = "tests.stand_in:load_reporting_gpu"
SLICES = ("MIG-aaaaaaaa-0000-1111-2222-333344445555", "MIG-bbbbbbbb-0000-1111-2222-333344445555")


@pytest.mark.parametrize("per_gpu", [1, 3])
def test_slices_of_a_gpu_are_given_to_workers(tmp_path: Path, per_gpu: int) -> None:
    """Ray counts none of them: there is no GPU here, and where there is one it counts one."""
    job = write_campaign(tmp_path, {f"s{number}": f"{number} [sleep 0.3]" for number in range(9)})
    workers = str(2 * per_gpu)
    hosts, warned, _ = seen(job, ",".join(SLICES), workers, SEEING, "--workers-per-gpu", str(per_gpu))
    assert len(hosts) == 18
    given = {host["process"]: host["gpu"] for host in hosts}
    assert Counter(given.values()) == dict.fromkeys(SLICES, per_gpu)
    assert {host["per_device"] for host in hosts} == {str(per_gpu) if per_gpu > 1 else "None"}
    assert {host["workers"] for host in hosts} == {workers}
    (warning,) = warned
    assert warning.startswith("Ray gave the workers GPUs, and torch none sees none, so they render on the CPU")


@pytest.mark.parametrize("devices", ["", "-1"])
def test_hidden_gpus_are_not_used(tmp_path: Path, devices: str) -> None:
    hosts, warned, _ = seen(write_campaign(tmp_path, 1), devices, "1", SEEING)
    assert {host["gpu"] for host in hosts} == {devices}
    assert warned == []
    _, _, error = seen(write_campaign(tmp_path / "other", 1), devices, "1", SEEING, "--workers-per-gpu", "2")
    assert error == [
        "--workers-per-gpu 2: Ray has no GPU that workers could share; leave it out, or set --workers to how many "
        "are to share the CPU"
    ]


@pytest.mark.parametrize("per_gpu", range(1, MOST_PER_GPU + 1))
def test_parts_of_a_gpu_are_no_more_than_one(per_gpu: int) -> None:
    """Ray rounds a part to a ten-thousandth."""
    part = RAYS_PARTS // per_gpu / RAYS_PARTS
    assert round(part * RAYS_PARTS) * per_gpu <= RAYS_PARTS
    assert part * (per_gpu + 1) > 1
