"""FLUX.2's transformer: double stream blocks (image and text have their own weights), then single stream blocks.

All blocks of a kind share one modulation. Positions have four axes (t, h, w, l). Queries and keys are RMS-normed, the
feed-forward is a SwiGLU, and no layer has a bias. Parameter names are those of diffusers' `Flux2Transformer2DModel`.
Source: black-forest-labs/flux2 `model.py`, diffusers 0.42.1 `transformer_flux2.py`.

There are two ways to condition on references:
- full: their tokens follow the target's in `image`, and every token attends to every other.
- KV (klein-kv): `reference_kv` runs them alone at timestep 0, where they attend only to each other. Every `forward`
  then takes the keys and values that it returned. They depend only on the references and the weights.

Legend: B batch, L text tokens, N image tokens, R reference tokens, S any sequence of tokens, H heads, K head size,
D = H*K width, I inner width of the feed-forward, C token channels, X text embedding width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from brandpress.model.network.config import TransformerConfig
from brandpress.model.network.modulation import (
    Modulation,
    ModulationProjection,
    Modulations,
    TimeGuidanceEmbedding,
    modulate,
)
from brandpress.model.network.rope import Rope, rope_table


class KeyValue(NamedTuple):
    """Keys (after norm and RoPE) and values of one layer, (B, H, R, K) each."""

    key: Tensor
    value: Tensor


def attend(queries_BHSK: Tensor, keys_BHSK: Tensor, values_BHSK: Tensor) -> Tensor:
    """Returns attention without a mask, with the heads concatenated: (B, S, D)."""
    if queries_BHSK.requires_grad and queries_BHSK.device.type == "cpu":
        # Training on a CPU: at nano's head size the fused kernel's backward takes longer than all other work together.
        scores = (queries_BHSK * queries_BHSK.shape[-1] ** -0.5) @ keys_BHSK.transpose(-1, -2)
        mixed_BHSK: Tensor = scores.softmax(dim=-1) @ values_BHSK
    else:
        mixed_BHSK = F.scaled_dot_product_attention(queries_BHSK, keys_BHSK, values_BHSK)
    return mixed_BHSK.transpose(1, 2).flatten(2)


def split_heads(x_BSD: Tensor, head_size: int) -> Tensor:
    """(B, S, D) -> (B, H, S, K)."""
    return torch.unflatten(x_BSD, -1, (-1, head_size)).transpose(1, 2)


class QKNorm(nn.RMSNorm):
    """RMS norm over the head size K."""

    def forward(self, x_BHSK: Tensor) -> Tensor:
        if not (x_BHSK.requires_grad and x_BHSK.device.type == "cpu"):
            return super().forward(x_BHSK)
        # Training on a CPU: the fused kernel's backward takes twice as long as these operations.
        scale = torch.rsqrt(x_BHSK.square().mean(dim=-1, keepdim=True) + (self.eps or 0.0))
        return x_BHSK * scale * self.weight.to(x_BHSK.dtype)


def swiglu(gate_and_up: Tensor) -> Tensor:
    """silu(gate) * up of the two halves of the last dimension: (B, S, 2I) -> (B, S, I)."""
    gate, up = gate_and_up.chunk(2, dim=-1)
    out: Tensor = F.silu(gate) * up
    return out


class FeedForward(nn.Module):
    """SwiGLU feed-forward: (B, S, D) -> (B, S, D)."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.linear_in = nn.Linear(width, 2 * inner, bias=False)
        self.linear_out = nn.Linear(inner, width, bias=False)

    def forward(self, x_BSD: Tensor) -> Tensor:
        inner_BSI = swiglu(self.linear_in(x_BSD))
        out_BSD: Tensor = self.linear_out(inner_BSI)
        return out_BSD


class DoubleStreamAttention(nn.Module):
    """The projections and norms of a double block's joint attention. The `add` layers belong to the text stream."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        width, self.head_size = config.width, config.attention_head_dim
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(width, width, bias=False)
        self.to_v = nn.Linear(width, width, bias=False)
        self.norm_q = QKNorm(self.head_size, eps=config.eps)
        self.norm_k = QKNorm(self.head_size, eps=config.eps)
        self.to_out = nn.ModuleList([nn.Linear(width, width, bias=False)])
        self.add_q_proj = nn.Linear(width, width, bias=False)
        self.add_k_proj = nn.Linear(width, width, bias=False)
        self.add_v_proj = nn.Linear(width, width, bias=False)
        self.norm_added_q = QKNorm(self.head_size, eps=config.eps)
        self.norm_added_k = QKNorm(self.head_size, eps=config.eps)
        self.to_add_out = nn.Linear(width, width, bias=False)

    def image_qkv(self, x_BND: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries and keys (normed, without RoPE) and values of image tokens, (B, H, N, K) each."""
        q, k, v = (split_heads(layer(x_BND), self.head_size) for layer in (self.to_q, self.to_k, self.to_v))
        return self.norm_q(q), self.norm_k(k), v

    def text_qkv(self, x_BLD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries and keys (normed, without RoPE) and values of text tokens, (B, H, L, K) each."""
        layers = (self.add_q_proj, self.add_k_proj, self.add_v_proj)
        q, k, v = (split_heads(layer(x_BLD), self.head_size) for layer in layers)
        return self.norm_added_q(q), self.norm_added_k(k), v


class DoubleStreamBlock(nn.Module):
    """Joint attention over text and image, then a feed-forward for each stream."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        inner = int(config.width * config.mlp_ratio)
        self.eps = config.eps
        self.attn = DoubleStreamAttention(config)
        self.ff = FeedForward(config.width, inner)
        self.ff_context = FeedForward(config.width, inner)

    def forward(
        self, image_BND: Tensor, text_BLD: Tensor, mods: Modulations, rope: Rope, reference: KeyValue | None
    ) -> tuple[Tensor, Tensor]:
        """Returns the image (B, N, D) and text (B, L, D) streams. `rope` covers text, then image."""
        text_length = text_BLD.shape[1]
        image_mod1, image_mod2 = mods.image  # of attention, of the feed-forward
        text_mod1, text_mod2 = mods.text
        q_BHNK, k_BHNK, v_BHNK = self.attn.image_qkv(modulate(image_BND, image_mod1, self.eps))
        q_BHLK, k_BHLK, v_BHLK = self.attn.text_qkv(modulate(text_BLD, text_mod1, self.eps))
        q_BHSK = rope.apply(torch.cat((q_BHLK, q_BHNK), dim=2))
        k_BHSK = rope.apply(torch.cat((k_BHLK, k_BHNK), dim=2))
        v_BHSK = torch.cat((v_BHLK, v_BHNK), dim=2)
        mixed_BSD = attend(q_BHSK, *insert_reference(k_BHSK, v_BHSK, reference, text_length))
        image_BND = image_BND + image_mod1.gate * self.attn.to_out[0](mixed_BSD[:, text_length:])
        text_BLD = text_BLD + text_mod1.gate * self.attn.to_add_out(mixed_BSD[:, :text_length])
        image_BND = image_BND + image_mod2.gate * self.ff(modulate(image_BND, image_mod2, self.eps))
        text_BLD = text_BLD + text_mod2.gate * self.ff_context(modulate(text_BLD, text_mod2, self.eps))
        return image_BND, clip_float16(text_BLD)

    def forward_references(self, image_BRD: Tensor, mods: Modulations, rope: Rope) -> tuple[Tensor, KeyValue]:
        """Runs the image stream alone, over references that attend only to each other.

        Returns the stream (B, R, D) and this layer's keys and values.
        """
        mod1, mod2 = mods.image
        q_BHRK, k_BHRK, v_BHRK = self.attn.image_qkv(modulate(image_BRD, mod1, self.eps))
        k_BHRK = rope.apply(k_BHRK)
        image_BRD = image_BRD + mod1.gate * self.attn.to_out[0](attend(rope.apply(q_BHRK), k_BHRK, v_BHRK))
        image_BRD = image_BRD + mod2.gate * self.ff(modulate(image_BRD, mod2, self.eps))
        return image_BRD, KeyValue(k_BHRK, v_BHRK)


class SingleStreamAttention(nn.Module):
    """Attention and feed-forward in parallel, with one fused projection in and one fused projection out."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        width, inner = config.width, int(config.width * config.mlp_ratio)
        self.head_size, self.splits = config.attention_head_dim, (width, width, width, 2 * inner)
        self.to_qkv_mlp_proj = nn.Linear(width, sum(self.splits), bias=False)
        self.norm_q = QKNorm(self.head_size, eps=config.eps)
        self.norm_k = QKNorm(self.head_size, eps=config.eps)
        self.to_out = nn.Linear(width + inner, width, bias=False)

    def forward(
        self, x_BSD: Tensor, rope: Rope, reference: KeyValue | None = None, text_length: int = 0
    ) -> tuple[Tensor, KeyValue]:
        """Returns (B, S, D) and the layer's keys and values, without those of `reference`."""
        *qkv, gate_and_up = self.to_qkv_mlp_proj(x_BSD).split(self.splits, dim=-1)
        q_BHSK, k_BHSK, v_BHSK = (split_heads(part, self.head_size) for part in qkv)
        q_BHSK, k_BHSK = rope.apply(self.norm_q(q_BHSK)), rope.apply(self.norm_k(k_BHSK))
        mixed_BSD = attend(q_BHSK, *insert_reference(k_BHSK, v_BHSK, reference, text_length))
        out_BSD: Tensor = self.to_out(torch.cat((mixed_BSD, swiglu(gate_and_up)), dim=-1))
        return out_BSD, KeyValue(k_BHSK, v_BHSK)


class SingleStreamBlock(nn.Module):
    """A block over the tokens of text and image together, text first."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.eps = config.eps
        self.attn = SingleStreamAttention(config)

    def forward(
        self, x_BSD: Tensor, mods: Modulations, rope: Rope, reference: KeyValue | None = None, text_length: int = 0
    ) -> tuple[Tensor, KeyValue]:
        """Returns (B, S, D) and the layer's keys and values, without those of `reference`."""
        out_BSD, key_value = self.attn(modulate(x_BSD, mods.single, self.eps), rope, reference, text_length)
        return clip_float16(x_BSD + mods.single.gate * out_BSD), key_value


def insert_reference(
    keys_BHSK: Tensor, values_BHSK: Tensor, reference: KeyValue | None, text_length: int
) -> tuple[Tensor, Tensor]:
    """Returns keys and values with the references' inserted after the text tokens, where klein-kv expects them."""
    if reference is None:
        return keys_BHSK, values_BHSK
    return (
        torch.cat((keys_BHSK[:, :, :text_length], reference.key, keys_BHSK[:, :, text_length:]), dim=2),
        torch.cat((values_BHSK[:, :, :text_length], reference.value, values_BHSK[:, :, text_length:]), dim=2),
    )


def clip_float16(x: Tensor) -> Tensor:
    """Clips float16 to its finite range, as diffusers does: blocks can exceed it. Returns other dtypes unchanged."""
    largest = torch.finfo(torch.float16).max
    return x.clip(-largest, largest) if x.dtype == torch.float16 else x


class Transformer(nn.Module):
    """Predicts the velocity of noisy latents, conditioned on text and references."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.time_guidance_embed = TimeGuidanceEmbedding(
            config.timestep_guidance_channels, width, guidance_embeds=config.guidance_embeds
        )
        self.double_stream_modulation_img = ModulationProjection(width, 6)
        self.double_stream_modulation_txt = ModulationProjection(width, 6)
        self.single_stream_modulation = ModulationProjection(width, 3)
        self.x_embedder = nn.Linear(config.in_channels, width, bias=False)
        self.context_embedder = nn.Linear(config.joint_attention_dim, width, bias=False)
        self.transformer_blocks = nn.ModuleList(DoubleStreamBlock(config) for _ in range(config.num_layers))
        self.single_transformer_blocks = nn.ModuleList(
            SingleStreamBlock(config) for _ in range(config.num_single_layers)
        )
        self.norm_out = ModulationProjection(width, 2)
        self.proj_out = nn.Linear(width, config.out_channels or config.in_channels, bias=False)

    def rope(self, ids: Tensor) -> Rope:
        """Returns the rotary embeddings of position ids (S, 4)."""
        return rope_table(ids, self.config.axes_dims_rope, self.config.rope_theta)

    def modulations(self, timestep_B: Tensor, guidance_B: Tensor | None = None) -> Modulations:
        """Returns the modulations at timesteps in [0, 1000] and guidance scales times 1000, in the model's dtype."""
        embedding_BD = self.time_guidance_embed(timestep_B, guidance_B)
        image = self.double_stream_modulation_img(embedding_BD)
        text = self.double_stream_modulation_txt(embedding_BD)
        out_scale, out_shift = self.norm_out(embedding_BD)

        def modulation(shift: Tensor, scale: Tensor, gate: Tensor) -> Modulation:
            return Modulation(shift, 1 + scale, gate)

        return Modulations(
            image=(modulation(*image[:3]), modulation(*image[3:])),
            text=(modulation(*text[:3]), modulation(*text[3:])),
            single=modulation(*self.single_stream_modulation(embedding_BD)),
            out_scale=1 + out_scale,
            out_shift=out_shift,
        )

    def forward(
        self,
        image_BNC: Tensor,
        text_BLX: Tensor,
        mods: Modulations,
        rope: Rope,
        references: Sequence[KeyValue] | None = None,
    ) -> Tensor:
        """Returns the velocity (B, N, C) at the image tokens.

        rope: of text, then image. references: each layer's keys and values, from `reference_kv`.
        """
        image_BND, text_BLD = self.x_embedder(image_BNC), self.context_embedder(text_BLX)
        text_length, doubles = text_BLD.shape[1], len(self.transformer_blocks)
        layers: Sequence[KeyValue | None] = references or [None] * (doubles + len(self.single_transformer_blocks))
        for block, reference in zip(self.transformer_blocks, layers[:doubles], strict=True):
            image_BND, text_BLD = block(image_BND, text_BLD, mods, rope, reference)
        x_BSD = torch.cat((text_BLD, image_BND), dim=1)
        for block, reference in zip(self.single_transformer_blocks, layers[doubles:], strict=True):
            x_BSD, _ = block(x_BSD, mods, rope, reference, text_length)
        normed_BND = F.layer_norm(x_BSD[:, text_length:], (self.config.width,), eps=self.config.eps)
        velocity_BNC: Tensor = self.proj_out(normed_BND * mods.out_scale + mods.out_shift)
        return velocity_BNC

    def reference_kv(self, references_BRC: Tensor, mods: Modulations, rope: Rope) -> list[KeyValue]:
        """Returns each layer's keys and values of the references, from a pass over the references alone.

        mods: of timestep 0 (and the guidance). rope: of the reference tokens.
        """
        x_BRD, layers = self.x_embedder(references_BRC), []
        for block in self.transformer_blocks:
            x_BRD, key_value = cast(DoubleStreamBlock, block).forward_references(x_BRD, mods, rope)
            layers.append(key_value)
        for block in self.single_transformer_blocks:
            x_BRD, key_value = block(x_BRD, mods, rope)
            layers.append(key_value)
        return layers
