"""stdout and stderr that take any text, whatever their encoding."""

from __future__ import annotations

import codecs
import os
import sys
from contextlib import suppress
from io import TextIOWrapper


def accept_any_text() -> None:
    """Makes stdout and stderr escape the characters that their encoding doesn't have, instead of raising."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def is_unicode() -> bool:
    """Whether stdout's encoding has all characters."""
    try:
        return codecs.lookup(sys.stdout.encoding or "utf-8").name.startswith("utf")
    except (LookupError, AttributeError):
        return True


def has_keyboard() -> bool:
    """Whether stderr is a terminal, where somebody may press Ctrl-C."""
    return sys.stderr.isatty()


def discard_stdout() -> None:
    """Keeps Python from complaining when it flushes stdout at exit, after its reader has gone."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
