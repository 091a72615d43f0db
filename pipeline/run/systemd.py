"""Unit files that let systemd look for due runs."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from brandpress.model.errors import RequestError
from brandpress.pipeline.run.scheduled_jobs import load_scheduled, nothing_scheduled
from brandpress.pipeline.run.scheduler import first_problem
from brandpress.pipeline.spec.delivery import parse_deliver_option
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.problem import SpecError

SERVICE, TIMER = "brandpress-schedule.service", "brandpress-schedule.timer"
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,30}|[0-9]{1,10}")


def systemd_units(paths: Sequence[Path], deliver: str | None = None, user: str | None = None) -> dict[str, str]:
    """Returns file name -> content of a service that does what is due, and of the timer that starts it.

    The timer fires every five minutes, which is often enough for every run to be on time. Credentials belong into the
    file that `EnvironmentFile=` names, which may be missing. user: who runs it; None: root. Raises RequestError if that
    can't be a user's name or number.
    """
    if user is not None and not _USER.fullmatch(user):
        raise RequestError(
            f"--user {quote(user)}: allowed: the name of a user, of letters, digits, '_', '.' and '-', or a number"
        )
    command = [sys.executable, "-P", "-m", "brandpress.pipeline.cli", "schedule", "--once"]
    command += [str(path.resolve()) for path in paths]
    if deliver is not None:
        command += ["--deliver", str(parse_deliver_option(deliver))]
    user_line = "" if user is None else f"User={user}\n"
    service = f"""[Unit]
Description=Render the brandpress campaigns that are due
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
{user_line}ExecStart={" ".join(map(_quoted, command))}
EnvironmentFile=-/etc/brandpress/environment
KillMode=mixed
KillSignal=SIGINT
TimeoutStopSec=360
"""
    timer = """[Unit]
Description=Look for brandpress campaigns that are due

[Timer]
OnCalendar=*:0/5
AccuracySec=1s
Persistent=true

[Install]
WantedBy=timers.target
"""
    return {SERVICE: service, TIMER: timer}


def unit_warnings(paths: Sequence[Path], deliver: str | None = None, user: str | None = None) -> tuple[str, ...]:
    """Returns what is odd about units for these jobs: nothing is scheduled, or this machine doesn't have the user.

    Raises SpecError with the mistakes that `schedule --list` shows, also for a path that doesn't exist.
    """
    scheduled = load_scheduled(paths, deliver)
    of_jobs = [problem for job in scheduled.jobs if (problem := first_problem(job.path)) is not None]
    if problems := [*scheduled.problems, *of_jobs]:
        raise SpecError(problems)
    warnings = [] if scheduled.jobs else [nothing_scheduled(paths, scheduled.others)]
    if user is not None and not _has_user(user):
        warnings.append(f"warning: --user {quote(user)}: this machine has no such user, so the units fail on it")
    return tuple(warnings)


def _has_user(user: str) -> bool:
    """Whether this machine has a user of this name. A number needs none."""
    try:
        import pwd
    except ImportError:  # Windows
        return True
    try:
        return user.isdigit() or pwd.getpwnam(user) is not None
    except KeyError:
        return False


def _quoted(word: str) -> str:
    """Returns a word of `ExecStart=`: in quotes, with systemd's specifiers, variables and escapes taken literally."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if escaped != word or not word or any(c in word for c in " '\t;") else word
