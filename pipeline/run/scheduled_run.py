"""One run of a scheduled job: `brandpress render` in a process of its own, with a deadline."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from brandpress.pipeline.run.scheduled_jobs import ScheduledJob

HEARTBEAT_SECONDS = 30.0
POLL_SECONDS = 0.5
END_TIME = timedelta(minutes=5)
"""How long a run that was asked to end may take to upload and publish what it has rendered."""

Clock = Callable[[], datetime]


def render_command(path: Path, deliver: str | None = None, options: Sequence[str] = ()) -> list[str]:
    """Returns the command that renders a job with this Python, importing nothing from the working directory."""
    command = [sys.executable, "-P", "-m", "brandpress.pipeline.cli", "render", str(path), *options]
    return command if deliver is None else [*command, "--deliver", deliver]


def run_command(
    command: list[str],
    *,
    limit: timedelta | None,
    clock: Clock,
    heartbeat: Callable[[], None],
    stopping: Callable[[], bool],
) -> int:
    """Runs a command and returns its exit code.

    After `limit`, or when `stopping()` becomes true, it's interrupted once, so that it publishes what is done, and
    killed five minutes later. heartbeat: called about every 30 seconds.
    """
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
    started = beat = clock()
    asked: datetime | None = None
    try:
        while True:
            try:
                return _exit_code(process.wait(POLL_SECONDS))
            except subprocess.TimeoutExpired:
                now = clock()
            if asked is None and (stopping() or (limit is not None and now >= started + limit)):
                asked = now
                process.send_signal(signal.SIGINT)
            elif asked is not None and now >= asked + END_TIME:
                process.kill()
            if now >= beat + timedelta(seconds=HEARTBEAT_SECONDS):
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
    clock: Clock,
    heartbeat: Callable[[], None],
    stopping: Callable[[], bool],
    options: Sequence[str] = (),
) -> int:
    """Renders a scheduled job and returns the exit code of `brandpress render`. options: further options of it."""
    command = render_command(job.path, deliver, options)
    return run_command(command, limit=job.schedule.deadline, clock=clock, heartbeat=heartbeat, stopping=stopping)
