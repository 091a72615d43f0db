"""Layers that stay in fp8: products of expanded weights, and products of fp8 matrices, which torch can run on a CPU."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from brandpress.model.network.fp8 import Fp8Linear, aligned, quantise


def layer(rows: bool = False, static: float | None = None) -> tuple[Fp8Linear, Tensor]:
    """A layer and its dense weight."""
    weight = torch.randn(48, 64, generator=torch.Generator().manual_seed(0))
    scale = weight.abs().amax(dim=1, keepdim=True) / 448 if rows else weight.abs().max() / 448
    small = (weight / scale).to(torch.float8_e4m3fn)
    return Fp8Linear(small, scale, None if static is None else torch.tensor(static)), small.float() * scale


def activations(dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(2, 5, 64, generator=torch.Generator().manual_seed(1)).to(dtype)


@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-5), (torch.bfloat16, 0.1), (torch.float16, 0.02)])
def test_the_product_equals_that_of_the_dequantised_weight(rows: bool, dtype: torch.dtype, close: float) -> None:
    fp8_layer, dense = layer(rows)
    x = activations(dtype)
    out = fp8_layer(x)
    assert out.dtype == dtype
    torch.testing.assert_close(out.float(), x.float() @ dense.T, rtol=close, atol=close)
    assert torch.equal(fp8_layer.dequantised(torch.float32), dense)


def test_float16_does_not_overflow() -> None:
    """Unscaled weights reach 448: a sum of 64 such products exceeds float16's range."""
    fp8_layer = Fp8Linear(torch.full((16, 64), 448.0).to(torch.float8_e4m3fn), torch.tensor(1e-3))
    out = fp8_layer(torch.full((1, 64), 20.0, dtype=torch.float16))
    assert torch.isfinite(out).all()
    torch.testing.assert_close(out.float(), torch.full((1, 16), 64 * 20 * 0.448), rtol=2e-3, atol=0)


@pytest.fixture
def in_fp8(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products run as on a GPU with fp8 units."""
    monkeypatch.setattr(Fp8Linear, "runs_in_fp8", lambda self, device: True)


@pytest.mark.parametrize("rows", [False, True])
@pytest.mark.parametrize("static", [None, 0.01])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_product_in_fp8_equals_that_of_quantised_activations(
    in_fp8: None, rows: bool, static: float | None, dtype: torch.dtype
) -> None:
    """GPUs with fp8 units compute this. torch computes it on a CPU with the same call."""
    fp8_layer, dense = layer(rows, static)
    x = activations(dtype)
    scale = x.float().abs().amax(dim=-1, keepdim=True) / 448 if static is None else static
    rounded = (x.float() / scale).clamp(-448, 448).to(torch.float8_e4m3fn).float() * scale
    out = fp8_layer(x)
    assert out.dtype == dtype and out.shape == (2, 5, 48)
    close = 1e-4 if dtype == torch.float32 else 0.1
    torch.testing.assert_close(out.float(), rounded @ dense.T, rtol=close, atol=close)


def test_rows_are_batch_invariant(in_fp8: None) -> None:
    """A picture is the same to the bit alone and in a batch with one whose activations are a thousand times larger."""
    fp8_layer, _ = layer()
    alone = activations(torch.bfloat16)
    batch = torch.cat((alone, 1000 * alone.flip(0)))
    assert torch.equal(fp8_layer(batch)[:2], fp8_layer(alone))


def test_scales_of_rows_that_begin_anywhere_are_aligned(in_fp8: None) -> None:
    """cuBLAS refuses others, which a reference of 25 tokens before the picture's gave."""
    scales = torch.arange(1.0, 13.0)[:, None]
    assert scales.data_ptr() % 16 == 0 and aligned(scales) is scales
    for first in (1, 2, 3):
        moved = aligned(scales[first:])
        assert moved.data_ptr() % 16 == 0 and torch.equal(moved, scales[first:])
    assert aligned(scales[4:]).data_ptr() == scales[4:].data_ptr()


def test_a_cpu_uses_the_expanded_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fp8Linear, "multiply", lambda self, *_: pytest.fail("no fp8 units here"))
    layer()[0](activations())


def test_the_largest_value_is_quantised_to_the_largest_code() -> None:
    weight = torch.randn(32, 32) * 3
    small, scale = quantise(weight)
    assert small.dtype == torch.float8_e4m3fn
    assert small.float().abs().max() == 448
    error = (small.float() * scale - weight).abs()
    assert (error <= weight.abs() / 16 + scale / 512).all(), "three bits of mantissa: half a step of 1/8"


def test_zeros_are_quantised() -> None:
    small, scale = quantise(torch.zeros(16, 16))
    assert torch.equal(small.float() * scale, torch.zeros(16, 16))
