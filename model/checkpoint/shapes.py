"""Infers a part's config from its tensors' shapes, for files without a config.

What shapes don't show (how a head is split among the position axes, the groups of norms, epsilons) is taken from the
config of the part that the file replaces, or from FLUX.2's defaults.
"""

from __future__ import annotations

from dataclasses import replace

from brandpress.model.checkpoint.bfl_vae import tensor_origin as vae_origin
from brandpress.model.checkpoint.identify import Layout, count_blocks, naming
from brandpress.model.checkpoint.stored import Stored
from brandpress.model.errors import CheckpointError
from brandpress.model.network.config import AutoencoderConfig, TransformerConfig

POSITION_AXES = 4


def transformer_config(stored: Stored, layout: Layout, like: TransformerConfig | None) -> TransformerConfig:
    """Returns the config of a transformer's weights. like: the config of the part they replace. Raises CheckpointError
    if a required tensor is missing."""
    weights, name = stored.weights, naming(layout)

    def shape(tensor: str) -> tuple[int, ...]:
        return _shape(stored, name(tensor))

    width, channels = shape("x_embedder.weight")
    head = shape("transformer_blocks.0.attn.norm_q.weight")[0]
    base = like or TransformerConfig()
    axes = base.axes_dims_rope if sum(base.axes_dims_rope) == head else (head // POSITION_AXES,) * POSITION_AXES
    return replace(
        base,
        in_channels=channels,
        out_channels=shape("proj_out.weight")[0],
        num_layers=count_blocks(weights, "double_blocks" if layout == "bfl" else "transformer_blocks"),
        num_single_layers=count_blocks(weights, "single_blocks" if layout == "bfl" else "single_transformer_blocks"),
        attention_head_dim=head,
        num_attention_heads=width // head,
        joint_attention_dim=shape("context_embedder.weight")[1],
        timestep_guidance_channels=shape("time_guidance_embed.timestep_embedder.linear_1.weight")[1],
        mlp_ratio=shape("transformer_blocks.0.ff.linear_out.weight")[1] / width,
        axes_dims_rope=axes,
        guidance_embeds=name("time_guidance_embed.guidance_embedder.linear_1.weight") in weights,
    )


def autoencoder_config(stored: Stored, layout: Layout, like: AutoencoderConfig | None) -> AutoencoderConfig:
    """Returns the config of an autoencoder's weights. like: the config of the part they replace. Raises CheckpointError
    if a required tensor is missing."""
    weights = stored.weights
    levels = count_levels(stored, layout)

    def shape(tensor: str) -> tuple[int, ...]:
        return _shape(stored, vae_origin(tensor, levels).name if layout == "bfl" else tensor)

    def widths(side: str) -> tuple[int, ...]:
        return tuple(shape(f"{side}_blocks.{level}.resnets.0.conv2.weight")[0] for level in range(levels))

    inward, outward = widths("encoder.down"), widths("decoder.up")[::-1]
    quant = ("quant_conv.weight", "post_quant_conv.weight")
    if layout == "bfl":
        quant = ("encoder.quant_conv.weight", "decoder.post_quant_conv.weight")
    first = "encoder.down.0.block" if layout == "bfl" else "encoder.down_blocks.0.resnets"
    layers = len({name.split(".")[4] for name in weights if name.startswith(f"{first}.")})
    groups = (like or AutoencoderConfig()).norm_num_groups
    if any(width % groups for width in (*inward, *outward)):
        raise CheckpointError(
            f"{weights.label}: block widths {inward} and {outward} aren't multiples of {groups} norm groups"
        )
    return replace(
        like or AutoencoderConfig(),
        in_channels=shape("encoder.conv_in.weight")[1],
        out_channels=shape("decoder.conv_out.weight")[0],
        block_out_channels=inward,
        decoder_block_out_channels=None if outward == inward else outward,
        layers_per_block=layers,
        latent_channels=shape("decoder.conv_in.weight")[1],
        use_quant_conv=quant[0] in weights,
        use_post_quant_conv=quant[1] in weights,
        mid_block_add_attention=any(".attn_1." in name or ".attentions.0." in name for name in weights),
    )


def count_levels(stored: Stored, layout: Layout) -> int:
    """The number of blocks in an autoencoder's encoder, and in its decoder."""
    head = "encoder.down." if layout == "bfl" else "encoder.down_blocks."
    return len({name.split(".")[2] for name in stored.weights if name.startswith(head)})


def _shape(stored: Stored, name: str) -> tuple[int, ...]:
    if name not in stored.weights:
        raise CheckpointError(f"{stored.weights.label}: {name} is missing; the file is incomplete")
    return stored.shape(name)
