"""The Ray cluster of a run: the one at RAY_ADDRESS, or a private one on this machine, closed to the network."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from brandpress.model.errors import BrandpressError, RequestError
from brandpress.model.memory.gpus import SLICE, visible_entries
from brandpress.pipeline.cpus import available_cpus
from brandpress.pipeline.render.cause import cause_of
from brandpress.pipeline.render.driver.environment import hidden, not_inherited
from brandpress.pipeline.render.driver.placement import Demand, Node
from brandpress.pipeline.render.driver.ray_address import AUTO, cluster_address
from brandpress.pipeline.render.driver.ray_folder import ray_folder

CONNECT_SECONDS = 5.0
OBJECT_STORE_BYTES = 100 * 2**20
REMOVAL_SECONDS = 3.0
"""How long a private Ray's folder is removed again, because processes that end may still write there."""

DASHBOARD = "BRANDPRESS_RAY_DASHBOARD"
"""Environment variable; 1 enables the dashboard of a private Ray on 127.0.0.1."""

METRICS_PORT = "BRANDPRESS_METRICS_PORT"
"""Environment variable: the port of 127.0.0.1 where a private Ray's metrics are read; default: one that Ray chooses."""

_LOCAL_ENVIRONMENT = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray binds its ports to 127.0.0.1 only if it believes that clusters are disabled. Read when ray is imported.
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # On a busy machine, Ray's default of 15 would leave a worker a thirtieth of a core.
    "RAY_worker_niceness": "0",
    # OpenMP's threads would spin while they wait for one that other processes have displaced.
    "OMP_WAIT_POLICY": "PASSIVE",
    # On a busy machine, 30 s aren't enough for Ray's processes to start.
    "RAY_raylet_start_wait_time_s": "180",
}


class ClusterError(BrandpressError):
    """Ray can't be reached or refuses the connection."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What a cluster offers to workers now.

    dashboard: the URL of Ray's dashboard, if enabled. nodes: the machines. shared: it's the cluster at RAY_ADDRESS,
    whose nodes may come and go, not a private Ray on this machine.
    """

    cpus: int
    gpus: int
    dashboard: str | None = None
    nodes: tuple[Node, ...] = ()
    shared: bool = False

    @property
    def machines(self) -> tuple[Node, ...]:
        """The nodes; if they aren't known, one node with everything."""
        return self.nodes or (Node(self.cpus, self.gpus),)


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

    from brandpress.pipeline.render.driver.ray_errors import one_line

    host, _, port = address.rpartition(":")
    try:
        if address != AUTO:
            socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
        with _outside_the_current_folder():
            ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except Exception as error:  # Ray raises errors of many classes here
        text = f"{type(error).__name__}: {error}"
        if "any running Ray instance" in text or "No cluster" in text:
            text = "no Ray runs on this machine"
        reason = f"the Ray cluster at {address} (RAY_ADDRESS) can't be used: {one_line(text)}"
        raise ClusterError(f"{reason}; correct RAY_ADDRESS, or unset it to render on this machine") from None


def current_resources(dashboard: str | None = None) -> Resources:
    """Returns what the connected Ray offers now."""
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return Resources(
        cpus=int(sum(node.get("CPU", 0) for node in nodes)),
        gpus=int(sum(node.get("GPU", 0) for node in nodes)),
        dashboard=dashboard,
        nodes=tuple(Node(node.get("CPU", 0.0), node.get("GPU", 0.0)) for node in nodes),
        shared=cluster_address() is not None,
    )


def free_amount(resource: str) -> float:
    """Returns how much of a resource (`CPU`, `GPU`) nobody uses on the connected Ray."""
    import ray

    return float(ray.available_resources().get(resource, 0.0))


@contextmanager
def autoscaler_request(demand: Demand, workers: int) -> Iterator[None]:
    """Asks the cluster's autoscaler for room for this many workers during the block; no effect without one."""
    from ray.autoscaler.sdk import request_resources

    with suppress(Exception):  # the pending workers ask, too; this only makes the nodes start together
        request_resources(bundles=[demand.bundle()] * workers)
    try:
        yield
    finally:
        with suppress(Exception):
            request_resources(bundles=[])


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


def metrics_port() -> int | None:
    """Returns the port for metrics; None: Ray chooses one. Raises RequestError if it can't be used."""
    text = os.environ.get(METRICS_PORT, "")
    if not text:
        return None
    if not text.isdecimal() or not 1024 <= int(text) <= 65535:
        raise RequestError(f"{METRICS_PORT}: {text!r} is no port; allowed: 1024 to 65535")
    try:
        import ray.dashboard.optional_deps  # noqa: F401
    except ImportError:
        raise RequestError(f"{METRICS_PORT}: Ray's agent isn't installed; run pip install 'ray[default]'") from None
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(text)))
        except OSError as error:
            raise RequestError(f"{METRICS_PORT}: the port {text} can't be used: {error.strerror}") from None
    return int(text)


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


def _start(workers: int | None, needed: tuple[str, ...], folder: str) -> tuple[str | None, Path]:
    """Starts a private Ray in a folder. Returns the URL of its dashboard, if enabled, and the folder of its session.

    Raises ClusterError.
    """
    import ray

    with_dashboard, gpus, port = _dashboard_enabled(), _gpu_count_override(), metrics_port()
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
                _metrics_export_port=port,
            )
    except Exception as error:  # Ray raises errors of many classes here
        text = cause_of(error).text
        advice = "; the machine is busy, try again when it has less to do" if "timed out" in text else ""
        raise ClusterError(f"Ray can't be started on this machine: {text}{advice}") from error
    dashboard = f"http://{context.dashboard_url}" if with_dashboard else None
    return dashboard, Path(context.address_info["session_dir"])


@contextmanager
def ray_resources(workers: int | None, needed: tuple[str, ...] = ()) -> Iterator[Resources]:
    """Connects to Ray for the duration of the block and yields its resources.

    If Ray is already connected, it is used and left running. Without RAY_ADDRESS a private Ray is started on this
    machine; it requires a token and ends with the block or with this process, and its temporary files with the block.
    needed: prefixes of secret variables that workers may inherit.

    Raises ClusterError, NoFolderError, and RequestError if RAY_ADDRESS has no usable form, or if the dashboard is
    enabled but not installed.
    """
    address = cluster_address()
    if not address:
        for name, value in {**_LOCAL_ENVIRONMENT, **_token()}.items():
            os.environ.setdefault(name, value)
    import ray

    owned = not ray.is_initialized()
    dashboard: str | None = None
    with ExitStack() as stack:
        if owned and address:
            _connect(address)
        elif owned:
            dashboard, session = _start(workers, needed, stack.enter_context(ray_folder()))
            stack.callback(_remove_session, session)
        if owned:
            stack.callback(ray.shutdown)
        yield current_resources(dashboard)


def _remove_session(session: Path) -> None:
    """Removes the folder of a private Ray that has ended, with its logs and sockets, and the link to it."""
    deadline = time.monotonic() + REMOVAL_SECONDS
    while session.exists() and time.monotonic() < deadline:
        rmtree(session, ignore_errors=True)
        time.sleep(0.05)
    latest = session.parent / "session_latest"
    if latest.is_symlink() and latest.readlink().name == session.name:
        with suppress(OSError):
            latest.unlink()
