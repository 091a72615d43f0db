"""Weights that are overwritten or replaced after they were planned with never give a picture."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from brandpress.model import Renderer, RenderRequest
from brandpress.model.errors import WeightsChangedError
from brandpress.pipeline.render.cause import is_device_lost
from tests.model.small import Small

WEIGHTS = "transformer/diffusion_pytorch_model.safetensors"
REQUEST = RenderRequest("a red mug", (), 64, 64, seed=1, steps=1)


@pytest.fixture
def folder(small_of: Callable[[str], Small], tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_of("klein").folder, tmp_path / "checkpoint"))


def load(folder: Path, residency: str = "resident") -> Renderer:
    renderer = Renderer.load(str(folder), device="cpu", dtype="float32", residency=residency)
    assert isinstance(renderer, Renderer)
    return renderer


def overwrite(file: Path) -> None:
    """Writes other weights into a file, as `cp` and `rsync --inplace` do."""
    start = file.stat().st_size // 2
    with file.open("r+b") as opened:
        opened.seek(start)
        opened.write(bytes(file.stat().st_size - start))


def replace(file: Path) -> None:
    """Puts another file in the place of one."""
    shutil.copy(file, file.with_suffix(".new"))
    overwrite(file.with_suffix(".new"))
    file.with_suffix(".new").replace(file)


def test_weights_that_are_overwritten_while_they_are_in_use_are_noticed(folder: Path) -> None:
    renderer = load(folder)
    renderer.render([REQUEST])
    overwrite(folder / WEIGHTS)
    with pytest.raises(WeightsChangedError, match="files changed after they were described"):
        renderer.render([REQUEST])


def test_replaced_files_and_new_times_do_not_matter_to_a_loaded_model(folder: Path) -> None:
    renderer = load(folder)
    (before,) = renderer.render([REQUEST])
    os.utime(folder / WEIGHTS)
    assert renderer.render([REQUEST])[0].tobytes() == before.tobytes()
    replace(folder / WEIGHTS)
    assert renderer.render([REQUEST])[0].tobytes() == before.tobytes()


@pytest.mark.parametrize("part", [WEIGHTS, "text_encoder/model.safetensors"])
def test_a_part_that_is_read_from_disk_later_is_still_that_of_the_plan(folder: Path, part: str) -> None:
    renderer = load(folder, "offload")
    replace(folder / part)
    with pytest.raises(WeightsChangedError):
        renderer.render([REQUEST])


def test_a_worker_can_not_continue_with_changed_weights() -> None:
    assert is_device_lost(WeightsChangedError("files changed"))
