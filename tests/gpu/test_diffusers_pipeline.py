"""diffusers' pipelines over the same tensors as our models."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.gpu.rig import Rig
from tests.gpu.sections import klein


@pytest.mark.slow
def test_diffusers_renders_the_same_picture(tmp_path: Path) -> None:
    """With random weights in bfloat16, with and without references."""
    rig = Rig(torch.device("cpu"), True, tmp_path, lambda line: None)
    by_name = {figure.name: figure for figure in klein.measure(rig)}
    pictures = [figure for name, figure in by_name.items() if name.endswith("our picture against diffusers'")]
    times = [figure for name, figure in by_name.items() if name.endswith("times as fast as diffusers")]
    assert len(pictures) == len(times) == 2
    assert all(35 < figure.value < 99 for figure in pictures if isinstance(figure.value, float))
