"""`import brandpress.model` is cheap."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "diffusers", "ray", "boto3", "numpy")


@pytest.mark.parametrize(
    "module",
    [
        "brandpress.model",
        "brandpress.model.checkpoint.describe",
        "brandpress.model.request",
        "brandpress.model.family",
        "brandpress.model.memory.plan",
        "brandpress.model.checkpoint.prompt_length",
    ],
)
def test_no_heavy_package_is_loaded(module: str) -> None:
    code = f"import sys, {module}; print(*(name for name in {HEAVY} if name in sys.modules))"
    completed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert completed.stdout.split() == []


@pytest.mark.parametrize("configured", [{}, {"CUDA_DEVICE_ORDER": "FASTEST_FIRST"}])
def test_gpus_are_numbered_as_by_nvidia_smi(configured: dict[str, str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "CUDA_DEVICE_ORDER"} | configured
    code = "import os, brandpress.model; print(os.environ['CUDA_DEVICE_ORDER'])"
    completed = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert completed.stdout.strip() == configured.get("CUDA_DEVICE_ORDER", "PCI_BUS_ID")


def test_the_renderer_is_imported_on_first_use() -> None:
    from brandpress import model
    from brandpress.model.renderer import Renderer

    assert model.Renderer is Renderer
    with pytest.raises(AttributeError, match=r"module 'brandpress\.model' has no attribute 'Painter'"):
        _ = model.Painter
