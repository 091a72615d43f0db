"""The Triton kernels against the formulas: compiled on a GPU, in Triton's interpreter without one."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from brandpress.model.inference.packed import PackedPass
from brandpress.model.inference.segments import Segment
from brandpress.model.inference.workspace import Workspace
from brandpress.model.network import kernels, tiled
from brandpress.model.network.autoencoder import Autoencoder, AutoencoderConfig
from brandpress.model.network.fp8 import Fp8Linear, Fp8Rows, quantise
from brandpress.model.network.kernels import EAGER
from brandpress.model.network.positions import image_ids, text_ids
from brandpress.model.network.rope import rope_table
from brandpress.model.network.transformer import Transformer, TransformerConfig
from tests.model.layout import randomise

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
pytestmark = [pytest.mark.gpu] if torch.cuda.is_available() else []
EPS = 1e-6


@pytest.fixture(scope="module")
def fused() -> ModuleType:
    """The package. Without a GPU, `tests/conftest.py` enables Triton's interpreter."""
    if importlib.util.find_spec("triton") is None:
        assert not os.environ.get("CI"), "CI runs the kernels in Triton's interpreter: pip install triton"
        pytest.skip("Triton isn't installed; its interpreter runs these kernels on a CPU")
    return importlib.import_module("brandpress.model.network.fused")


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(DEVICE, dtype)


def close(result: Tensor, expected: Tensor, bits: int = 7) -> None:
    """Checks equality to about one unit of a format with `bits` bits of mantissa."""
    torch.testing.assert_close(result.float(), expected.float(), rtol=2.0**-bits, atol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("heads", [3, 20])
@pytest.mark.parametrize(("dtype", "bits"), [(torch.float32, 16), (torch.bfloat16, 7)])
def test_norm_and_rope(fused: ModuleType, groups: int, heads: int, dtype: torch.dtype, bits: int) -> None:
    """For one group of heads, or for queries and keys together, inside a wider matrix."""
    rows, size = 5, 16
    wide = drawn(rows, 8 + groups * heads * size + 4, dtype=dtype)
    before, plain = wide.clone(), wide.clone()
    freqs_cis = rope_table(torch.arange(4 * rows).view(rows, 4), (4, 4, 4, 4), 100.0).freqs_cis().to(DEVICE)

    def views(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        inner = x[:, 8 : 8 + groups * heads * size]
        if groups == 1:
            return torch.unflatten(inner, 1, (heads, size)), drawn(size, seed=1, dtype=dtype), freqs_cis[:, None]
        return (
            torch.unflatten(inner, 1, (2, heads, size)),
            drawn(2, 1, size, seed=1, dtype=dtype),
            freqs_cis[:, None, None],
        )

    fused.norm_and_rope(*views(wide), EPS)
    kernels.norm_and_rope(*views(plain), EPS)
    close(wide, plain, bits)
    assert torch.equal(wide[:, :8], before[:, :8]) and torch.equal(wide[:, -4:], before[:, -4:])
    assert not torch.equal(wide, before)


@torch.inference_mode()
def test_join_swiglu_and_add_gated(fused: ModuleType) -> None:
    mixed, wide = drawn(4, 24), drawn(4, 80, seed=1)
    gate, up = wide[:, :40], wide[:, 40:]
    out, plain = torch.zeros(4, 70, device=DEVICE, dtype=torch.bfloat16), F.silu(gate.float()) * up.float()
    fused.join(mixed, gate, up, out[:, 3:67])
    close(out[:, 3:27], mixed)
    close(out[:, 27:67], plain)
    assert not out[:, :3].any() and not out[:, 67:].any()
    fused.swiglu(gate, up, out[:, :40])
    close(out[:, :40], plain)
    x, added, vector = drawn(3, 1500), drawn(3, 1500, seed=2), drawn(1500, seed=3)
    expected = x.float() + added.float() * vector.float()
    fused.add_gated(x, added, vector)
    close(x, expected)


def assert_rows(result: Fp8Rows, expected: Tensor, scale: float | None = None) -> None:
    """Check fp8 rows: their own scales or the static one, and values rounded to three bits of mantissa."""
    largest = expected.float().abs().amax(dim=1, keepdim=True) / 448
    scales = torch.full_like(largest, scale) if scale else largest.clamp_min(1e-12)
    close(result.scale, scales)
    exact = expected.float() / result.scale
    nearest = exact.clamp(-448, 448).to(torch.float8_e4m3fn).float()
    error = (result.values.float() - nearest).abs()
    if DEVICE.type == "cpu":  # the interpreter loses the carry when it rounds up to a power of two
        error = error[~((nearest.abs() > exact.abs()) & (nearest.abs().log2() % 1 == 0))]
    assert (error <= nearest.abs().max() / 8).all() and (error > 0).float().mean() < 0.02


@torch.inference_mode()
@pytest.mark.parametrize("scale", [None, 0.05])
def test_quantised_rows(fused: ModuleType, scale: float | None) -> None:
    static = None if scale is None else torch.tensor(scale, device=DEVICE)
    x, gain, shift = drawn(3, 96), drawn(96, seed=1), drawn(96, seed=2)
    x[1] *= 1000
    modulated = kernels.modulate(x.float(), gain.float(), shift.float(), EPS)
    assert_rows(fused.modulate_rows(x, gain, shift, EPS, static), modulated, scale)
    wide = drawn(3, 5000, seed=3)
    gate, up = wide[:, :2500], wide[:, 2500:]
    joined = torch.cat((x / 100, F.silu(gate.float()) * up.float()), dim=1)
    assert_rows(fused.join_rows(x / 100, gate, up, static), joined, scale)
    assert_rows(fused.swiglu_rows(gate, up, static), joined[:, 96:], scale)
    assert_rows(fused.quantise_rows(wide, static), wide, scale)
    assert_rows(fused.quantise_rows(torch.zeros(2, 16, device=DEVICE)), torch.zeros(2, 16, device=DEVICE))


@torch.inference_mode()
@pytest.mark.parametrize("place", [0, 2100])
@pytest.mark.parametrize("scale", [None, 0.05])
def test_nan_stays_in_its_row(fused: ModuleType, place: int, scale: float | None) -> None:
    """As in eager mode: the row's scale becomes NaN or, with a static scale, only the value. Other rows stay."""
    static = None if scale is None else torch.tensor(scale, device=DEVICE)
    x, gate, up = drawn(3, 2500), drawn(3, 2500, seed=1), drawn(3, 2500, seed=2)
    gain, shift = drawn(2500, seed=3), drawn(2500, seed=4)
    broken, broken_gate, broken_up = x.clone(), gate.clone(), up.clone()
    for one in (broken, broken_gate, broken_up):
        one[1, place] = torch.nan
    pairs = [
        (fused.quantise_rows(broken, static), fused.quantise_rows(x, static), place),
        (fused.modulate_rows(broken, gain, shift, EPS, static), fused.modulate_rows(x, gain, shift, EPS, static), 0),
        (fused.join_rows(broken, gate, up, static), fused.join_rows(x, gate, up, static), place),
        (fused.join_rows(x, broken_gate, up, static), fused.join_rows(x, gate, up, static), 2500 + place),
        (fused.join_rows(x, gate, broken_up, static), fused.join_rows(x, gate, up, static), 2500 + place),
    ]
    for result, whole, column in pairs:
        if DEVICE.type == "cuda":  # the interpreter converts NaN to a number
            assert result.values[1, column].float().isnan()
        assert result.scale[1].isnan() if scale is None else result.scale[1] == whole.scale[1]
        assert torch.equal(result.scale[::2], whole.scale[::2]) and whole.scale.isfinite().all()
        assert torch.equal(result.values.float()[::2], whole.values.float()[::2])


@torch.inference_mode()
@pytest.mark.parametrize(("channels", "side"), [(32, 9), (96, 23), (64, 40)])
def test_group_norm_and_silu(fused: ModuleType, channels: int, side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over several programs and tiles, the last ones partly or completely empty, with means far from zero."""
    monkeypatch.setattr(fused.pictures, "PROGRAMS", 3)
    x = (drawn(2, channels, side, side, dtype=torch.float32) + 100).to(memory_format=torch.channels_last)
    weight, bias = drawn(channels, seed=1), drawn(channels, seed=2)
    expected = F.silu(F.group_norm(x.double(), 16, weight.double(), bias.double(), EPS))
    result = fused.norm_silu(x, 16, weight, bias, EPS)
    assert result.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(result.double(), expected, rtol=1e-4, atol=1e-3)


@torch.inference_mode()
@pytest.mark.parametrize("fp8", [False, True])
def test_a_pass_equals_eager(fused: ModuleType, fp8: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A complete pass over two pictures: every kernel gets the rows and layout that it supports."""
    if DEVICE.type == "cpu":
        monkeypatch.setattr(Fp8Linear, "runs_in_fp8", lambda self, device: True)
    config = TransformerConfig(16, num_layers=1, num_single_layers=2, attention_head_dim=16, num_attention_heads=2,
                               joint_attention_dim=32, axes_dims_rope=(4, 4, 4, 4), guidance_embeds=False)  # fmt: skip
    model = randomise(Transformer(config)).to(DEVICE, torch.bfloat16)
    for name, layer in list(model.named_modules()) if fp8 else ():
        if isinstance(layer, nn.Linear) and "blocks" in name:
            model.set_submodule(name, Fp8Linear(*quantise(layer.weight)))
    mods = model.modulations(torch.tensor([700.0], device=DEVICE).bfloat16()).as_vectors()
    tables = [model.rope(torch.cat((image_ids(2, width), text_ids(3))).to(DEVICE)).freqs_cis() for width in (2, 3)]
    segments = [Segment(0, 4, 3, tables[0]), Segment(0, 6, 3, tables[1])]
    image, text = drawn(10, 16), drawn(6, 32, seed=1)
    expected, result = (
        PackedPass(model, segments, mods, Workspace(), kernels).velocity(image, text).float()
        for kernels in (EAGER, fused.FUSED)
    )
    assert expected.std() > 0.1
    assert 0 < float((result - expected).norm() / expected.norm()) < (0.1 if fp8 else 0.02)


@torch.inference_mode()
def test_a_decoder_equals_eager(fused: ModuleType) -> None:
    """In float32, channels last, and with the mid block's attention as on a GPU."""
    config = AutoencoderConfig(
        block_out_channels=(8, 16),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        mid_block_add_attention=True,
    )
    model = randomise(Autoencoder(config)).to(DEVICE)
    z = drawn(1, 4, 8, 12, dtype=torch.float32)
    expected = model.decode_moments(z)
    model.use(fused.FUSED)
    result = model.decode_moments(z)
    assert expected.std() > 0.05 and not torch.equal(result, expected)
    torch.testing.assert_close(result, expected, rtol=1e-3, atol=1e-4)
    q, k, v = (drawn(1, 1, 40, 24, seed=seed, dtype=torch.float32) for seed in range(3))
    mixed = tiled.attention_of_wide_heads(q, k, v, fused.FUSED)
    torch.testing.assert_close(mixed, F.scaled_dot_product_attention(q, k, v), rtol=1e-3, atol=1e-4)


class Grids:
    """Replaces a kernel and records its launch grids."""

    def __init__(self) -> None:
        self.grids: list[tuple[int, ...]] = []

    def __getitem__(self, grid: tuple[int, ...]) -> Callable[..., None]:
        self.grids.append(grid)
        return lambda *args, **options: None


@torch.inference_mode()
@pytest.mark.parametrize("rows", [16_896, 33_280, 1_000_000])
def test_launch_grids_are_within_a_gpus_limits(fused: ModuleType, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """For 2048x2048 and more rows than any picture has: axes 1 and 2 allow 65,535 programs, axis 0 allows 2^31 - 1.

    The tensors are on the meta device and take no memory.
    """
    recorded: dict[str, Grids] = {}
    for module in (fused.rows, fused.fp8, fused.pictures):
        for name, kernel in vars(module).items():
            if name.startswith("_") and hasattr(kernel, "fn"):
                recorded[name] = recorded.get(name) or Grids()
                monkeypatch.setattr(module, name, recorded[name])

    def meta(*shape: int, dtype: torch.dtype = torch.bfloat16) -> Tensor:
        return torch.empty(shape, dtype=dtype, device="meta")

    width, inner, heads, size = 6144, 18_432, 48, 128  # [dev]'s, the largest
    freqs_cis = meta(rows, 1, 1, size // 2, dtype=torch.complex64)
    fused.norm_and_rope(meta(rows, 2, heads, size), meta(2, 1, size), freqs_cis, EPS)
    fused.add_gated(meta(rows, width), meta(rows, width), meta(width))
    mixed, gate = meta(rows, width), meta(rows, inner)
    fused.join(mixed, gate, gate, meta(rows, width + inner))
    fused.swiglu(gate, gate, meta(rows, inner))
    fused.quantise_rows(mixed)
    fused.modulate_rows(mixed, meta(width), meta(width), EPS, None)
    fused.join_rows(mixed, gate, gate, None)
    fused.swiglu_rows(gate, gate, None)
    for shape in ((1, 128, 2048, 2048), (1, 256, 2048, 2048), (1, 512, 720, 5760), (4, 16, 2048, 2048)):
        x, channels = meta(*shape).to(memory_format=torch.channels_last), shape[1]
        fused.norm_silu(x, 16, meta(channels), meta(channels), EPS)
    fused.softmax(meta(1, 8192, 65_536, dtype=torch.float32), 1.0, torch.bfloat16)
    parts = {"_scale_of", "_in_fp8", "_largest"}  # functions of kernels, which are never launched
    assert {name for name, kernel in recorded.items() if kernel.grids} == recorded.keys() - parts
    for name, kernel in recorded.items():
        for first, *others in kernel.grids:
            assert first < 1 << 31, name
            assert all(axis <= 65_535 for axis in others), name


@torch.inference_mode()
@pytest.mark.parametrize("columns", [5, 5000])
def test_softmax(fused: ModuleType, columns: int) -> None:
    scores = 50 * drawn(4, columns, dtype=torch.float32)
    close(fused.softmax(scores.clone(), 0.3, torch.float32), (scores * 0.3).softmax(dim=-1), bits=16)
