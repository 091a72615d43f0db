"""The kernels, eager and compiled, against the formulas."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from brandpress.model.network.compiled_kernels import compiled_kernels
from brandpress.model.network.kernels import EAGER, Kernels
from brandpress.model.network.rope import rope_table

EPS = 1e-6


@pytest.fixture(params=["eager", pytest.param("compiled", marks=pytest.mark.slow)])
def kernels(request: pytest.FixtureRequest) -> Kernels:
    if request.param == "eager":
        return EAGER
    request.getfixturevalue("compiler")
    return compiled_kernels()


def close(result: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(
        result, expected.to(result.dtype), rtol=2e-2 if result.dtype == torch.bfloat16 else 1e-5, atol=2e-5
    )


@torch.inference_mode()
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_norm_and_rope(kernels: Kernels, dtype: torch.dtype) -> None:
    """For heads inside a wider matrix, as a fused projection returns them."""
    torch.manual_seed(0)
    wide, weight = torch.randn(7, 60).to(dtype), torch.rand(8).to(dtype) + 0.5
    rope = rope_table(torch.arange(28).view(7, 4), (2, 2, 2, 2), 100.0)
    heads = torch.unflatten(wide[:, 6:54], 1, (6, 8))
    expected = rope.apply(F.rms_norm(heads.float(), (8,), weight.float(), EPS).transpose(0, 1)).transpose(0, 1)
    before = wide[:, :6].clone()
    kernels.norm_and_rope(heads, weight, rope.freqs_cis()[:, None], EPS)
    close(heads, expected)
    assert torch.equal(wide[:, :6], before)


@torch.inference_mode()
def test_modulate_swiglu_and_add_gated(kernels: Kernels) -> None:
    torch.manual_seed(0)
    x, scale, shift, gate = torch.randn(5, 8), torch.randn(8), torch.randn(8), torch.randn(8)
    close(kernels.modulate(x, scale, shift, EPS), F.layer_norm(x, (8,), eps=EPS) * scale + shift)
    wide, out = torch.randn(5, 16), torch.empty(5, 20)
    expected = F.silu(wide[:, :8]) * wide[:, 8:]
    kernels.swiglu(wide[:, :8], wide[:, 8:], out[:, 3:11])
    close(out[:, 3:11], expected)
    added, sum_ = torch.randn(5, 8), x.clone()
    kernels.add_gated(sum_, added, gate)
    close(sum_, x + added * gate)


@torch.inference_mode()
def test_add_gated_clips_float16(kernels: Kernels) -> None:
    x = torch.full((1, 2), 60000.0, dtype=torch.float16)
    kernels.add_gated(x, x.clone(), torch.tensor([1.0, -3.0], dtype=torch.float16))
    assert x.tolist() == [[65504.0, -65504.0]]


@pytest.mark.slow
def test_a_missing_compiler_is_detected(tmp_path: Path) -> None:
    """In a process whose compiler is a missing file."""
    imports = "import torch; from brandpress.model.network.compiled_kernels import compiler_works"
    code = f"{imports}; print(compiler_works(torch.device('cpu')))"
    environment = os.environ | {"CXX": str(tmp_path / "none"), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")}
    completed = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert completed.stdout.split()[-1] == "False"
