"""LoRAs merged into plain layers and attached to quantised ones, against weights computed by hand."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import torch
from torch import Tensor, nn

from brandpress.model.network.fp8 import Fp8Linear, quantise
from brandpress.model.network.lora import LoraLinear, LoraUpdate, apply_loras
from brandpress.model.network.positions import image_ids, text_ids
from brandpress.model.network.transformer import Transformer, TransformerConfig
from tests.model.layout import randomise

CONFIG = TransformerConfig(
    in_channels=16,
    num_layers=2,
    num_single_layers=2,
    attention_head_dim=16,
    num_attention_heads=3,
    joint_attention_dim=20,
    axes_dims_rope=(2, 6, 4, 4),
)
Scaled = list[tuple[LoraUpdate, float]]


def small(dtype: torch.dtype = torch.float32) -> Transformer:
    return randomise(Transformer(CONFIG)).to(dtype)


def linears(module: nn.Module) -> dict[str, nn.Linear]:
    return {name: layer for name, layer in module.named_modules() if isinstance(layer, nn.Linear)}


def lora(seed: int, strength: float, rank: int, scale: float = 0.5, dtype: torch.dtype = torch.float32) -> Scaled:
    """A random LoRA on every layer."""
    generator, loras = torch.Generator().manual_seed(seed), []
    for name, layer in linears(small()).items():
        down, up = (
            torch.randn(*size, generator=generator) for size in ((rank, layer.in_features), (layer.out_features, rank))
        )
        loras.append((LoraUpdate(name, (down * 0.02).to(dtype), up.to(dtype), scale), strength))
    return loras


def by_hand(weights: dict[str, Tensor], updates: Iterable[tuple[LoraUpdate, float]]) -> dict[str, Tensor]:
    summed = {name: tensor.double() for name, tensor in weights.items()}
    for update, strength in updates:
        summed[f"{update.module}.weight"] += strength * update.scale * (update.up.double() @ update.down.double())
    return summed


def quantised(transformer: Transformer, rows: bool = False) -> Transformer:
    """Quantises every linear layer to fp8, with one scale or one per row."""
    for name, layer in linears(transformer).items():
        weight, scale = quantise(layer.weight.detach())
        transformer.set_submodule(name, Fp8Linear(weight, scale.expand(len(weight), 1) if rows else scale))
    return transformer


def expanded(transformer: Transformer) -> Transformer:
    """A plain transformer with the same weights as a quantised one."""
    plain, weights = small(), dict(small().state_dict())
    for name, layer in transformer.named_modules():
        if isinstance(layer, Fp8Linear):
            weights[f"{name}.weight"] = layer.dequantised(torch.float32)
    plain.load_state_dict(weights)
    return plain


@torch.inference_mode()
def velocity(transformer: Transformer, dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    image, text = (torch.randn(2, *size, generator=generator).to(dtype) for size in ((12, 16), (7, 20)))
    mods = transformer.modulations(torch.tensor([700.0, 300.0], dtype=dtype), torch.tensor([4000.0], dtype=dtype))
    result: Tensor = transformer(image, text, mods, transformer.rope(torch.cat((text_ids(7), image_ids(3, 4)))))
    return result


TWO = lora(1, 0.7, rank=4) + lora(2, -1.5, rank=3, scale=2.0)


def test_several_loras_are_merged_with_their_scales() -> None:
    transformer = small()
    expected = by_hand(transformer.state_dict(), TWO)
    apply_loras(transformer, iter(TWO))
    assert {type(layer) for layer in linears(transformer).values()} == {nn.Linear}
    for name, value in transformer.state_dict().items():
        torch.testing.assert_close(value.double(), expected[name], rtol=1e-5, atol=1e-6)


def test_a_module_that_shares_the_weights_is_unchanged() -> None:
    transformer, other = small(), Transformer(CONFIG)
    other.load_state_dict(transformer.state_dict(), assign=True)
    before = {name: value.clone() for name, value in other.state_dict().items()}
    apply_loras(transformer, TWO)
    assert all(torch.equal(value, before[name]) for name, value in other.state_dict().items())


def test_only_layers_of_the_lora_change() -> None:
    transformer, before = small(), small().state_dict()
    (first, *_), name = TWO, TWO[0][0].module
    apply_loras(transformer, [first])
    changed = [key for key, value in transformer.state_dict().items() if not torch.equal(value, before[key])]
    assert changed == [f"{name}.weight"]


def test_bfloat16_weights_are_rounded_once() -> None:
    """bfloat16's step above 1 is 1/128: two additions of 0.003 are lost separately, but together they make a step."""
    layer = nn.Linear(2, 3, bias=False, dtype=torch.bfloat16)
    nn.init.ones_(layer.weight)
    update = LoraUpdate("0", torch.full((1, 2), 0.1), torch.full((3, 1), 0.1), 0.5)
    apply_loras(nn.Sequential(layer), [(update, 0.6), (update, 0.6)])
    assert torch.equal(layer.weight, torch.full((3, 2), 1 + 1 / 128, dtype=torch.bfloat16))


def test_bfloat16_weights_are_the_nearest_to_the_exact_sum() -> None:
    transformer = small(torch.bfloat16)
    updates = lora(1, 0.3, 4, dtype=torch.bfloat16) + lora(2, 1.1, 2, dtype=torch.float16)
    expected = by_hand(transformer.state_dict(), updates)
    apply_loras(transformer, updates)
    for name, layer in linears(transformer).items():
        exact = expected[f"{name}.weight"]
        assert (layer.weight.double() - exact).abs().max() <= (exact.bfloat16().double() - exact).abs().max() + 1e-6


@pytest.mark.parametrize("rows", [False, True])
def test_attached_loras_equal_merged_ones(rows: bool) -> None:
    transformer = quantised(small(), rows)
    plain = expanded(transformer)
    before = velocity(transformer)
    torch.testing.assert_close(before, velocity(plain), rtol=1e-4, atol=1e-4)
    for module in (transformer, plain):
        apply_loras(module, TWO)
    assert (velocity(plain) - before).abs().max() > 0.1
    torch.testing.assert_close(velocity(transformer), velocity(plain), rtol=1e-4, atol=1e-4)


def test_an_attached_lora_keeps_the_quantised_layer_and_its_sizes() -> None:
    transformer = quantised(small())
    names = [name for name, layer in transformer.named_modules() if isinstance(layer, Fp8Linear)]
    before = {name: transformer.get_submodule(name) for name in names}
    assert "transformer_blocks.0.attn.to_out.0" in names
    apply_loras(transformer, TWO)
    for name in names:
        layer = transformer.get_submodule(name)
        assert isinstance(layer, LoraLinear)
        assert isinstance(layer.base, Fp8Linear)
        assert layer.base is before[name]
        assert (layer.out_features, layer.in_features) == layer.base.weight.shape
        assert (len(layer.down), layer.up.shape[1]) == (7, 7)


def test_a_second_call_adds_to_the_attached_loras() -> None:
    once, twice = quantised(small()), quantised(small())
    apply_loras(once, TWO)
    for update in TWO:
        apply_loras(twice, [update])
    torch.testing.assert_close(velocity(twice), velocity(once))
    assert isinstance(twice.proj_out, LoraLinear)
    assert isinstance(twice.proj_out.base, Fp8Linear)


def test_a_plain_layer_among_quantised_ones_is_merged() -> None:
    transformer = quantised(small())
    plain = expanded(transformer)
    transformer.proj_out = nn.Linear(48, 16, bias=False)
    transformer.proj_out.load_state_dict(plain.proj_out.state_dict())
    for module in (transformer, plain):
        apply_loras(module, TWO)
    assert isinstance(transformer.proj_out, nn.Linear)
    assert torch.equal(transformer.proj_out.weight, plain.proj_out.weight)


def test_an_attached_factor_is_scaled_before_it_is_rounded() -> None:
    transformer = quantised(small(torch.bfloat16))
    updates = lora(1, 1 / 3, 4, dtype=torch.float16)
    apply_loras(transformer, updates)
    for update, strength in updates:
        layer = transformer.get_submodule(update.module)
        assert isinstance(layer, LoraLinear)
        assert torch.equal(layer.up, (update.up.float() * (strength * update.scale)).bfloat16())
        assert torch.equal(layer.down, update.down.bfloat16())
    assert velocity(transformer, torch.bfloat16).dtype == torch.bfloat16


def test_a_layer_computes_in_its_inputs_dtype() -> None:
    layer = LoraLinear(nn.Linear(6, 5, bias=False, dtype=torch.bfloat16), torch.randn(2, 6), torch.randn(5, 2))
    assert layer(torch.randn(3, 4, 6, dtype=torch.bfloat16)).dtype == torch.bfloat16
