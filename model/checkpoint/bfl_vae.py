"""Maps our names of the autoencoder's tensors, which are diffusers', to BFL's.

Source: black-forest-labs/flux2 `autoencoder.py` and diffusers 0.42.1 `convert_flux2_to_diffusers.py`. In
BFL's layout the attention projections are 1x1 convolutions and the decoder's blocks are numbered from the output.
"""

from __future__ import annotations

import re

from brandpress.model.checkpoint.bfl import Origin

_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
_BLOCK = re.compile(r"(encoder\.down|decoder\.up)_blocks\.(\d+)\.(resnets|downsamplers|upsamplers)\.(\d+)\.(.+)")
_MID = re.compile(r"(encoder|decoder)\.mid_block\.(resnets|attentions)\.(\d+)\.(.+)\.(\w+)")


def tensor_origin(name: str, levels: int) -> Origin:
    """BFL's tensor for one of ours. levels: number of blocks in the encoder, and in the decoder."""
    return Origin(_renamed(name, levels))


def _renamed(name: str, levels: int) -> str:
    if match := _BLOCK.fullmatch(name):
        side, level, kind, index, rest = match.groups()
        if side == "decoder.up":
            level = str(levels - 1 - int(level))
        if kind == "resnets":
            return f"{side}.{level}.block.{index}.{rest.replace('conv_shortcut', 'nin_shortcut')}"
        return f"{side}.{level}.{kind.removesuffix('rs')}.{rest}"
    if match := _MID.fullmatch(name):
        side, kind, index, module, leaf = match.groups()
        if kind == "attentions":
            return f"{side}.mid.attn_{int(index) + 1}.{_ATTENTION[module]}.{leaf}"
        return f"{side}.mid.block_{int(index) + 1}.{module}.{leaf}"
    if name.startswith("quant_conv."):
        return f"encoder.{name}"
    if name.startswith("post_quant_conv."):
        return f"decoder.{name}"
    return name.replace("conv_norm_out", "norm_out")
