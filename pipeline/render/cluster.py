"""The Ray that a run uses: the cluster in RAY_ADDRESS, else one of its own on this machine, closed to the network."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pipeline.render.environment import hidden, secrets_in

OBJECT_STORE_BYTES = 100 * 2**20
DASHBOARD = "BRANDPRESS_RAY_DASHBOARD"
"""A variable: set to 1, our own Ray has its dashboard, on 127.0.0.1."""

_LOCAL_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray binds its ports to 127.0.0.1 only where it takes clusters to be switched off. Read when ray is imported.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


@dataclass(frozen=True, slots=True)
class Resources:
    """What there is to run workers on."""

    cpus: int
    gpus: int


def available_cpus() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _token() -> dict[str, str]:
    """A token for our own Ray, which reads it once in a process's life. Once it's imported it can't be told any more to
    ask for one, but does so by itself from 2.59 on."""
    mode = {} if "ray" in sys.modules else {"RAY_AUTH_MODE": "token"}
    return {**mode, "RAY_AUTH_TOKEN": secrets.token_hex(32)}


@contextmanager
def ray_resources(workers: int | None, needed: tuple[str, ...] = ()) -> Iterator[Resources]:
    """Ray, connected for as long as the block runs, and what it has.

    A Ray that is connected already is used and left as it is. Without RAY_ADDRESS one is started on this machine, which
    is found by nobody else, asks whoever connects for a token, and ends with the block or with this process. needed:
    how the names of the variables begin that its workers need of this process's secrets.
    """
    address = os.environ.get("RAY_ADDRESS")
    if not address:
        for name, value in {**_LOCAL_ENVIRONMENT, **_token()}.items():
            os.environ.setdefault(name, value)
    import ray

    ours = not ray.is_initialized()
    if ours and address:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    elif ours:
        with hidden(secrets_in(os.environ.items(), needed)):
            ray.init(
                address="local",
                include_dashboard=os.environ.get(DASHBOARD) == "1",
                dashboard_host="127.0.0.1",
                num_cpus=max(workers or 1, available_cpus()),
                object_store_memory=OBJECT_STORE_BYTES,
                log_to_driver=False,
                logging_level="ERROR",
            )
    try:
        total = ray.cluster_resources()
        yield Resources(cpus=int(total.get("CPU", 1)), gpus=int(total.get("GPU", 0)))
    finally:
        if ours:
            ray.shutdown()
