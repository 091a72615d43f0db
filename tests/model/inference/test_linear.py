"""Products of all kinds of layers, with all or some of their output features."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from brandpress.model.inference.linear import narrowed, project, project_into, project_rows
from brandpress.model.network.fp8 import Fp8Linear, quantise
from brandpress.model.network.lora import LoraLinear


def rowwise() -> Fp8Linear:
    weight = torch.randn(12, 16)
    scale = weight.abs().amax(dim=1, keepdim=True) / 448
    return Fp8Linear((weight / scale).to(torch.float8_e4m3fn), scale)


KINDS = {
    "plain": lambda: nn.Linear(16, 12, bias=False),
    "with a bias": lambda: nn.Linear(16, 12),
    "fp8": lambda: Fp8Linear(*quantise(torch.randn(12, 16))),
    "fp8, a scale per row": rowwise,
    "fp8 with a LoRA": lambda: LoraLinear(rowwise(), torch.randn(3, 16), torch.randn(12, 3)),
    "plain with a LoRA": lambda: LoraLinear(nn.Linear(16, 12, bias=False), torch.randn(3, 16), torch.randn(12, 3)),
}


@torch.inference_mode()
@pytest.mark.parametrize("kind", KINDS)
def test_products_equal_the_layers(kind: str) -> None:
    torch.manual_seed(0)
    layer, x = KINDS[kind](), torch.randn(5, 16)
    expected, out = layer(x), torch.empty(5, 12)
    torch.testing.assert_close(project(layer, x, torch.empty(5, 12)), expected)
    project_into(layer, x, out)
    torch.testing.assert_close(out, expected)
    if kind == "with a bias":
        with pytest.raises(TypeError, match="can't narrow a layer of type Linear"):
            narrowed(layer, slice(4, 9))
        return
    narrowed_product = project_rows(layer, slice(4, 9), x, torch.empty(5, 5))
    torch.testing.assert_close(narrowed_product, expected[:, 4:9])
    torch.testing.assert_close(narrowed(layer, slice(4, 9))(x), expected[:, 4:9])
