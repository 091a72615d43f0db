"""Tells the address in a job's `on_finish:` how its run ended, whatever the end was."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from brandpress.model.errors import BrandpressError
from brandpress.pipeline.plan.saved_plan import is_saved_plan, job_of, read_saved_plan
from brandpress.pipeline.render.cause import cause_of
from brandpress.pipeline.run.webhook import TOTAL_SECONDS, WebhookError, require_sendable, send
from brandpress.pipeline.spec.campaign import Job
from brandpress.pipeline.spec.on_finish import Result, Webhook, webhook_of
from brandpress.pipeline.spec.schema import validate_fields
from brandpress.pipeline.spec.yaml_file import read_yaml

SCHEMA = "brandpress.finished/1"
EVENT = "run.finished"
MAX_FAILURES = 20
"""Failed pictures in a message; the outcome counts all."""

INTERRUPTED_SECONDS = 15.0
"""How long a run that was interrupted may try to send its message."""

RESULTS: dict[int, Result] = {0: "done", 1: "failed", 3: "incomplete", 4: "failed", 130: "interrupted"}
"""Exit code -> result. Others are no end of a run, such as 5: another run is at work."""


@dataclass
class FinishNotice:
    """What the message will say. Without `finished` and without an error, none is sent.

    exit_code: of the command. outcome: as `render --json` prints it, None if the run ended with an error.
    """

    exit_code: int | None = None
    outcome: dict[str, Any] | None = None

    def finished(self, outcome: dict[str, Any], exit_code: int) -> None:
        """The run has ended with an outcome."""
        self.outcome, self.exit_code = outcome, exit_code


@contextmanager
def finish_notice(
    file: Path, exit_code_of: Callable[[BaseException], int], warn: Callable[[str], None]
) -> Iterator[FinishNotice]:
    """Sends the message of a job, or of a saved plan, when the block ends, also with an error.

    exit_code_of: returns the exit code for an error. warn: receives why a message can't be sent, first when the block
    begins. A message that can't be sent changes nothing else.
    """
    notice, started, start = FinishNotice(), datetime.now(UTC), time.monotonic()
    hook = _hook_of(file)
    if hook is None:
        yield notice
        return
    error_text = None
    try:
        require_sendable(hook.webhook)
    except WebhookError as error:
        warn(str(error))
    try:
        yield notice
    except BaseException as error:
        notice.outcome, notice.exit_code, error_text = None, exit_code_of(error), cause_of(error).text
        raise
    finally:
        result = None if notice.exit_code is None else RESULTS.get(notice.exit_code)
        if result in hook.webhook.results:
            message = {
                "schema": SCHEMA,
                "type": EVENT,
                "timestamp": _text(datetime.now(UTC)),
                "result": result,
                "exit_code": notice.exit_code,
                "campaign": hook.campaign,
                "job": hook.job,
                "started": _text(started),
                "seconds": round(time.monotonic() - start, 3),
                "error": error_text,
                "outcome": _shortened(notice.outcome),
            }
            _send(hook.webhook, message, INTERRUPTED_SECONDS if result == "interrupted" else TOTAL_SECONDS, warn)


@dataclass(frozen=True, slots=True)
class _Hook:
    """A job's webhook, its campaign's name if it's valid, and the name of its file."""

    webhook: Webhook
    campaign: str | None
    job: str


def _hook_of(file: Path) -> _Hook | None:
    """Returns the webhook of a job even if other fields of its file are wrong; None if it has none that is valid."""
    try:
        job = job_of(read_saved_plan(file), file) if is_saved_plan(file) else file
        values = validate_fields(read_yaml(job), Job).values
    except BrandpressError:  # the command itself reports it
        return None
    webhook = webhook_of(values.get("on_finish"))
    return None if webhook is None else _Hook(webhook, values.get("name"), job.name)


def _send(webhook: Webhook, message: dict[str, Any], seconds: float, warn: Callable[[str], None]) -> None:
    body = json.dumps(message, separators=(",", ":")).encode()
    try:
        send(webhook, f"msg_{uuid4().hex}", body, seconds=seconds)
    except WebhookError as error:
        warn(str(error))
    except KeyboardInterrupt:
        warn("on_finish: interrupted, so that the message may not have been sent")
    except Exception as error:  # whatever it is, the run has ended as it has
        warn(f"on_finish: {cause_of(error).text}")


def _shortened(outcome: dict[str, Any] | None) -> dict[str, Any] | None:
    if outcome is None:
        return None
    return {name: value[:MAX_FAILURES] if isinstance(value, list) else value for name, value in outcome.items()}


def _text(time: datetime) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")
