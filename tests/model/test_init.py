"""`import brandpress.model` is cheap."""

from __future__ import annotations

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


def test_the_renderer_is_imported_on_first_use() -> None:
    from brandpress import model
    from brandpress.model.renderer import Renderer

    assert model.Renderer is Renderer
    with pytest.raises(AttributeError, match=r"module 'brandpress\.model' has no attribute 'Painter'"):
        _ = model.Painter
