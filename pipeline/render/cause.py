"""An exception in one short line and the way that it took, for records and people."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from traceback import clear_frames, walk_tb

from brandpress.model.errors import BrandpressError

LONGEST = 300
MOST_FRAMES = 30
_USER_INFO = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY = re.compile(r"(://[^\s?]*)\?\S*")
_NO_MEMORY = re.compile(r"out of memory|can(?:'t|not) allocate memory|alloc(?:ation)?_failed", re.IGNORECASE)

_DEVICE_LOST = re.compile(
    r"(?:CUDA|HIP|CUDA driver|cuDNN|NCCL) error|cudaError|CUBLAS_STATUS|CUDNN_STATUS|illegal memory access"
    r"|illegal instruction|misaligned address|hardware stack error|invalid program counter|launch timed out"
    r"|unspecified launch failure|device-side assert|uncorrectable|\bXid\b",
    re.IGNORECASE,
)
_OF_ONE_CALL = re.compile(
    r"invalid (?:configuration )?argument|STATUS_(?:NOT_SUPPORTED|INVALID_VALUE|BAD_PARAM|ARCH_MISMATCH)", re.IGNORECASE
)
"""What CUDA and its libraries refuse of one call: the process may go on."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What went wrong, in a line. traceback: `module:line function`, a line each, the innermost last; it names code
    and never values, which may be secrets."""

    text: str
    traceback: str | None = None


def cause_of(error: BaseException) -> Cause:
    """What went wrong, in at most 300 characters: our own errors as they read, others with their kind in front.

    Passwords and queries of addresses are cut out: they may be secrets.
    """
    lines = str(error).strip().splitlines()
    text = lines[0].strip() if lines else ""
    if not isinstance(error, BrandpressError):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    text = _QUERY.sub(r"\1", _USER_INFO.sub("", text))
    return Cause(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…", _way(error))


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device or this machine had no memory left: of torch, whose errors for it have no common class, too."""
    torchs = isinstance(error, RuntimeError) and _NO_MEMORY.search(str(error)) is not None
    return isinstance(error, MemoryError) or torchs


def is_device_lost(error: BaseException) -> bool:
    """Whether nothing more can be computed on the device by this process: an illegal access, a failed assertion or a
    broken card spoils all that a process does on it afterwards. Running out of memory doesn't."""
    return not is_out_of_memory(error) and any(map(_spoils, _chain(error)))


def _spoils(error: BaseException) -> bool:
    text = str(error)
    found = isinstance(error, RuntimeError) and (
        type(error).__name__ == "AcceleratorError" or _DEVICE_LOST.search(text)
    )
    return bool(found) and not is_out_of_memory(error) and _OF_ONE_CALL.search(text) is None


def take_cause(error: BaseException) -> Cause:
    """The cause, with the error's frames cleared: they hold the tensors of the attempt that failed for as long as
    anything holds the error."""
    cause = cause_of(error)
    for one in _chain(error):
        clear_frames(one.__traceback__)
    return cause


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, and those that it was raised from or while handling."""
    pending, seen = [error], set[int]()
    while pending:
        one = pending.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            pending += [other for other in (one.__cause__, one.__context__) if other is not None]


def _way(error: BaseException) -> str | None:
    frames = deque(walk_tb(error.__traceback__), maxlen=MOST_FRAMES)
    way = (f"{frame.f_globals.get('__name__', '?')}:{line} {frame.f_code.co_name}" for frame, line in frames)
    return "\n".join(way) or None
