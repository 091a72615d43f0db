"""Causes are short, name the kind of error, and hold no secrets."""

from __future__ import annotations

import pytest

from model.errors import RequestError
from pipeline.render.cause import LONGEST, cause_of


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (RequestError("size 1x1: too small"), "size 1x1: too small"),
        (RuntimeError("it broke\nat line 7"), "RuntimeError: it broke"),
        (MemoryError(), "MemoryError"),
        (OSError("https://me:hush@host/a.png failed"), "OSError: https://host/a.png failed"),
        (OSError("GET https://host/a.png?X-Amz-Signature=hush: 403"), "OSError: GET https://host/a.png"),
    ],
)
def test_causes(error: Exception, cause: str) -> None:
    assert cause_of(error).startswith(cause)
    assert "hush" not in cause_of(error)


def test_a_long_text_is_cut() -> None:
    assert len(cause_of(ValueError("x" * 10_000))) == LONGEST
