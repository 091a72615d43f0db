"""Submits campaigns to a Ray cluster through its job server, and follows, lists and stops them."""

from __future__ import annotations

import logging
import re
import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from brandpress.model.errors import BrandpressError, RequestError
from brandpress.model.redaction import redacted
from brandpress.pipeline.deliver.lease import AnotherRunError
from brandpress.pipeline.render.driver.environment import hidden
from brandpress.pipeline.run.bundle import bundled, plan_digest
from brandpress.pipeline.run.job_output import JobOutput
from brandpress.pipeline.run.job_server_error import MAX_TEXT, JobServerError, error_message, one_line
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.messages import closest, quote
from brandpress.pipeline.version import TOOL

PREFIX = "brandpress-"
DIGEST_DIGITS = 12
ENDED = ("SUCCEEDED", "FAILED", "STOPPED")
POLL_SECONDS = 2.0
NOTICE_SECONDS, REPEAT_SECONDS = 10.0, 60.0
"""When to tell that a job hasn't begun, or that the server doesn't answer: for the first time, and after that."""

RECONNECT_SECONDS = 120.0
"""How long a cluster may be out of reach while its job is followed."""

QUIET_SECONDS = 30.0
"""After how long without output a new connection is made: Ray's client doesn't notice that one is lost."""

STOPPING = "asked to end"
"""The message of a job that is being stopped."""

_ADDRESS = re.compile(r"https?://[^\s/@?#]+(?:/[^\s?#]*)?")
_NUMBER = re.compile(r"-([0-9]+)")
ADDRESS_RULE = "allowed: http://HOST:8265, the address of the cluster's dashboard"


class AlreadyRunningError(AnotherRunError):
    """The same plan is at work on the cluster."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A job on the cluster. status: PENDING, RUNNING, SUCCEEDED, FAILED or STOPPED. exit_code: of `render`."""

    id: str
    campaign: str
    status: str
    started: datetime | None = None
    ended: datetime | None = None
    exit_code: int | None = None
    message: str = ""
    deliver: str = ""

    @property
    def is_over(self) -> bool:
        """Whether it has ended, however."""
        return self.status in ENDED


class JobServer:
    """The job server at `address`. Raises RequestError if that's no address, and JobServerError.

    Ray's own variables hold the token: RAY_AUTH_MODE=token with RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH.
    """

    def __init__(self, address: str) -> None:
        if not _ADDRESS.fullmatch(address):
            raise RequestError(f"--address: {quote(address)} is no address of a job server; {ADDRESS_RULE}")
        self._address = address
        self._client = self._call(self._connect)

    def submit(
        self, campaign: Campaign, options: tuple[str, ...] = (), log_options: tuple[str, ...] = ()
    ) -> Submission:
        """Submits a campaign and returns its job. options: of `brandpress render`. log_options: those about its output,
        which don't make another plan of it.

        Raises AlreadyRunningError if the same plan is at work, SpecError for a model that only this machine has, and
        RequestError if the files are too large.
        """
        digest = plan_digest(campaign, options)
        base = f"{PREFIX}{campaign.name}-{digest[:DIGEST_DIGITS]}"
        earlier = [job for job in self.jobs() if job.id == base or job.id.startswith(f"{base}-")]
        for job in earlier:
            if not job.is_over:
                raise AlreadyRunningError(_running_message(job.id, _state(job)))
        # Ray refuses an id that was used before, so of two submissions at the same time one fails.
        numbers = [int(match[1]) for job in earlier if (match := _NUMBER.fullmatch(job.id.removeprefix(base)))]
        submission_id = f"{base}-{max(numbers, default=1) + 1}" if earlier else base
        with bundled(campaign) as bundle:
            command = ["python", "-m", "brandpress.pipeline.cli", "render", bundle.job]
            command += ["--deliver", str(campaign.address), *options, *log_options]
            environment = {"working_dir": str(bundle.folder), "env_vars": bundle.variables}
            metadata = {"tool": TOOL, "campaign": campaign.name, "plan": digest, "deliver": str(campaign.address)}
            self._call(
                lambda: self._client.submit_job(
                    entrypoint=shlex.join(command),
                    submission_id=submission_id,
                    runtime_env=environment,
                    metadata=metadata,
                ),
                submission_id,
            )
        return Submission(submission_id, campaign.name, "PENDING", deliver=str(campaign.address))

    def jobs(self) -> tuple[Submission, ...]:
        """Returns the jobs that brandpress has submitted, the newest first."""
        details = [job for job in self._call(self._client.list_jobs) if (job.submission_id or "").startswith(PREFIX)]
        return tuple(sorted(map(_submission, details), key=lambda job: (job.started or _EPOCH, job.id), reverse=True))

    def job(self, submission_id: str) -> Submission:
        """Returns a job. Raises RequestError if there is none with this id."""
        jobs = {job.id: job for job in self.jobs()}
        if submission_id not in jobs:
            near = closest(submission_id, jobs)
            hint = f"; did you mean {near}?" if near else "; `brandpress jobs` lists them"
            raise RequestError(f"there is no job {quote(submission_id)} on {self._address}{hint}")
        return jobs[submission_id]

    def stop(self, submission_id: str) -> Submission:
        """Asks a job to end, and returns it, which may have ended by then. What it has rendered stays in the store."""
        job = self.job(submission_id)
        if not job.is_over:
            self._call(lambda: self._client.stop_job(submission_id))
            job = self.job(submission_id)
        return job if job.is_over else replace(job, message=STOPPING)

    def logs(self, submission_id: str) -> str:
        """Returns what a job has printed so far."""
        self.job(submission_id)
        output = JobOutput()
        return redacted(output.shown(self._call(lambda: str(self._client.get_job_logs(submission_id)))) + output.rest())

    def follow(
        self,
        submission_id: str,
        wait: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        on_pending: Callable[[str], object] = lambda reason: None,
        on_silence: Callable[[float], object] = lambda seconds: None,
    ) -> Iterator[str]:
        """Yields what a job prints until it ends. A cluster that is out of reach for two minutes is an error.

        on_pending: called after 10 seconds in which the job hasn't begun, and then once a minute, with Ray's reason.
        on_silence: called as often with the seconds since the server's last answer, while it gives none.
        """
        job, shown, lost_since = self.job(submission_id), 0, None
        output, next_notice, next_silence = JobOutput(), clock() + NOTICE_SECONDS, 0.0
        while True:
            try:
                while job.status == "PENDING":
                    if lost_since is None and clock() >= next_notice:
                        next_notice = clock() + REPEAT_SECONDS
                        on_pending(job.message)
                    wait(POLL_SECONDS)
                    job, lost_since = self.job(submission_id), None
                skip, quiet, was_over = shown, False, job.is_over
                for text in self._tail(submission_id):
                    quiet = not text
                    new, skip = text[skip:], max(0, skip - len(text))
                    shown += len(new)
                    if lines := output.shown(new):
                        yield redacted(lines)
                job = self.job(submission_id)
                if job.is_over and (was_over or not quiet):
                    if rest := output.rest():
                        yield redacted(rest)
                    return
                lost_since = None
            except JobServerError as error:
                if lost_since is None:
                    lost_since, next_silence = clock(), clock() + NOTICE_SECONDS
                elif clock() - lost_since > RECONNECT_SECONDS:
                    raise JobServerError(
                        f"{error}; the job may still be running; `brandpress logs {submission_id}` shows it when the "
                        "server is back"
                    ) from None
                elif clock() >= next_silence:
                    next_silence = clock() + REPEAT_SECONDS
                    on_silence(clock() - lost_since)
            wait(POLL_SECONDS)

    def _tail(self, submission_id: str) -> Iterator[str]:
        """Yields what a job prints, from its beginning. Ends with "" if there is nothing new for 30 seconds."""
        import asyncio

        texts = self._client.tail_job_logs(submission_id)

        async def next_text() -> str | None:
            try:
                async with asyncio.timeout(QUIET_SECONDS):
                    text: str | None = await anext(texts, None)
            except TimeoutError:
                return ""
            return text

        text: str | None = None
        with asyncio.Runner() as runner:
            while text != "" and (text := self._call(lambda: runner.run(next_text()))) is not None:
                yield text

    def _connect(self) -> Any:
        logging.getLogger("ray.dashboard").setLevel(logging.WARNING)
        from ray.job_submission import JobSubmissionClient

        for name in ("ray.dashboard.modules.job.sdk", "ray.dashboard.modules.dashboard_sdk"):
            logging.getLogger(name).setLevel(logging.ERROR)
        logging.getLogger("ray._private.runtime_env.packaging").setLevel(logging.ERROR)
        with hidden(("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS")):  # Ray would prefer them to the argument
            return JobSubmissionClient(self._address)

    def _call(self, action: Callable[[], Any], submission_id: str = "") -> Any:
        """Returns the result of a call to Ray's client, whose errors are of many classes."""
        try:
            return action()
        except (BrandpressError, KeyboardInterrupt):
            raise
        except Exception as error:
            text = one_line(str(error))
            if submission_id and "already" in text and submission_id in text:
                raise AlreadyRunningError(_running_message(submission_id)) from None
            raise JobServerError(error_message(self._address, text)) from None


_EPOCH = datetime.fromtimestamp(0, UTC)
_LOGS = ", last available logs"
"""What Ray appends to a failed job's message: the end of its output, which was shown already."""


def _running_message(submission_id: str, state: str = "") -> str:
    return (
        f"already running: this campaign was submitted as {submission_id}{state}; "
        f"`brandpress logs {submission_id} --follow` shows it, `brandpress stop {submission_id}` ends it"
    )


def _state(job: Submission) -> str:
    since = f" since {job.started.isoformat(timespec='seconds')}" if job.started else ""
    return f" and is {job.status.lower()}{since}"


def _submission(details: Any) -> Submission:
    metadata = details.metadata or {}
    return Submission(
        id=details.submission_id,
        campaign=metadata.get("campaign", ""),
        status=str(getattr(details.status, "value", details.status)),
        started=_time(details.start_time),
        ended=_time(details.end_time),
        exit_code=details.driver_exit_code,
        message=one_line((details.message or "").partition(_LOGS)[0])[:MAX_TEXT],
        deliver=metadata.get("deliver", ""),
    )


def _time(milliseconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None


def exit_code_of(job: Submission) -> int:
    """Returns the exit code of a job that has ended: that of `render`, 130 if it was stopped, otherwise 4."""
    if job.status == "STOPPED":
        return 130
    if job.exit_code is not None and job.exit_code >= 0:
        return job.exit_code
    return 0 if job.status == "SUCCEEDED" else 4
