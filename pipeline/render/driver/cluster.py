"""The Ray that a run uses: the cluster in RAY_ADDRESS, else one of its own on this machine, closed to the network."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, chdir, contextmanager
from dataclasses import dataclass

from brandpress.model.errors import BrandpressError, RequestError
from brandpress.model.memory.gpus import SLICE, visible_entries
from brandpress.pipeline.render.cause import cause_of
from brandpress.pipeline.render.driver.environment import hidden, secrets_in

ANSWERS_SECONDS = 5.0
OBJECT_STORE_BYTES = 100 * 2**20
DASHBOARD = "BRANDPRESS_RAY_DASHBOARD"
"""A variable: set to 1, our own Ray has its dashboard, on 127.0.0.1."""

_LOCAL_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray binds its ports to 127.0.0.1 only where it takes clusters to be switched off. Read when ray is imported.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


class ClusterError(BrandpressError):
    """Ray can't be reached or doesn't let us in."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What there is to run workers on. dashboard: where it can be looked at, if one was asked for."""

    cpus: int
    gpus: int
    dashboard: str | None = None


def available_cpus() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _token() -> dict[str, str]:
    """A token for our own Ray, which reads it once in a process's life. Once it's imported it can't be told any more to
    ask for one, but does so by itself from 2.59 on."""
    mode = {} if "ray" in sys.modules else {"RAY_AUTH_MODE": "token"}
    return {**mode, "RAY_AUTH_TOKEN": secrets.token_hex(32)}


def _connect(address: str) -> None:
    """Raises ClusterError; at once where nobody answers, which Ray itself takes minutes for."""
    import ray

    host, _, port = address.rpartition(":")
    try:
        if host and "/" not in host and port.isdecimal():
            socket.create_connection((host.strip("[]"), int(port)), ANSWERS_SECONDS).close()
        with _outside_the_current_folder():
            ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except Exception as error:  # of many kinds
        why = f"the Ray cluster at {address} (RAY_ADDRESS) can't be used: {cause_of(error).text}"
        raise ClusterError(f"{why}; correct it, or unset it to render on this machine") from None


def _named_gpus() -> int | None:
    """How many GPUs Ray is told that there are, where CUDA_VISIBLE_DEVICES names what it counts wrong: none (-1), or
    slices of a GPU, of which it knows nothing. None: it may count them."""
    entries = visible_entries(os.environ)
    if entries is None or (entries and not any(entry.startswith(SLICE) for entry in entries)):
        return None
    return len(entries)


def _dashboard_asked() -> bool:
    """Raises RequestError if the dashboard is asked for and isn't installed."""
    if os.environ.get(DASHBOARD) != "1":
        return False
    try:
        import ray.dashboard.optional_deps  # noqa: F401
    except ImportError:
        raise RequestError(f"{DASHBOARD}: Ray's dashboard isn't installed (pip install 'ray[default]')") from None
    return True


def _outside_the_current_folder() -> AbstractContextManager[None]:
    """Ray puts the folder in which it is initialised first on its workers' module path: a `yaml.py` or `transformers/`
    in a user's repository would then be imported in place of the real package."""
    return chdir(sys.prefix)


@contextmanager
def ray_resources(workers: int | None, needed: tuple[str, ...] = ()) -> Iterator[Resources]:
    """Ray, connected for as long as the block runs, and what it has.

    A Ray that is connected already is used and left as it is. Without RAY_ADDRESS one is started on this machine, which
    is found by nobody else, asks whoever connects for a token, and ends with the block or with this process. needed:
    how the names of the variables begin that its workers need of this process's secrets.

    Raises ClusterError, and RequestError for a dashboard that isn't installed.
    """
    address = os.environ.get("RAY_ADDRESS")
    if not address:
        for name, value in {**_LOCAL_ENVIRONMENT, **_token()}.items():
            os.environ.setdefault(name, value)
    import ray

    ours, dashboard = not ray.is_initialized(), None
    if ours and address:
        _connect(address)
    elif ours:
        asked, gpus = _dashboard_asked(), _named_gpus()
        with hidden(secrets_in(os.environ.items(), needed)), _outside_the_current_folder():
            context = ray.init(
                address="local",
                include_dashboard=asked,
                dashboard_host="127.0.0.1",
                num_cpus=max(workers or 1, available_cpus(), gpus or 0),
                num_gpus=gpus,
                object_store_memory=OBJECT_STORE_BYTES,
                log_to_driver=False,
                logging_level="ERROR",
            )
        dashboard = f"http://{context.dashboard_url}" if asked else None
    try:
        total = ray.cluster_resources()
        yield Resources(int(total.get("CPU", 1)), int(total.get("GPU", 0)), dashboard)
    finally:
        if ours:
            ray.shutdown()
