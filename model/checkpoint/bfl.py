"""Maps our names of the transformer's tensors, which are diffusers', to BFL's.

Source: black-forest-labs/flux2 `model.py` and diffusers 0.42.1 `convert_flux2_to_diffusers.py`. Comfy's files use
the same names with the prefix `model.diffusion_model.`.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Origin(NamedTuple):
    """Where one of our tensors is stored in a file of another layout.

    name: the stored tensor. third: which third of its rows (of a fused query, key and value); None for all. swapped:
    the two halves of its rows are swapped (scale and shift of the last modulation).
    """

    name: str
    third: int | None = None
    swapped: bool = False


_TOP = {
    "x_embedder": "img_in",
    "context_embedder": "txt_in",
    "time_guidance_embed.timestep_embedder.linear_1": "time_in.in_layer",
    "time_guidance_embed.timestep_embedder.linear_2": "time_in.out_layer",
    "time_guidance_embed.guidance_embedder.linear_1": "guidance_in.in_layer",
    "time_guidance_embed.guidance_embedder.linear_2": "guidance_in.out_layer",
    "double_stream_modulation_img.linear": "double_stream_modulation_img.lin",
    "double_stream_modulation_txt.linear": "double_stream_modulation_txt.lin",
    "single_stream_modulation.linear": "single_stream_modulation.lin",
    "norm_out.linear": "final_layer.adaLN_modulation.1",
    "proj_out": "final_layer.linear",
}
_DOUBLE = {
    "attn.to_out.0": "img_attn.proj",
    "attn.to_add_out": "txt_attn.proj",
    "attn.norm_q": "img_attn.norm.query_norm",
    "attn.norm_k": "img_attn.norm.key_norm",
    "attn.norm_added_q": "txt_attn.norm.query_norm",
    "attn.norm_added_k": "txt_attn.norm.key_norm",
    "ff.linear_in": "img_mlp.0",
    "ff.linear_out": "img_mlp.2",
    "ff_context.linear_in": "txt_mlp.0",
    "ff_context.linear_out": "txt_mlp.2",
}
_DOUBLE_THIRDS = {
    "attn.to_q": ("img_attn.qkv", 0),
    "attn.to_k": ("img_attn.qkv", 1),
    "attn.to_v": ("img_attn.qkv", 2),
    "attn.add_q_proj": ("txt_attn.qkv", 0),
    "attn.add_k_proj": ("txt_attn.qkv", 1),
    "attn.add_v_proj": ("txt_attn.qkv", 2),
}
_SINGLE = {
    "attn.to_qkv_mlp_proj": "linear1",
    "attn.to_out": "linear2",
    "attn.norm_q": "norm.query_norm",
    "attn.norm_k": "norm.key_norm",
}
_BLOCK = re.compile(r"(transformer_blocks|single_transformer_blocks)\.(\d+)\.(.+)")


def module_origin(module: str) -> Origin:
    """BFL's module for one of ours: `transformer_blocks.0.attn.to_k` is the second third of
    `double_blocks.0.img_attn.qkv`. Raises KeyError for a name that isn't a FLUX.2 module with weights."""
    match = _BLOCK.fullmatch(module)
    if match is None:
        return Origin(_TOP[module], swapped=module == "norm_out.linear")
    kind, block, rest = match.groups()
    if kind == "single_transformer_blocks":
        return Origin(f"single_blocks.{block}.{_SINGLE[rest]}")
    if rest in _DOUBLE_THIRDS:
        fused, third = _DOUBLE_THIRDS[rest]
        return Origin(f"double_blocks.{block}.{fused}", third)
    return Origin(f"double_blocks.{block}.{_DOUBLE[rest]}")


def tensor_origin(name: str) -> Origin:
    """BFL's tensor for one of ours. The weights of norms are called `scale` in BFL's layout."""
    module, _, leaf = name.rpartition(".")
    origin = module_origin(module)
    leaf = "scale" if origin.name.endswith("_norm") else leaf
    return origin._replace(name=f"{origin.name}.{leaf}")
