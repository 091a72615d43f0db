"""One run of a scheduled job: `brandpress render` in a process of its own, with a deadline."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from brandpress.pipeline.run.scheduled_jobs import ScheduledJob

HEARTBEAT_SECONDS = 30.0
POLL_SECONDS = 0.5
END_SECONDS = 300.0
"""How long a run that was asked to end may take to upload and publish what it has rendered."""


def render_command(path: Path, deliver: str | None = None, options: Sequence[str] = ()) -> list[str]:
    """Returns the command that renders a job with this Python, importing nothing from the working directory."""
    command = [sys.executable, "-P", "-m", "brandpress.pipeline.cli", "render", str(path), *options]
    return command if deliver is None else [*command, "--deliver", deliver]


def run_command(
    command: list[str],
    *,
    limit: timedelta | None,
    heartbeat: Callable[[], None],
    stopping: Callable[[], bool],
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Runs a command and returns its exit code. Raises OSError if it can't be started.

    After `limit`, or when `stopping()` becomes true, it's interrupted once, so that it publishes what is done, and
    killed five minutes later. heartbeat: called about every 30 seconds. clock: in seconds; it's never set.
    """
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
    started = beat = clock()
    interrupted: float | None = None
    try:
        while True:
            try:
                return _exit_code(process.wait(POLL_SECONDS))
            except subprocess.TimeoutExpired:
                now = clock()
            if interrupted is None and (stopping() or (limit is not None and now - started >= limit.total_seconds())):
                interrupted = now
                process.send_signal(signal.SIGINT)
            elif interrupted is not None and now - interrupted >= END_SECONDS:
                process.kill()
            if now - beat >= HEARTBEAT_SECONDS:
                beat = now
                heartbeat()
    except BaseException:
        process.kill()
        process.wait()
        raise


def _exit_code(code: int) -> int:
    """Returns the exit code as a shell would: 128 and the number of the signal that ended the process."""
    return code if code >= 0 else 128 - code


def run_scheduled(
    job: ScheduledJob,
    deliver: str | None,
    heartbeat: Callable[[], None],
    stopping: Callable[[], bool],
    options: Sequence[str] = (),
) -> int:
    """Renders a scheduled job and returns the exit code of `brandpress render`. options: further options of it."""
    command = render_command(job.path, deliver, options)
    return run_command(command, limit=job.schedule.deadline, heartbeat=heartbeat, stopping=stopping)
