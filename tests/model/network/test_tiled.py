"""Tiled layers against the same layers in one piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from brandpress.model.network import tiled
from brandpress.model.network.tiled import BMM_TAKES_OUT_DTYPE, in_float32
from tests.model.layout import randomise

ONE_ROW, FEW_ROWS, ALL_ROWS = 1, 1200, 1 << 30
SIZES = [(2, 3), (5, 7), (31, 6), (24, 16), (8, 64), (64, 8), (3, 200)]
CHANNELS, GROUPS = 8, 4


@contextmanager
def in_tiles(elements: int) -> Iterator[None]:
    """Inside the block, everything is computed in tiles of about `elements`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiled, "MAX_UNTILED_ELEMENTS", 0)
        patch.setattr(tiled, "TILE_ELEMENTS", {"cpu": elements, "gpu": elements})
        patch.setattr(tiled, "SCORE_ELEMENTS", elements)
        yield


class Layers(nn.Module):
    """One layer of each kind. Some change the width from 8 to 12 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = tiled.NormSilu(GROUPS, CHANNELS, eps=1e-6)
        self.conv = nn.Conv2d(CHANNELS, 12, 3, padding=1)
        self.straight = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.shortcut = nn.Conv2d(12, CHANNELS, 1)
        self.halve = nn.Conv2d(CHANNELS, 12, 3, stride=2)


Layer = Callable[[Layers, Tensor], Tensor]
LAYERS: dict[str, Layer] = {
    "conv": lambda net, x: tiled.conv(x, net.conv),
    "normed conv": lambda net, x: tiled.conv(x, net.conv, net.norm),
    "residual": lambda net, x: tiled.residual(x.clone(), None, x.flip(3), net.straight, net.norm),
    "residual of another width": lambda net, x: tiled.residual(
        torch.cat((x, x[:, :4]), dim=1), net.shortcut, x.clone(), net.straight, net.norm
    ),
    "upsample": lambda net, x: tiled.upsample(x, net.conv),
    "downsample": lambda net, x: tiled.downsample(x, net.halve),
    "attention": lambda net, x: tiled.attention(*(x.roll(i, 1).flatten(2).mT[:, None] for i in range(3))),
}


def noise(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1)).to(dtype)


@torch.inference_mode()
@pytest.mark.parametrize("elements", [ONE_ROW, FEW_ROWS, ALL_ROWS])
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_tiles_equal_one_piece(layer: Layer, size: tuple[int, int], elements: int) -> None:
    net, x = randomise(Layers()), noise(2, CHANNELS, *size)
    before = x.clone()
    expected = layer(net, x)
    with in_tiles(elements):
        result = layer(net, x)
    assert result.shape == expected.shape
    torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(x, before)


@pytest.mark.parametrize("rows", [1, 3, 7, 20])
def test_rows_of_earlier_windows_can_be_overwritten(rows: int) -> None:
    x = noise(1, 2, 7, 4)
    padded = F.pad(x, (0, 0, 1, 1))
    for start, stop, window in tiled.windows(x, rows):
        assert torch.equal(window, padded[:, :, start : stop + 2])
        x[:, :, :stop] = torch.nan
    assert x.isnan().all()


@torch.inference_mode()
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_half_precision_is_rounded_like_one_piece(layer: Layer, dtype: torch.dtype) -> None:
    """A sum in another order can round to the neighbouring number, after the norm and after the convolution."""
    net, x = randomise(Layers()).to(dtype), noise(1, CHANNELS, 31, 24, dtype=dtype)
    expected = layer(net, x)
    with in_tiles(FEW_ROWS):
        result = layer(net, x)
    assert result.dtype == dtype
    step = torch.finfo(dtype).eps
    torch.testing.assert_close(result, expected, rtol=2 * step, atol=2 * step)
    assert (result != expected).float().mean() < 0.05


@pytest.mark.parametrize("elements", [ONE_ROW, FEW_ROWS, ALL_ROWS])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(("offset", "spread"), [(0.0, 1.0), (1e4, 1.0), (-3e5, 2.0), (5.0, 1e-3)])
def test_moments_equal_group_norms(offset: float, spread: float, dtype: torch.dtype, elements: int) -> None:
    """The error of float32 grows with offset / spread, as in group norm. With E[x²] - E[x]² it would grow with its
    square."""
    ramp = torch.linspace(-3, 3, 37)[:, None] * spread
    x = (noise(2, CHANNELS, 37, 20) * spread + ramp + offset).to(dtype)
    with in_tiles(elements):
        mean, var = tiled.group_moments(x, GROUPS)
    assert mean.dtype == var.dtype == torch.float32

    eps = torch.finfo(torch.float32).eps
    rtol = 1e-5 + eps * abs(offset) / spread
    grouped = x.double().view(2, GROUPS, -1)
    torch.testing.assert_close(var.double(), grouped.var(2, correction=0), rtol=rtol, atol=0)
    torch.testing.assert_close(mean.double(), grouped.mean(2), rtol=eps, atol=1e-6 * spread)

    sizes = (2, CHANNELS, 37 * 20, GROUPS)
    _, torch_mean, torch_rstd = torch.native_group_norm(x.float(), None, None, *sizes, 1e-6)
    torch.testing.assert_close(torch.rsqrt(var + 1e-6), torch_rstd, rtol=rtol, atol=0)
    torch.testing.assert_close(mean, torch_mean, rtol=2 * eps, atol=1e-6 * spread)


def test_a_large_mean_is_as_accurate_as_in_group_norm() -> None:
    norm, x = randomise(Layers()).norm, noise(1, CHANNELS, 40, 30) + 1e4
    truth = F.silu(nn.functional.group_norm(x.double(), GROUPS, norm.weight.double(), norm.bias.double(), norm.eps))
    with torch.inference_mode(), in_tiles(FEW_ROWS):
        result = tiled.activation(x, norm)(x)
        plain = norm(x)
    assert (result - truth).abs().max() <= (plain - truth).abs().max()


class Allocations(TorchDispatchMode):
    """Records the operations that allocated memory for at least `elements`."""

    def __init__(self, elements: int) -> None:
        super().__init__()
        self.elements = elements
        self.operations: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        input_pointers = {arg.untyped_storage().data_ptr() for arg in args if isinstance(arg, Tensor)}
        for tensor in result if isinstance(result, tuple | list) else (result,):
            memory = tensor.untyped_storage()
            if memory.nbytes() >= self.elements * tensor.element_size() and memory.data_ptr() not in input_pointers:
                self.operations.append(func.overloadpacket.__name__)
        return result


@torch.no_grad()
@pytest.mark.parametrize(
    ("layer", "allocating"),
    [
        (lambda net, x: tiled.conv(x, net.conv, net.norm), ["new_empty"]),
        (lambda net, x: tiled.residual(x, None, x.new_ones(1).expand(x.shape), net.straight, net.norm), []),
        (lambda net, x: tiled.residual(x, net.conv_1x1, net.hidden, net.straight, net.norm), []),
        (lambda net, x: tiled.upsample(x, net.conv), ["new_empty"]),
        (lambda net, x: tiled.downsample(x, net.halve), []),
    ],
    ids=["normed conv", "residual", "residual of another width", "upsample", "downsample"],
)
def test_only_the_result_is_as_large_as_the_picture(layer: Layer, allocating: list[str]) -> None:
    net, x = randomise(Layers()), noise(1, CHANNELS, 128, 16)
    net.conv_1x1, net.hidden = nn.Conv2d(CHANNELS, CHANNELS, 1), x.clone()
    with in_tiles(8 * CHANNELS * 16), Allocations(x.numel() // 2) as allocations:
        layer(net, x)
    assert allocations.operations == allocating


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_no_tiles_with_gradients(layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    net, x = randomise(Layers()), noise(1, CHANNELS, 6, 5).requires_grad_()
    expected = torch.autograd.grad(layer(net, x).square().sum(), x)
    monkeypatch.setattr(tiled, "windows", None)
    with in_tiles(FEW_ROWS):
        result = torch.autograd.grad(layer(net, x).square().sum(), x)
    assert torch.equal(result[0], expected[0])


@torch.inference_mode()
def test_attention_limits_the_scores_of_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[tuple[int, int]] = []
    whole = F.scaled_dot_product_attention

    def recording(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        sizes.append((q.shape[2], k.shape[2]))
        return whole(q, k, v)

    monkeypatch.setattr(F, "scaled_dot_product_attention", recording)
    x = noise(1, 1, 50, 4)
    with in_tiles(1000):
        tiled.attention(x, x, x)
    assert sizes == [(20, 50), (20, 50), (10, 50)]


def test_scores_of_half_precision_may_exceed_its_range() -> None:
    """Also with a torch whose product of half precision can't return float32."""
    a = torch.full((1, 2, 4), 256.0, dtype=torch.float16)
    product = in_float32(a, a.transpose(1, 2))
    assert product.dtype == torch.float32
    assert product.tolist() == [[[262_144.0] * 2] * 2]


def test_torchs_product_into_float32_is_recognised() -> None:
    release = tuple(int(number) for number in torch.__version__.split(".")[:2])
    assert (release >= (2, 8)) == BMM_TAKES_OUT_DTYPE


@torch.inference_mode()
def test_the_real_decoder_is_tiled_above_one_megapixel() -> None:
    assert not tiled.is_tiled(256 * 1024 * 1024)
    assert tiled.is_tiled(256 * 1024 * 1040)


@pytest.mark.parametrize(("width", "rows"), [(256 * 2048, 8), (256 * 5792, 2), (1 << 30, 1)])
def test_a_tile_has_at_least_one_row(width: int, rows: int) -> None:
    assert tiled.tile_rows(width, torch.device("cpu")) == rows
