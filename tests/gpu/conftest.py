"""Runs tests that take a device on the CPU, and on a GPU if there is one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.gpu.checkpoints import KINDS, save_checkpoint

GPU = pytest.param(
    "cuda",
    marks=[
        pytest.mark.gpu,
        pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device here"),
    ],
)


@pytest.fixture(params=["cpu", GPU])
def device(request: pytest.FixtureRequest) -> Iterator[torch.device]:
    """Each device. On the CPU a test only proves that the test itself works."""
    yield torch.device(request.param)
    if request.param == "cuda":
        torch.cuda.empty_cache()


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small checkpoint of each kind."""
    folder = tmp_path_factory.mktemp("checkpoints")
    return {kind: save_checkpoint(kind, folder / kind) for kind in KINDS}
