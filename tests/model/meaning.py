"""Decodes other layouts and formats in another way than the loader, to check it."""

from __future__ import annotations

import re

import torch
from diffusers.loaders.single_file_utils import convert_flux2_transformer_checkpoint_to_diffusers
from torch import Tensor

from brandpress.model.network.fp8 import Fp8Linear
from brandpress.model.network.transformer import Transformer
from tests.model.other_layouts import State


def dense(module: Transformer) -> State:
    """All weights dequantised, under diffusers' names."""
    state = {name: tensor for name, tensor in module.state_dict().items() if not name.endswith("scale")}
    for name, layer in module.named_modules():
        if isinstance(layer, Fp8Linear):
            state[f"{name}.weight"] = layer.dequantised(torch.float32)
    return state


def by_diffusers(state: State) -> State:
    """Renames from BFL's names to diffusers', with diffusers' own conversion."""
    converted: State = convert_flux2_transformer_checkpoint_to_diffusers(dict(state))
    return converted


def dequantised(state: State) -> State:
    """Dequantises a state tensor by tensor."""
    out: State = {}
    for name, tensor in state.items():
        layer = name.removesuffix(".weight")
        if name.endswith(".weight") and tensor.dtype == torch.float8_e4m3fn:
            scale = state.get(f"{layer}.weight_scale", state.get(f"{layer}.scale_weight", torch.ones(())))
            out[name] = tensor.float() * scale
        elif not re.search(r"(scale\w*|comfy_quant)$", name) or name.endswith("_norm.scale"):
            out[name] = tensor
    return out


def fp4_meaning(state: State, name: str) -> Tensor:
    """Decodes NVFP4 by the position of each value and scale. The loader reorders the scales first instead."""
    if state[name].dtype != torch.uint8:
        return state[name]
    layer = name.removesuffix(".weight")
    values = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6])
    packed, scales = state[name], state[f"{layer}.weight_scale"].float().flatten()
    rows, columns = packed.shape[0], packed.shape[1] * 2
    row, group = torch.arange(rows)[:, None], torch.arange(columns // 16)[None]
    block = row // 128 * -(-columns // 16 // 4) + group // 4
    # cuBLAS: a block is 32 lines of 16 scales, in each four rows that are 32 apart, four scales of each
    scale = scales[block * 512 + row % 32 * 16 + row % 128 // 32 * 4 + group % 4]
    out = torch.empty(rows, columns)
    out[:, 0::2], out[:, 1::2] = values[packed.int() >> 4], values[packed.int() & 15]
    return out * scale.repeat_interleave(16, dim=1) * state[f"{layer}.weight_scale_2"]
