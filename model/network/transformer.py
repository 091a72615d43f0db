"""FLUX.2's transformer: double stream blocks (image and text have their own weights), then single stream blocks.

Modulation is shared by all blocks. Positions have four axes (t, h, w, l). Queries and keys are RMS-normed, the
feed-forward is a SwiGLU, and no layer has a bias. Parameter names are those of diffusers' `Flux2Transformer2DModel`.
Source: black-forest-labs/flux2 `model.py`, diffusers 0.42.1 `transformer_flux2.py`.

References enter in one of two ways:
- full: their tokens follow the target's in `image`, and every token attends to every other;
- KV (klein-kv): `reference_kv` runs them alone, at timestep 0, attending only to each other; every `forward` then gets
  the keys and values it returns. They depend only on the references and the weights.

Legend: B batch, L text tokens, N image tokens, R reference tokens, S any sequence of tokens, H heads, K head size,
D = H*K width, I inner width of the feed-forward, C token channels, X text embedding width.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from brandpress.model.network.config import read_fields


@dataclass(frozen=True, slots=True)
class TransformerConfig:
    """The fields of `transformer/config.json`. Defaults are those of FLUX.2 [dev]."""

    in_channels: int = 128
    out_channels: int | None = None
    num_layers: int = 8
    num_single_layers: int = 48
    attention_head_dim: int = 128
    num_attention_heads: int = 48
    joint_attention_dim: int = 15360
    timestep_guidance_channels: int = 256
    mlp_ratio: float = 3.0
    axes_dims_rope: tuple[int, ...] = (32, 32, 32, 32)
    rope_theta: int = 2000
    eps: float = 1e-6
    guidance_embeds: bool = True

    @classmethod
    def from_dict(cls, config: Mapping[str, Any]) -> TransformerConfig:
        """Reads the fields from a parsed `config.json`. Raises CheckpointError if it describes another class."""
        return cls(**read_fields(cls, config, class_name="Flux2Transformer2DModel"))

    @property
    def width(self) -> int:
        """D, the size of a token inside of the blocks."""
        return self.num_attention_heads * self.attention_head_dim


class KeyValue(NamedTuple):
    """Keys (after norm and RoPE) and values of one layer, (B, H, R, K) each."""

    key: Tensor
    value: Tensor


class Rope(NamedTuple):
    """Cosines and sines of each token's rotary embedding, (S, K) each, float32; a pair of neighbours shares an angle.

    The sine of a pair's first element is stored negated, so a rotation is one swap and two products.
    """

    cos: Tensor
    sin: Tensor

    def apply(self, x_BHSK: Tensor) -> Tensor:
        """Rotate the pairs (2j, 2j+1) of the last dimension. Computes in the table's dtype, returns x's dtype."""
        x = x_BHSK.to(self.cos.dtype)
        swapped = torch.unflatten(x, -1, (-1, 2)).flip(-1).flatten(-2)
        return (x * self.cos + swapped * self.sin).to(x_BHSK.dtype)

    def freqs_cis(self) -> Tensor:
        """(S, K/2) complex64: cos + i sin, the factor of each pair read as a complex number."""
        return torch.complex(self.cos[:, ::2].contiguous(), self.sin[:, 1::2].contiguous())


def rope_table(ids: Tensor, axes: Sequence[int], theta: float) -> Rope:
    """The rotary embeddings of position ids (S, len(axes)). Frequencies are float64, as in diffusers."""
    cos, sin = [], []
    for axis, size in enumerate(axes):
        exponents = torch.arange(0, size, 2, dtype=torch.float64, device=ids.device) / size
        angles = torch.outer(ids[:, axis].to(torch.float64), 1.0 / theta**exponents)
        cos.append(angles.cos().repeat_interleave(2, dim=1).float())
        sin.append(torch.stack((-angles.sin(), angles.sin()), dim=2).flatten(1).float())
    return Rope(torch.cat(cos, dim=1), torch.cat(sin, dim=1))


class Modulation(NamedTuple):
    """Shift, scale and gate of one sub-block, (B, 1, D) each.

    `scale` already includes the 1 of the paper's `(1 + scale) * norm(x) + shift`.
    """

    shift: Tensor
    scale: Tensor
    gate: Tensor


class Modulations(NamedTuple):
    """Modulations of all blocks and of the output norm. They depend only on the timestep and the guidance.

    Each stream of a double block has two: for attention and for the feed-forward. `out_scale` includes its 1, too.
    """

    image: tuple[Modulation, Modulation]
    text: tuple[Modulation, Modulation]
    single: Modulation
    out_scale: Tensor
    out_shift: Tensor

    def as_vectors(self) -> Modulations:
        """The modulations of a batch of one as vectors, (D,) each: all rows of a packed pass share them."""

        def vectors(modulation: Modulation) -> Modulation:
            return Modulation(*(tensor.flatten() for tensor in modulation))

        return Modulations(
            image=(vectors(self.image[0]), vectors(self.image[1])),
            text=(vectors(self.text[0]), vectors(self.text[1])),
            single=vectors(self.single),
            out_scale=self.out_scale.flatten(),
            out_shift=self.out_shift.flatten(),
        )


def modulate(x_BSD: Tensor, mod: Modulation, eps: float) -> Tensor:
    """The layer norm (without weights) of tokens, scaled and shifted: (B, S, D)."""
    return mod.scale * F.layer_norm(x_BSD, x_BSD.shape[-1:], eps=eps) + mod.shift


def attend(queries_BHSK: Tensor, keys_BHSK: Tensor, values_BHSK: Tensor) -> Tensor:
    """Attention without a mask, heads joined: (B, S, D)."""
    if queries_BHSK.requires_grad and queries_BHSK.device.type == "cpu":
        # Training on a CPU: at nano's head size the fused kernel's backward takes longer than everything else together.
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
        # Training on a CPU: the fused kernel's backward takes twice as long as these products.
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
    """The projections and norms of a double block's joint attention; `add_*` layers belong to the text stream."""

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

    def reference(self, image_BRD: Tensor, mods: Modulations, rope: Rope) -> tuple[Tensor, KeyValue]:
        """Run the image stream alone, over references that attend only to references.

        Returns the stream (B, R, D) and this layer's keys and values.
        """
        mod1, mod2 = mods.image
        q_BHRK, k_BHRK, v_BHRK = self.attn.image_qkv(modulate(image_BRD, mod1, self.eps))
        k_BHRK = rope.apply(k_BHRK)
        image_BRD = image_BRD + mod1.gate * self.attn.to_out[0](attend(rope.apply(q_BHRK), k_BHRK, v_BHRK))
        image_BRD = image_BRD + mod2.gate * self.ff(modulate(image_BRD, mod2, self.eps))
        return image_BRD, KeyValue(k_BHRK, v_BHRK)


class SingleStreamAttention(nn.Module):
    """Attention and feed-forward in parallel, with one fused projection in and one out."""

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
    """One block over text and image tokens together, text in front."""

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
    """Insert a layer's reference keys and values after the text tokens, where klein-kv expects them."""
    if reference is None:
        return keys_BHSK, values_BHSK
    return (
        torch.cat((keys_BHSK[:, :, :text_length], reference.key, keys_BHSK[:, :, text_length:]), dim=2),
        torch.cat((values_BHSK[:, :, :text_length], reference.value, values_BHSK[:, :, text_length:]), dim=2),
    )


def clip_float16(x: Tensor) -> Tensor:
    """Clip float16 to its finite range, as diffusers does: these blocks overflow it. Other dtypes are unchanged."""
    largest = torch.finfo(torch.float16).max
    return x.clip(-largest, largest) if x.dtype == torch.float16 else x


class TimestepEmbedding(nn.Module):
    """Sinusoids of a value, then two linear layers."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.channels = channels
        self.linear_1 = nn.Linear(channels, width, bias=False)
        self.linear_2 = nn.Linear(width, width, bias=False)

    def forward(self, value_B: Tensor) -> Tensor:
        """(B,) -> (B, D)."""
        half = self.channels // 2
        steps = torch.arange(half, dtype=torch.float32, device=value_B.device)
        angles = value_B[:, None].float() * torch.exp(-math.log(10000) * steps / half)
        sinusoids = torch.cat((angles.cos(), angles.sin()), dim=-1).to(value_B.dtype)
        out_BD: Tensor = self.linear_2(F.silu(self.linear_1(sinusoids)))
        return out_BD


class TimeGuidanceEmbedding(nn.Module):
    """The sum of the embeddings of the timestep and, in models that embed it, of the guidance."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        channels, width = config.timestep_guidance_channels, config.width
        self.timestep_embedder = TimestepEmbedding(channels, width)
        self.guidance_embedder = TimestepEmbedding(channels, width) if config.guidance_embeds else None

    def forward(self, timestep_B: Tensor, guidance_B: Tensor | None) -> Tensor:
        """(B,) each -> (B, D). Models that don't embed the guidance ignore it."""
        embedding_BD: Tensor = self.timestep_embedder(timestep_B)
        if guidance_B is not None and self.guidance_embedder is not None:
            embedding_BD = embedding_BD + self.guidance_embedder(guidance_B)
        return embedding_BD


class ModulationProjection(nn.Module):
    """A SiLU and a linear layer, from the time embedding to shifts, scales and gates."""

    def __init__(self, width: int, parts: int) -> None:
        super().__init__()
        self.parts = parts
        self.linear = nn.Linear(width, parts * width, bias=False)

    def forward(self, embedding_BD: Tensor) -> tuple[Tensor, ...]:
        """(B, D) -> `parts` tensors, (B, 1, D) each."""
        return self.linear(F.silu(embedding_BD)).unsqueeze(1).chunk(self.parts, dim=-1)  # type: ignore[no-any-return]


class Transformer(nn.Module):
    """Predicts the velocity of noisy latents, conditioned on text and references."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.time_guidance_embed = TimeGuidanceEmbedding(config)
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
        """The rotary embeddings of position ids (S, 4)."""
        return rope_table(ids, self.config.axes_dims_rope, self.config.rope_theta)

    def modulations(self, timestep_B: Tensor, guidance_B: Tensor | None = None) -> Modulations:
        """Modulations of a timestep in [0, 1000] and a guidance scale times 1000, both in the model's dtype."""
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

        rope: of text, then image. references: keys and values of each layer, from `reference_kv`.
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
            x_BRD, key_value = cast(DoubleStreamBlock, block).reference(x_BRD, mods, rope)
            layers.append(key_value)
        for block in self.single_transformer_blocks:
            x_BRD, key_value = block(x_BRD, mods, rope)
            layers.append(key_value)
        return layers
