"""The Ray of a run has room for its workers, and one that is connected already is used and left alone.

That it's closed to the network is seen in test_run.py, where a driver starts its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import ray as ray_module

from pipeline.render.cluster import Resources, available_cpus, ray_resources
from tests.campaigns import write_campaign
from tests.processes import driver, told


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
        (error,) = [what for kind, what in told(process) if kind == "error"]
        assert process.wait() == 4
    assert error.startswith(f"the Ray cluster at {address} (RAY_ADDRESS) can't be used: ")
    assert error.endswith("; correct it, or unset it to render on this machine")
