"""Converts weights to the layouts and formats of other tools' files, for tests.

A test checks the conversion against diffusers' own, which goes the other way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

State = dict[str, Tensor]
TOP = {
    "x_embedder": "img_in",
    "context_embedder": "txt_in",
    "time_guidance_embed.timestep_embedder.linear_1": "time_in.in_layer",
    "time_guidance_embed.timestep_embedder.linear_2": "time_in.out_layer",
    "time_guidance_embed.guidance_embedder.linear_1": "guidance_in.in_layer",
    "time_guidance_embed.guidance_embedder.linear_2": "guidance_in.out_layer",
    "double_stream_modulation_img.linear": "double_stream_modulation_img.lin",
    "double_stream_modulation_txt.linear": "double_stream_modulation_txt.lin",
    "single_stream_modulation.linear": "single_stream_modulation.lin",
    "proj_out": "final_layer.linear",
}
DOUBLE = {
    "attn.to_out.0.weight": "img_attn.proj.weight",
    "attn.to_add_out.weight": "txt_attn.proj.weight",
    "attn.norm_q.weight": "img_attn.norm.query_norm.scale",
    "attn.norm_k.weight": "img_attn.norm.key_norm.scale",
    "attn.norm_added_q.weight": "txt_attn.norm.query_norm.scale",
    "attn.norm_added_k.weight": "txt_attn.norm.key_norm.scale",
    "ff.linear_in.weight": "img_mlp.0.weight",
    "ff.linear_out.weight": "img_mlp.2.weight",
    "ff_context.linear_in.weight": "txt_mlp.0.weight",
    "ff_context.linear_out.weight": "txt_mlp.2.weight",
}
SINGLE = {
    "attn.to_qkv_mlp_proj.weight": "linear1.weight",
    "attn.to_out.weight": "linear2.weight",
    "attn.norm_q.weight": "norm.query_norm.scale",
    "attn.norm_k.weight": "norm.key_norm.scale",
}
QKV = {
    "img_attn": ("attn.to_q", "attn.to_k", "attn.to_v"),
    "txt_attn": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
}


def to_bfl(state: State) -> State:
    """Renames a transformer's tensors from diffusers' names to BFL's."""
    out: State = {f"{bfl}.weight": state[f"{name}.weight"] for name, bfl in TOP.items() if f"{name}.weight" in state}
    scale, shift = state["norm_out.linear.weight"].chunk(2)
    out["final_layer.adaLN_modulation.1.weight"] = torch.cat((shift, scale))
    for name, tensor in state.items():
        kind, _, rest = name.partition(".")
        block, _, leaf = rest.partition(".")
        if kind == "transformer_blocks" and leaf in DOUBLE:
            out[f"double_blocks.{block}.{DOUBLE[leaf]}"] = tensor
        elif kind == "single_transformer_blocks":
            out[f"single_blocks.{block}.{SINGLE[leaf]}"] = tensor
    for block in {name.split(".")[1] for name in state if name.startswith("transformer_blocks.")}:
        for stream, parts in QKV.items():
            rows = [state[f"transformer_blocks.{block}.{part}.weight"] for part in parts]
            out[f"double_blocks.{block}.{stream}.qkv.weight"] = torch.cat(rows)
    return {name: tensor.contiguous() for name, tensor in out.items()}


def vae_to_bfl(state: State, levels: int) -> State:
    """Renames an autoencoder's tensors from diffusers' names to BFL's. Attention becomes 1x1 convolutions."""
    out: State = {}
    for name, tensor in state.items():
        bfl = name.replace("conv_shortcut", "nin_shortcut").replace("conv_norm_out", "norm_out")
        bfl = re.sub(r"^(post_)?quant_conv", lambda m: f"{'decoder' if m[1] else 'encoder'}.{m[0]}", bfl)
        bfl = bfl.replace("down_blocks", "down").replace("resnets", "block").replace("downsamplers.0", "downsample")
        bfl = re.sub(r"up_blocks\.(\d)", lambda m: f"up.{levels - 1 - int(m[1])}", bfl).replace(
            "upsamplers.0", "upsample"
        )
        bfl = re.sub(r"mid_block\.block\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", bfl)
        if "mid_block.attentions.0" in bfl:
            bfl = bfl.replace("mid_block.attentions.0", "mid.attn_1").replace("group_norm", "norm")
            bfl = bfl.replace("to_out.0", "proj_out").replace(".to_", ".")
            tensor = tensor[:, :, None, None] if tensor.ndim == 2 else tensor
        out[bfl] = tensor.contiguous()
    return out


def is_block_linear(name: str) -> bool:
    """Whether BFL's fp8 and NVFP4 files quantise this tensor."""
    return bool(re.fullmatch(r"(double|single)_blocks\.\d+\.(\w+\.(qkv|proj|0|2)|linear[12])\.weight", name))


def fp8_of(weight: Tensor, dtype: torch.dtype = torch.float8_e4m3fn) -> tuple[Tensor, Tensor]:
    scale = weight.abs().max() / torch.finfo(dtype).max
    return (weight / scale).to(dtype), scale


def each(state: State, quantised: Callable[[str], bool], write: Callable[[str, Tensor], State]) -> State:
    """Rewrites the layers selected by `quantised`: `write` gets a layer's name and weight."""
    out: State = {}
    for name, tensor in state.items():
        out |= write(name.removesuffix(".weight"), tensor) if quantised(name) else {name: tensor}
    return out


def bfl_fp8(layer: str, weight: Tensor) -> State:
    small, scale = fp8_of(weight)
    return {f"{layer}.weight": small, f"{layer}.weight_scale": scale, f"{layer}.input_scale": torch.tensor(0.01)}


def comfy_fp8(layer: str, weight: Tensor) -> State:
    small, scale = fp8_of(weight)
    marker = torch.tensor(list(json.dumps({"format": "float8_e4m3fn"}).encode()), dtype=torch.uint8)
    return {f"{layer}.weight": small, f"{layer}.weight_scale": scale, f"{layer}.comfy_quant": marker}


def old_comfy_fp8(layer: str, weight: Tensor) -> State:
    small, scale = fp8_of(weight)
    return {
        f"{layer}.weight": small,
        f"{layer}.scale_weight": scale.reshape(1),
        f"{layer}.scale_input": torch.ones(1),
    }


def bare_fp8(layer: str, weight: Tensor) -> State:
    return {f"{layer}.weight": weight.to(torch.float8_e4m3fn)}


def row_fp8(layer: str, weight: Tensor) -> State:
    scale = weight.abs().amax(dim=1, keepdim=True) / 448
    return {f"{layer}.weight": (weight / scale).to(torch.float8_e4m3fn), f"{layer}.weight_scale": scale}


E2M1 = torch.tensor([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0])


def nvfp4(layer: str, weight: Tensor) -> State:
    """BFL's NVFP4: the nearest E2M1 values, even columns in the high half of a byte, scales in cuBLAS' blocks."""
    rows, columns = weight.shape
    overall = weight.abs().max() / (448 * 6)
    groups = weight.reshape(rows, columns // 16, 16)
    scales = (groups.abs().amax(dim=2) / 6 / overall).to(torch.float8_e4m3fn)
    units = groups / (scales.float() * overall).clamp_min(1e-20)[..., None]
    codes = (units.abs()[..., None] - E2M1).abs().argmin(dim=-1) + 8 * (units < 0)
    codes = codes.reshape(rows, columns).to(torch.uint8)
    return {
        f"{layer}.weight": codes[:, ::2] << 4 | codes[:, 1::2],
        f"{layer}.weight_scale": swizzled(scales),
        f"{layer}.weight_scale_2": overall,
        f"{layer}.input_scale": torch.tensor(0.01),
    }


def swizzled(scales: Tensor) -> Tensor:
    """Scales (N, K/16), padded to 128 rows and 4 columns, in blocks of cuBLAS' order."""
    rows, columns = scales.shape
    row_blocks, column_blocks = -(-rows // 128), -(-columns // 4)
    padded = torch.zeros(row_blocks * 128, column_blocks * 4, dtype=torch.uint8)
    padded[:rows, :columns] = scales.view(torch.uint8)
    blocks = padded.view(row_blocks, 128, column_blocks, 4).permute(0, 2, 1, 3).reshape(-1, 4, 32, 4)
    out = blocks.transpose(1, 2).reshape(row_blocks * 128, column_blocks * 4)
    return out.contiguous().view(torch.float8_e4m3fn)


def lora_file(file: Path, plain: State, spelling: str) -> State:
    """Writes a LoRA of rank 4 for attention, feed-forward and the last modulation; returns what it adds."""
    names = {
        "transformer_blocks.0.attn.to_out.0": "double_blocks.0.img_attn.proj",
        "transformer_blocks.1.ff.linear_in": "double_blocks.1.img_mlp.0",
        "single_transformer_blocks.0.attn.to_qkv_mlp_proj": "single_blocks.0.linear1",
        "single_transformer_blocks.1.attn.to_out": "single_blocks.1.linear2",
        "norm_out.linear": "final_layer.adaLN_modulation.1",
    }
    added: State = {}
    written: State = {}
    for name, bfl_name in names.items():
        rows, columns = plain[f"{name}.weight"].shape
        down, up = torch.randn(4, columns) / 8, torch.randn(rows, 4) / 8
        scale = 1.0
        swapped = torch.cat(up.chunk(2)[::-1]) if name == "norm_out.linear" else up
        if spelling == "diffusers":
            written |= {f"transformer.{name}.lora_A.weight": down, f"transformer.{name}.lora_B.weight": up}
        elif spelling == "bfl":
            layer = f"diffusion_model.{bfl_name}"
            written |= {f"{layer}.lora_A.weight": down, f"{layer}.lora_B.weight": swapped}
        else:
            layer = f"lora_unet_{bfl_name.replace('.', '_')}"
            written |= {f"{layer}.lora_down.weight": down, f"{layer}.lora_up.weight": swapped}
            written[f"{layer}.alpha"], scale = torch.tensor(2.0), 0.5
        added[f"{name}.weight"] = scale * up @ down
    write(file, written)
    return added


def prefixed(state: State, prefix: str = "model.diffusion_model.") -> State:
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


def write(file: Path, state: State, metadata: dict[str, str] | None = None) -> Path:
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, file, metadata)
    return file
