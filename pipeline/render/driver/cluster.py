"""The Ray cluster of a run: the one at RAY_ADDRESS, or a private one on this machine, closed to the network."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from brandpress.model.errors import BrandpressError, RequestError
from brandpress.model.memory.gpus import SLICE, visible_entries
from brandpress.pipeline.render.cause import cause_of
from brandpress.pipeline.render.driver.environment import hidden, not_inherited
from brandpress.pipeline.render.driver.ray_folder import ray_folder

CONNECT_SECONDS = 5.0
OBJECT_STORE_BYTES = 100 * 2**20
DASHBOARD = "BRANDPRESS_RAY_DASHBOARD"
"""Environment variable; 1 enables the dashboard of a private Ray on 127.0.0.1."""

_LOCAL_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray binds its ports to 127.0.0.1 only if it believes that clusters are disabled. Read when ray is imported.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # On a busy machine, Ray's default of 15 would leave a worker a thirtieth of a core.
    "RAY_worker_niceness": "0",
    # OpenMP's threads would spin while they wait for one that other processes have displaced.
    "OMP_WAIT_POLICY": "PASSIVE",
}


class ClusterError(BrandpressError):
    """Ray can't be reached or refuses the connection."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What a cluster offers to workers. dashboard: the URL of Ray's dashboard, if enabled."""

    cpus: int
    gpus: int
    dashboard: str | None = None


def available_cpus() -> int:
    """Returns the number of cores that this process is allowed to use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _token() -> dict[str, str]:
    """Returns variables that make a private Ray require a token.

    Ray reads them once per process. After ray is imported, the mode can't be changed any more, but from Ray 2.59 on a
    token is required by default.
    """
    mode = {} if "ray" in sys.modules else {"RAY_AUTH_MODE": "token"}
    return {**mode, "RAY_AUTH_TOKEN": secrets.token_hex(32)}


def _connect(address: str) -> None:
    """Connects to a cluster. Raises ClusterError within seconds if nobody answers; Ray itself would take minutes."""
    import ray

    host, _, port = address.rpartition(":")
    try:
        if host and "/" not in host and port.isdecimal():
            socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
        with _outside_the_current_folder():
            ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except Exception as error:  # Ray raises errors of many classes here
        reason = f"the Ray cluster at {address} (RAY_ADDRESS) can't be used: {cause_of(error).text}"
        raise ClusterError(f"{reason}; correct RAY_ADDRESS, or unset it to render on this machine") from None


def _gpu_count_override() -> int | None:
    """Returns the number of GPUs if Ray would miscount CUDA_VISIBLE_DEVICES: none (-1), or slices of a GPU, which Ray
    doesn't know. None: Ray counts correctly."""
    entries = visible_entries(os.environ)
    if entries is None or (entries and not any(entry.startswith(SLICE) for entry in entries)):
        return None
    return len(entries)


def _dashboard_enabled() -> bool:
    """Whether the dashboard is enabled. Raises RequestError if it is but isn't installed."""
    if os.environ.get(DASHBOARD) != "1":
        return False
    try:
        import ray.dashboard.optional_deps  # noqa: F401
    except ImportError:
        raise RequestError(f"{DASHBOARD}: Ray's dashboard isn't installed; run pip install 'ray[default]'") from None
    return True


@contextmanager
def _outside_the_current_folder() -> Iterator[None]:
    """Changes the working directory while Ray starts.

    Ray puts that directory first on its workers' module path, where a `yaml.py` or `transformers/` in a user's
    repository would shadow the real package.
    """
    try:
        before = Path.cwd()
    except OSError:  # it has been deleted
        before = Path("/")
    os.chdir(sys.prefix)
    try:
        yield
    finally:
        with suppress(OSError):
            os.chdir(before)


def _start(workers: int | None, needed: tuple[str, ...], folder: str | None) -> str | None:
    """Starts a private Ray in a folder. Returns the URL of its dashboard, if enabled. Raises ClusterError."""
    import ray

    with_dashboard, gpus = _dashboard_enabled(), _gpu_count_override()
    try:
        with hidden(not_inherited(os.environ.items(), needed)), _outside_the_current_folder():
            context = ray.init(
                address="local",
                include_dashboard=with_dashboard,
                dashboard_host="127.0.0.1",
                num_cpus=max(workers or 1, available_cpus(), gpus or 0),
                num_gpus=gpus,
                object_store_memory=OBJECT_STORE_BYTES,
                log_to_driver=False,
                logging_level="ERROR",
                _temp_dir=folder,
            )
    except Exception as error:  # Ray raises errors of many classes here
        raise ClusterError(f"Ray can't be started on this machine: {cause_of(error).text}") from error
    return f"http://{context.dashboard_url}" if with_dashboard else None


@contextmanager
def ray_resources(workers: int | None, needed: tuple[str, ...] = ()) -> Iterator[Resources]:
    """Connects to Ray for the duration of the block and yields its resources.

    If Ray is already connected, it is used and left running. Without RAY_ADDRESS a private Ray is started on this
    machine; it requires a token and ends with the block or with this process. needed: prefixes of secret variables that
    workers may inherit.

    Raises ClusterError, NoFolderError, and RequestError if the dashboard is enabled but not installed.
    """
    address = os.environ.get("RAY_ADDRESS")
    if not address:
        for name, value in {**_LOCAL_ENVIRONMENT, **_token()}.items():
            os.environ.setdefault(name, value)
    import ray

    owned, dashboard = not ray.is_initialized(), None
    with ExitStack() as stack:
        if owned and address:
            _connect(address)
        elif owned:
            dashboard = _start(workers, needed, stack.enter_context(ray_folder()))
        if owned:
            stack.callback(ray.shutdown)
        total = ray.cluster_resources()
        yield Resources(int(total.get("CPU", 1)), int(total.get("GPU", 0)), dashboard)
