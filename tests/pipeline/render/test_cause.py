"""Causes are short, name the kind of error, and hold no secrets."""

from __future__ import annotations

import re

import pytest
import torch

from model.errors import RequestError
from pipeline.render.cause import LONGEST, MOST_FRAMES, cause_of, is_out_of_memory


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
    assert cause_of(error).text.startswith(cause)
    assert "hush" not in cause_of(error).text
    assert cause_of(error).traceback is None


def test_a_long_text_is_cut() -> None:
    assert len(cause_of(ValueError("x" * 10_000)).text) == LONGEST


def raise_below(depth: int, secret: str) -> None:
    if depth:
        raise_below(depth - 1, secret)
    raise KeyError(secret)


@pytest.mark.parametrize(("depth", "frames"), [(0, 2), (3, 5), (100, MOST_FRAMES)])
def test_a_traceback_names_code_and_no_values(depth: int, frames: int) -> None:
    with pytest.raises(KeyError) as caught:
        raise_below(depth, "hush")
    told = cause_of(caught.value).traceback
    assert told is not None
    lines = told.splitlines()
    assert len(lines) == frames
    assert re.fullmatch(r"tests\.pipeline\.render\.test_cause:\d+ raise_below", lines[-1])
    assert "hush" not in told
    assert "/" not in told


@pytest.mark.parametrize(
    ("error", "out_of_memory"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (OSError("out of memory cards"), False),
    ],
)
def test_what_is_out_of_memory(error: Exception, out_of_memory: bool) -> None:
    assert is_out_of_memory(error) == out_of_memory
