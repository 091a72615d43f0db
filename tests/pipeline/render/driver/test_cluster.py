"""A private Ray has room for all workers, and a Ray that is already connected is used and left running.

test_driver.py checks that a private Ray is closed to the network.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
import ray as ray_module

from brandpress.pipeline.cpus import available_cpus
from brandpress.pipeline.render.driver.cluster import Resources, ray_resources
from brandpress.pipeline.render.driver.worker_pool import RAY_GPU_UNITS
from brandpress.pipeline.render.limits import MAX_WORKERS_PER_GPU
from tests.campaigns import write_campaign
from tests.processes import driver, read_events


def test_a_private_ray_has_a_core_for_each_worker(ray: Resources) -> None:
    assert ray.cpus == max(2, available_cpus())


def test_workers_get_their_share_of_a_busy_machine(ray: Resources) -> None:
    """Without these settings, two other busy processes made the demo take more than 9 minutes instead of 17 seconds."""

    @ray_module.remote
    def priority_and_waiting() -> tuple[int, str | None]:
        return os.getpriority(os.PRIO_PROCESS, 0), os.environ.get("OMP_WAIT_POLICY")

    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert ray_module.get(priority_and_waiting.remote()) == (own, "PASSIVE")


def test_a_connected_ray_is_used_and_left_running(ray: Resources) -> None:
    with ray_resources(1) as resources:
        assert resources == ray
    assert ray_module.is_initialized()


def test_a_client_without_the_token_is_refused(ray: Resources) -> None:
    address = ray_module.get_runtime_context().gcs_address
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64, "RAY_NUM_REDIS_GET_RETRIES": "2"}
    program = f"import ray; ray.init(address={address!r}, log_to_driver=False); print('connected')"
    client = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert client.returncode != 0
    assert "connected" not in client.stdout
    assert "InvalidAuthToken" in client.stderr


@pytest.mark.parametrize("address", ["127.0.0.1:1", pytest.param("nowhere.invalid:6379", marks=pytest.mark.slow)])
def test_an_unreachable_cluster_fails_quickly(tmp_path: Path, address: str) -> None:
    """In a separate process, because the tests' process is already connected."""
    job = write_campaign(tmp_path, 1)
    with driver(job, environment={"RAY_ADDRESS": address}) as process:
        (error,) = [value for kind, value in read_events(process) if kind == "error"]
        assert process.wait() == 4
    assert error.startswith(f"the Ray cluster at {address} (RAY_ADDRESS) can't be used: ")
    assert error.endswith("; correct RAY_ADDRESS, or unset it to render on this machine")


def render_with_devices(job: Path, devices: str, *arguments: str) -> tuple[list[dict[str, str]], list[str], list[str]]:
    """Renders with a private Ray; returns the host fields of all records, the warnings and the errors."""
    environment = {"CUDA_VISIBLE_DEVICES": devices}
    with driver(job, *arguments, environment=environment) as process:
        events = list(read_events(process))
        process.wait()
    hosts, warnings, errors = (
        [value for kind, value in events if kind == name] for name in ("host", "warned", "error")
    )
    return hosts, warnings, errors


SEEING = "tests.stand_in:load_reporting_gpu"
SLICES = ("MIG-aaaaaaaa-0000-1111-2222-333344445555", "MIG-bbbbbbbb-0000-1111-2222-333344445555")


@pytest.mark.slow
@pytest.mark.parametrize("per_gpu", [1, 3])
def test_slices_of_a_gpu_are_assigned_to_workers(tmp_path: Path, per_gpu: int) -> None:
    """Ray itself doesn't count slices: it counts no GPU here, or one if the machine has one."""
    job = write_campaign(tmp_path, {f"s{number}": f"{number} [sleep 0.3]" for number in range(9)})
    workers = str(2 * per_gpu)
    hosts, warnings, _ = render_with_devices(job, ",".join(SLICES), workers, SEEING, "--workers-per-gpu", str(per_gpu))
    assert len(hosts) == 18
    slices = {host["process"]: host["gpu"] for host in hosts}
    assert Counter(slices.values()) == dict.fromkeys(SLICES, per_gpu)
    assert {host["per_device"] for host in hosts} == {str(per_gpu) if per_gpu > 1 else "None"}
    assert {host["workers"] for host in hosts} == {workers}
    (warning,) = warnings
    assert warning.startswith("Ray assigned GPUs to the workers, but torch none sees none, so they render on the CPU")


@pytest.mark.slow
@pytest.mark.parametrize("devices", ["", "-1"])
def test_hidden_gpus_are_not_used(tmp_path: Path, devices: str) -> None:
    hosts, warnings, _ = render_with_devices(write_campaign(tmp_path, 1), devices, "1", SEEING)
    assert {host["gpu"] for host in hosts} == {devices}
    assert warnings == []
    _, _, error = render_with_devices(
        write_campaign(tmp_path / "other", 1), devices, "1", SEEING, "--workers-per-gpu", "2"
    )
    assert error == [
        "--workers-per-gpu 2: Ray has no GPU that workers could share; remove the option, or set --workers to run "
        "several workers on the CPU"
    ]


@pytest.mark.parametrize("per_gpu", range(1, MAX_WORKERS_PER_GPU + 1))
def test_shares_of_a_gpu_add_up_to_at_most_one(per_gpu: int) -> None:
    """Ray rounds a share up to a ten-thousandth."""
    share = RAY_GPU_UNITS // per_gpu / RAY_GPU_UNITS
    assert round(share * RAY_GPU_UNITS) * per_gpu <= RAY_GPU_UNITS
    assert share * (per_gpu + 1) > 1


@pytest.mark.slow
@pytest.mark.parametrize("signals", [0, 2])
def test_a_private_ray_leaves_no_files_behind(tmp_path: Path, signals: int) -> None:
    """Also after two interrupts, of which the second ends the run at once."""
    job = write_campaign(tmp_path, {"long": "[sleep 60]" if signals else "short"}, products=("mug",))
    with tempfile.TemporaryDirectory(prefix="r", dir="/tmp") as temporary:  # short, as Ray's sockets are in it
        with driver(job, environment={"TMPDIR": temporary}) as process:
            for kind, _ in read_events(process):
                if kind == "starting":
                    (session,) = Path(temporary).glob("bp-*/*/session_2*")
                    assert session.parents[1].stat().st_mode & 0o777 == 0o700, "others must not reach Ray's sockets"
                if signals and kind in ("started", "stopping"):
                    process.send_signal(signal.SIGINT)
            assert (process.wait() != 0) == bool(signals)
        left = [path for path in Path(temporary).glob("**/*") if path.is_file() or path.is_symlink()]
        assert [path for path in left if "session" in str(path)] == []
