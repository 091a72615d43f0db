"""Errors of tokenizers, whose files are strangers'. No torch here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from brandpress.model.errors import CheckpointError


@contextmanager
def tokenizer_errors(place: str | Path, what: str) -> Iterator[None]:
    """Raises CheckpointError, `PLACE: WHAT: reason`, for whatever the tokenizer library raises.

    The library's bare exceptions, and the panics of its Rust code, which aren't even instances of Exception.
    """
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{place}: {what}: {reason}") from error
