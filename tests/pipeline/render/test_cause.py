"""Causes are short, name the class of error, and hold no secrets."""

from __future__ import annotations

import re
from traceback import walk_tb

import pytest
import torch

from brandpress.model.errors import RequestError, UnusablePictureError
from brandpress.pipeline.render.cause import (
    MAX_CHARACTERS,
    MAX_FRAMES,
    cause_of,
    is_device_lost,
    is_out_of_memory,
    take_cause,
)


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
def test_the_cause_is_the_first_line_without_secrets(error: Exception, cause: str) -> None:
    assert cause_of(error).text.startswith(cause)
    assert "hush" not in cause_of(error).text
    assert cause_of(error).traceback is None


def test_a_long_text_is_cut() -> None:
    assert len(cause_of(ValueError("x" * 10_000)).text) == MAX_CHARACTERS


def test_a_file_name_that_is_not_utf_8_can_be_written() -> None:
    assert cause_of(RequestError("no file a\udcff.png")).text == "no file a\\udcff.png"


def raise_below(depth: int, secret: str) -> None:
    if depth:
        raise_below(depth - 1, secret)
    raise KeyError(secret)


@pytest.mark.parametrize(("depth", "frames"), [(0, 2), (3, 5), (100, MAX_FRAMES)])
def test_a_traceback_names_code_and_no_values(depth: int, frames: int) -> None:
    with pytest.raises(KeyError) as caught:
        raise_below(depth, "hush")
    traceback = cause_of(caught.value).traceback
    assert traceback is not None
    lines = traceback.splitlines()
    assert len(lines) == frames
    assert re.fullmatch(r"tests\.pipeline\.render\.test_cause:\d+ raise_below", lines[-1])
    assert "hush" not in traceback
    assert "/" not in traceback


@pytest.mark.parametrize(
    ("error", "out_of_memory"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED"), True),
        (RuntimeError("Triton Error [CUDA]: out of memory"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (OSError("out of memory cards"), False),
    ],
)
def test_is_out_of_memory(error: Exception, out_of_memory: bool) -> None:
    assert is_out_of_memory(error) == out_of_memory


def accelerator_error(text: str) -> Exception:
    """An error as torch raises it; its constructor takes no error code."""
    return torch.AcceleratorError(text)


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (accelerator_error("CUDA error: an illegal memory access was encountered\nCUDA kernel errors might be"), True),
        (accelerator_error("CUDA error: uncorrectable ECC error encountered"), True),
        (accelerator_error("something that a later torch says"), True),
        (accelerator_error("CUDA error: out of memory"), False),
        (accelerator_error("CUDA error: invalid configuration argument"), False),
        (RuntimeError("CUDA error: unspecified launch failure"), True),
        (RuntimeError("CUDA error: device-side assert triggered"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasGemmEx`"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), False),
        (RuntimeError("CUDA error: CUBLAS_STATUS_NOT_SUPPORTED when calling `cublasLtMatmul`"), False),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"), False),
        (RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED"), False),
        (RuntimeError("Triton Error [CUDA]: an illegal memory access was encountered"), True),
        (RuntimeError("Triton Error [CUDA]: an illegal instruction was encountered"), True),
        (RuntimeError("Triton Error [CUDA]: misaligned address"), True),
        (RuntimeError("Triton Error [CUDA]: the launch timed out and was terminated"), True),
        (RuntimeError("Triton Error [CUDA]: unspecified launch failure"), True),
        (RuntimeError("Triton Error [CUDA]: invalid argument"), False),
        (RuntimeError("Triton Error [CUDA]: out of memory"), False),
        (RuntimeError("NCCL error in: ProcessGroupNCCL.cpp:1970, unhandled cuda error"), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (RequestError("CUDA error: a scene of that name"), False),
        (OSError("CUDA error"), False),
        (MemoryError(), False),
    ],
)
def test_is_device_lost(error: Exception, lost: bool) -> None:
    assert is_device_lost(error) == lost


def test_chained_errors_count() -> None:
    try:
        try:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        except RuntimeError as below:
            raise ValueError("the text encoder failed") from below
    except ValueError as error:
        assert is_device_lost(error)


def test_taking_the_cause_clears_the_frames() -> None:
    with pytest.raises(KeyError) as caught:
        raise_below(3, "hush")
    cause = take_cause(caught.value)
    assert cause.traceback == cause_of(caught.value).traceback
    assert caught.value.__traceback__ is not None
    frames = [frame for frame, _ in walk_tb(caught.value.__traceback__)]
    assert [frame.f_locals for frame in frames[1:]] == [{}] * 4


def test_an_unusable_picture_is_marked() -> None:
    assert cause_of(UnusablePictureError("the model returned NaN")).unusable
    assert not cause_of(RequestError("the model returned NaN")).unusable
