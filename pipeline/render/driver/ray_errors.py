"""What Ray knows of a lost worker, or of a cluster that it can't use, as one line of text."""

from __future__ import annotations

import re

from ray.exceptions import (
    ActorDiedError,
    ActorUnschedulableError,
    OutOfMemoryError,
    RayError,
    RaySystemError,
    RayTaskError,
    RuntimeEnvSetupError,
)

from brandpress.model.errors import BrandpressError
from brandpress.pipeline.render.cause import MAX_CHARACTERS, cause_of
from brandpress.pipeline.version import VERSION

DIED = "its process died"
OUT_OF_MEMORY = "its node ran out of memory"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ADDRESS = re.compile(r"\bip=([^\s,)]+)")
_MISSING_MODULE = re.compile(r"No module named '([^']+)'")
_EXCEPTION = re.compile(r"(?:\w+\.)*\w*(?:Error|Exception|Exit|Interrupt)\b: *\S")
_DETAIL = re.compile(r"Worker exit detail: *(.+)", re.DOTALL)
_UNSPECIFIC = re.compile(
    r"connection error code|connection reset|exit code|some common causes|worker process has died", re.IGNORECASE
)
"""What Ray says of any process that ended without telling it why."""


def loss_text(error: RayError) -> str:
    """Returns why a worker is lost: the cause that Ray passes on, or "its process died" if Ray knows none."""
    text = _COLOUR.sub("", str(error))
    if isinstance(error, OutOfMemoryError) or "OOM" in type(error).__name__:
        return OUT_OF_MEMORY
    cause = getattr(error, "cause", None)
    if isinstance(error, RayTaskError) and isinstance(cause, Exception) and not isinstance(cause, RayError):
        return _with_hint(cause_of(cause).text, text)
    if isinstance(error, ActorDiedError) and not error.actor_init_failed:
        return _death_text(text)
    if isinstance(error, ActorDiedError | RayTaskError | RaySystemError):
        return _with_hint(_exception_line(text), text)
    if isinstance(error, RuntimeEnvSetupError):
        return f"Ray couldn't set up the worker's environment: {_exception_line(text)}"
    if isinstance(error, ActorUnschedulableError):
        return one_line(text)
    return DIED


def is_missing_module(error: RayError) -> bool:
    """Whether a worker's node lacks a Python module, so that every worker there fails the same way."""
    return _MISSING_MODULE.search(str(error)) is not None


def one_line(text: str) -> str:
    """Returns a text of several lines as one, without credentials, cut after at most 300 characters at a word."""
    joined = " ".join(cause_of(BrandpressError(word)).text for word in _COLOUR.sub("", text).split())
    if len(joined) > MAX_CHARACTERS:
        joined = joined[: MAX_CHARACTERS - 1].rsplit(" ", 1)[0] + "…"
    return joined


def _death_text(text: str) -> str:
    """The cause of a process's end that is no exception of ours."""
    if "out of memory" in text.lower() or "OOM" in text:
        oom_guess = "some common causes" in text.lower()  # Ray lists the OOM killer for every unexplained end
        if not oom_guess:
            return OUT_OF_MEMORY
    detail = _DETAIL.search(text)
    if detail is None:
        lines = [line for line in text.splitlines()[1:] if line and not line.startswith("\t")]
        reason = one_line(" ".join(lines))
    else:
        reason = one_line(detail[1])
    return DIED if not reason or _UNSPECIFIC.search(reason) else f"{DIED}: {reason}"


def _with_hint(reason: str, text: str) -> str:
    """Adds the node and what to install there to an error raised before or outside the worker's own code."""
    address = _ADDRESS.search(text)
    where = f"node {address[1]}" if address else "its node"
    missing = _MISSING_MODULE.search(text)
    if missing is not None:
        module = missing[1]
        name = module.partition(".")[0]
        package = f"brandpress {VERSION}, the version of this machine" if name == "brandpress" else name
        return f"No module named '{module}' on {where}: install {package}, in the Python that runs Ray there"
    if "brandpress" in reason:
        return f"{reason} (on {where}; it needs brandpress {VERSION}, the version of this machine)"
    return f"{reason} (on {where})" if address else reason


def _exception_line(text: str) -> str:
    """The last line of a traceback that names an exception; without one, the last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    named = [line for line in lines if _EXCEPTION.match(line)]
    return one_line((named or lines or [DIED])[-1])
