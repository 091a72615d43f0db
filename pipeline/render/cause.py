"""Short, secret-free descriptions of exceptions, and which exceptions mean lost memory or a lost device."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from traceback import clear_frames, walk_tb

from brandpress.model.errors import BrandpressError, UnusablePictureError, WeightsChangedError
from brandpress.model.redaction import redacted

MAX_CHARACTERS = 300
MAX_FRAMES = 30
_QUERY = re.compile(r"(://[^\s?]*)\?\S*")
_OUT_OF_MEMORY = re.compile(r"out of memory|can(?:'t|not) allocate memory|alloc(?:ation)?_failed", re.IGNORECASE)

_DEVICE_LOST = re.compile(
    r"(?:CUDA|HIP|CUDA driver|cuDNN|NCCL) error|cudaError|CUBLAS_STATUS|CUDNN_STATUS|illegal memory access"
    r"|illegal instruction|misaligned address|hardware stack error|invalid program counter|launch timed out"
    r"|unspecified launch failure|device-side assert|uncorrectable|\bXid\b",
    re.IGNORECASE,
)
_REJECTED_CALL = re.compile(
    r"invalid (?:configuration )?argument|STATUS_(?:NOT_SUPPORTED|INVALID_VALUE|BAD_PARAM|ARCH_MISMATCH)", re.IGNORECASE
)
"""Errors of CUDA and its libraries that concern a single call: the process can continue."""


@dataclass(frozen=True, slots=True)
class Cause:
    """An error as one line of text.

    traceback: `module:line function`, one frame per line, the innermost last. It holds no values, which may be secret.
    unusable: the model returned something that is no picture.
    """

    text: str
    traceback: str | None = None
    unusable: bool = False


def cause_of(error: BaseException) -> Cause:
    """Returns the error's first line, at most 300 characters; errors that aren't ours are prefixed with their class.

    What looks like a credential, and the query strings of URLs, is removed because it may be secret. What UTF-8 can't
    encode, such as a byte of a file name that isn't UTF-8, is escaped.
    """
    lines = str(error).strip().splitlines()
    text = lines[0].strip() if lines else ""
    if not isinstance(error, BrandpressError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    text = redacted(_QUERY.sub(r"\1", text)).encode("utf-8", "backslashreplace").decode()
    text = text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1] + "…"
    return Cause(text, _frames(error), isinstance(error, UnusablePictureError))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device or this machine ran out of memory. Torch has no common class for it, so texts decide."""
    from_torch = isinstance(error, RuntimeError) and _OUT_OF_MEMORY.search(str(error)) is not None
    return isinstance(error, MemoryError) or from_torch


def is_device_lost(error: BaseException) -> bool:
    """Whether this process can no longer use its device, or its model.

    After an illegal access, a failed assertion or a hardware fault, every later call of the process fails. So does a
    model whose files have changed. Running out of memory doesn't count.
    """
    return not is_out_of_memory(error) and any(map(_means_device_lost, _chain(error)))


def _means_device_lost(error: BaseException) -> bool:
    if isinstance(error, WeightsChangedError):
        return True
    text = str(error)
    matches = isinstance(error, RuntimeError) and (
        type(error).__name__ == "AcceleratorError" or _DEVICE_LOST.search(text)
    )
    return bool(matches) and not is_out_of_memory(error) and _REJECTED_CALL.search(text) is None


def take_cause(error: BaseException) -> Cause:
    """Returns the error's cause and clears its frames, which would keep the failed attempt's tensors alive."""
    cause = cause_of(error)
    for linked in _chain(error):
        clear_frames(linked.__traceback__)
    return cause


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and, transitively, its `__cause__` and `__context__`."""
    pending, visited = [error], set[int]()
    while pending:
        current = pending.pop()
        if id(current) not in visited:
            visited.add(id(current))
            yield current
            pending += [linked for linked in (current.__cause__, current.__context__) if linked is not None]


def _frames(error: BaseException) -> str | None:
    frames = deque(walk_tb(error.__traceback__), maxlen=MAX_FRAMES)
    lines = (f"{frame.f_globals.get('__name__', '?')}:{line} {frame.f_code.co_name}" for frame, line in frames)
    return "\n".join(lines) or None
