"""FLUX.2's transformer: double stream blocks (text and image apart), then single stream blocks (together).

Modulation is shared by all blocks, positions have four axes (t, h, w, l), queries and keys are RMS-normed, the
feed-forward is a SwiGLU, nothing has a bias. Parameter names are those of diffusers' `Flux2Transformer2DModel`.
Source: black-forest-labs/flux2 `model.py`, diffusers 0.42.1 `transformer_flux2.py`.

References take part in one of two ways:
- full: their tokens stand behind the target's in `image`, everything attends to everything;
- KV (klein-kv): `reference_kv` runs them alone, at timestep 0, attending to each other only; the keys and values that
  it returns are given to every `forward`. They depend on nothing but the references and the weights.

Legend: B batch, L text tokens, N image tokens, R reference tokens, S = sequence, E heads, K head size, D = E*K width,
C token channels, X text encoder width.
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
    """The fields of `transformer/config.json`; the defaults are [dev]'s."""

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
        return cls(**read_fields(cls, config, class_name="Flux2Transformer2DModel"))

    @property
    def width(self) -> int:
        return self.num_attention_heads * self.attention_head_dim


class KeyValue(NamedTuple):
    """Keys (after norm and RoPE) and values of one layer, (B, E, R, K) each."""

    key: Tensor
    value: Tensor


class Rope(NamedTuple):
    """Cosines and sines of the position of each token, (S, K) each, float32, neighbours in pairs.

    The sine of a pair's first half is stored negated: turning a pair is then one exchange and two products.
    """

    cos: Tensor
    sin: Tensor

    def apply(self, x_BESK: Tensor) -> Tensor:
        """Rotate the pairs (2j, 2j+1) of the last dimension; computed in the table's dtype, returned in x's."""
        x = x_BESK.to(self.cos.dtype)
        exchanged = torch.unflatten(x, -1, (-1, 2)).flip(-1).flatten(-2)
        return (x * self.cos + exchanged * self.sin).to(x_BESK.dtype)

    def freqs_cis(self) -> Tensor:
        """(S, K/2) complex64: cos + i sin, the factor of each pair read as a complex number."""
        return torch.complex(self.cos[:, ::2].contiguous(), self.sin[:, 1::2].contiguous())


def rope_table(ids: Tensor, axes: Sequence[int], theta: float) -> Rope:
    """The table for position ids (S, axes), frequencies in float64 as diffusers has them."""
    cos, sin = [], []
    for axis, size in enumerate(axes):
        exponents = torch.arange(0, size, 2, dtype=torch.float64, device=ids.device) / size
        angles = torch.outer(ids[:, axis].to(torch.float64), 1.0 / theta**exponents)
        cos.append(angles.cos().repeat_interleave(2, dim=1).float())
        sin.append(torch.stack((-angles.sin(), angles.sin()), dim=2).flatten(1).float())
    return Rope(torch.cat(cos, dim=1), torch.cat(sin, dim=1))


def cat_rope(*tables: Rope) -> Rope:
    return Rope(torch.cat([t.cos for t in tables]), torch.cat([t.sin for t in tables]))


class Modulation(NamedTuple):
    """Shift, scale and gate of one sub-block, (B, 1, D) each.

    `scale` already includes the 1 of the paper's `(1 + scale) * norm(x) + shift`.
    """

    shift: Tensor
    scale: Tensor
    gate: Tensor


class Modulations(NamedTuple):
    """Modulations of all blocks and of the output norm. They depend on the timestep and the guidance only.

    Double stream blocks have two per stream: of attention and of the feed-forward. `out_scale` includes its 1, too.
    """

    image: tuple[Modulation, Modulation]
    text: tuple[Modulation, Modulation]
    single: Modulation
    out_scale: Tensor
    out_shift: Tensor

    def as_vectors(self) -> Modulations:
        """The modulations of a batch of one as vectors, (D,) each: the rows of a packed pass share them."""

        def vectors(modulation: Modulation) -> Modulation:
            return Modulation(*(tensor.flatten() for tensor in modulation))

        return Modulations(
            image=(vectors(self.image[0]), vectors(self.image[1])),
            text=(vectors(self.text[0]), vectors(self.text[1])),
            single=vectors(self.single),
            out_scale=self.out_scale.flatten(),
            out_shift=self.out_shift.flatten(),
        )


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention over (B, E, S, K) without a mask -> (B, S, E*K)."""
    if query.requires_grad and query.device.type == "cpu":
        # Training on a CPU: at nano's head size the backward of the fused kernel takes longer than all else together.
        scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
        mixed: Tensor = scores.softmax(dim=-1) @ value
    else:
        mixed = F.scaled_dot_product_attention(query, key, value)
    return mixed.transpose(1, 2).flatten(2)


class QKNorm(nn.RMSNorm):
    def forward(self, x: Tensor) -> Tensor:
        if not (x.requires_grad and x.device.type == "cpu"):
            return super().forward(x)
        # Training on a CPU: the fused kernel's backward takes twice as long as these products.
        scale = torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + (self.eps or 0.0))
        return x * scale * self.weight.to(x.dtype)


def swiglu(x: Tensor) -> Tensor:
    gate, up = x.chunk(2, dim=-1)
    out: Tensor = F.silu(gate) * up
    return out


class FeedForward(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.linear_in = nn.Linear(width, 2 * inner, bias=False)
        self.linear_out = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.linear_out(swiglu(self.linear_in(x)))
        return out


class DoubleStreamAttention(nn.Module):
    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        width, self.head = config.width, config.attention_head_dim
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(width, width, bias=False)
        self.to_v = nn.Linear(width, width, bias=False)
        self.norm_q = QKNorm(self.head, eps=config.eps)
        self.norm_k = QKNorm(self.head, eps=config.eps)
        self.to_out = nn.ModuleList([nn.Linear(width, width, bias=False)])
        self.add_q_proj = nn.Linear(width, width, bias=False)
        self.add_k_proj = nn.Linear(width, width, bias=False)
        self.add_v_proj = nn.Linear(width, width, bias=False)
        self.norm_added_q = QKNorm(self.head, eps=config.eps)
        self.norm_added_k = QKNorm(self.head, eps=config.eps)
        self.to_add_out = nn.Linear(width, width, bias=False)

    def image_qkv(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = (self._heads(layer(x)) for layer in (self.to_q, self.to_k, self.to_v))
        return self.norm_q(q), self.norm_k(k), v

    def text_qkv(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = (self._heads(layer(x)) for layer in (self.add_q_proj, self.add_k_proj, self.add_v_proj))
        return self.norm_added_q(q), self.norm_added_k(k), v

    def _heads(self, x: Tensor) -> Tensor:
        return torch.unflatten(x, -1, (-1, self.head)).transpose(1, 2)


class DoubleStreamBlock(nn.Module):
    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        inner = int(config.width * config.mlp_ratio)
        self.width, self.eps = config.width, config.eps
        self.attn = DoubleStreamAttention(config)
        self.ff = FeedForward(config.width, inner)
        self.ff_context = FeedForward(config.width, inner)

    def forward(
        self, image: Tensor, text: Tensor, mods: Modulations, rope: Rope, reference: KeyValue | None
    ) -> tuple[Tensor, Tensor]:
        length = text.shape[1]
        q, k, v = self.attn.image_qkv(self._modulate(image, mods.image[0]))
        text_q, text_k, text_v = self.attn.text_qkv(self._modulate(text, mods.text[0]))
        q, k = rope.apply(torch.cat((text_q, q), dim=2)), rope.apply(torch.cat((text_k, k), dim=2))
        mixed = attend(q, *with_reference(k, torch.cat((text_v, v), dim=2), reference, length))
        image = image + mods.image[0].gate * self.attn.to_out[0](mixed[:, length:])
        text = text + mods.text[0].gate * self.attn.to_add_out(mixed[:, :length])
        image = image + mods.image[1].gate * self.ff(self._modulate(image, mods.image[1]))
        text = text + mods.text[1].gate * self.ff_context(self._modulate(text, mods.text[1]))
        return image, fit_half(text)

    def reference(self, image: Tensor, mods: Modulations, rope: Rope) -> tuple[Tensor, KeyValue]:
        """The image stream alone: references that attend to references."""
        q, k, v = self.attn.image_qkv(self._modulate(image, mods.image[0]))
        k = rope.apply(k)
        image = image + mods.image[0].gate * self.attn.to_out[0](attend(rope.apply(q), k, v))
        image = image + mods.image[1].gate * self.ff(self._modulate(image, mods.image[1]))
        return image, KeyValue(k, v)

    def _modulate(self, x: Tensor, mod: Modulation) -> Tensor:
        return mod.scale * F.layer_norm(x, (self.width,), eps=self.eps) + mod.shift


class SingleStreamAttention(nn.Module):
    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        width, inner = config.width, int(config.width * config.mlp_ratio)
        self.head, self.splits = config.attention_head_dim, (width, width, width, 2 * inner)
        self.to_qkv_mlp_proj = nn.Linear(width, sum(self.splits), bias=False)
        self.norm_q = QKNorm(self.head, eps=config.eps)
        self.norm_k = QKNorm(self.head, eps=config.eps)
        self.to_out = nn.Linear(width + inner, width, bias=False)

    def forward(
        self, x: Tensor, rope: Rope, reference: KeyValue | None = None, length: int = 0
    ) -> tuple[Tensor, KeyValue]:
        *qkv, mlp = self.to_qkv_mlp_proj(x).split(self.splits, dim=-1)
        q, k, v = (torch.unflatten(part, -1, (-1, self.head)).transpose(1, 2) for part in qkv)
        q, k = rope.apply(self.norm_q(q)), rope.apply(self.norm_k(k))
        mixed = attend(q, *with_reference(k, v, reference, length))
        return self.to_out(torch.cat((mixed, swiglu(mlp)), dim=-1)), KeyValue(k, v)


class SingleStreamBlock(nn.Module):
    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.width, self.eps = config.width, config.eps
        self.attn = SingleStreamAttention(config)

    def forward(
        self, x: Tensor, mods: Modulations, rope: Rope, reference: KeyValue | None = None, length: int = 0
    ) -> tuple[Tensor, KeyValue]:
        mod = mods.single
        normed = mod.scale * F.layer_norm(x, (self.width,), eps=self.eps) + mod.shift
        out, key_value = self.attn(normed, rope, reference, length)
        return fit_half(x + mod.gate * out), key_value


def with_reference(key: Tensor, value: Tensor, reference: KeyValue | None, length: int) -> tuple[Tensor, Tensor]:
    """Put a layer's reference keys and values behind the `length` text tokens, where klein-kv has them."""
    if reference is None:
        return key, value
    return (
        torch.cat((key[:, :, :length], reference.key, key[:, :, length:]), dim=2),
        torch.cat((value[:, :, :length], reference.value, value[:, :, length:]), dim=2),
    )


def fit_half(x: Tensor) -> Tensor:
    """float16 overflows in these blocks: cut to its range, as diffusers does. Other dtypes pass."""
    return x.clip(-65504, 65504) if x.dtype == torch.float16 else x


class TimestepEmbedding(nn.Module):
    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.channels = channels
        self.linear_1 = nn.Linear(channels, width, bias=False)
        self.linear_2 = nn.Linear(width, width, bias=False)

    def forward(self, value_B: Tensor) -> Tensor:
        half = self.channels // 2
        steps = torch.arange(half, dtype=torch.float32, device=value_B.device)
        angles = value_B[:, None].float() * torch.exp(-math.log(10000) * steps / half)
        waves = torch.cat((angles.cos(), angles.sin()), dim=-1).to(value_B.dtype)
        out: Tensor = self.linear_2(F.silu(self.linear_1(waves)))
        return out


class TimeGuidanceEmbedding(nn.Module):
    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        channels, width = config.timestep_guidance_channels, config.width
        self.timestep_embedder = TimestepEmbedding(channels, width)
        self.guidance_embedder = TimestepEmbedding(channels, width) if config.guidance_embeds else None

    def forward(self, timestep_B: Tensor, guidance_B: Tensor | None) -> Tensor:
        embedded: Tensor = self.timestep_embedder(timestep_B)
        if guidance_B is not None and self.guidance_embedder is not None:
            embedded = embedded + self.guidance_embedder(guidance_B)
        return embedded


class Projection(nn.Module):
    """A linear layer behind a SiLU; the shared modulations and the final one are of this form."""

    def __init__(self, width: int, parts: int) -> None:
        super().__init__()
        self.parts = parts
        self.linear = nn.Linear(width, parts * width, bias=False)

    def forward(self, embedded_BD: Tensor) -> tuple[Tensor, ...]:
        """parts x (B, 1, D)"""
        return self.linear(F.silu(embedded_BD)).unsqueeze(1).chunk(self.parts, dim=-1)  # type: ignore[no-any-return]


class Transformer(nn.Module):
    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.time_guidance_embed = TimeGuidanceEmbedding(config)
        self.double_stream_modulation_img = Projection(width, 6)
        self.double_stream_modulation_txt = Projection(width, 6)
        self.single_stream_modulation = Projection(width, 3)
        self.x_embedder = nn.Linear(config.in_channels, width, bias=False)
        self.context_embedder = nn.Linear(config.joint_attention_dim, width, bias=False)
        self.transformer_blocks = nn.ModuleList(DoubleStreamBlock(config) for _ in range(config.num_layers))
        self.single_transformer_blocks = nn.ModuleList(
            SingleStreamBlock(config) for _ in range(config.num_single_layers)
        )
        self.norm_out = Projection(width, 2)
        self.proj_out = nn.Linear(width, config.out_channels or config.in_channels, bias=False)

    def rope(self, ids: Tensor) -> Rope:
        """The table of position ids (S, 4)."""
        return rope_table(ids, self.config.axes_dims_rope, self.config.rope_theta)

    def modulations(self, timestep_B: Tensor, guidance_B: Tensor | None = None) -> Modulations:
        """timestep in [0, 1000], guidance x 1000; both in the dtype that the model computes in."""
        embedded = self.time_guidance_embed(timestep_B, guidance_B)
        image = self.double_stream_modulation_img(embedded)
        text = self.double_stream_modulation_txt(embedded)
        out_scale, out_shift = self.norm_out(embedded)

        def modulation(shift: Tensor, scale: Tensor, gate: Tensor) -> Modulation:
            return Modulation(shift, 1 + scale, gate)

        return Modulations(
            image=(modulation(*image[:3]), modulation(*image[3:])),
            text=(modulation(*text[:3]), modulation(*text[3:])),
            single=modulation(*self.single_stream_modulation(embedded)),
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
        """The velocity (B, N, C) at the image tokens.

        `rope` covers text, then image. `references`: one pair a layer, from `reference_kv`.
        """
        image, text = self.x_embedder(image_BNC), self.context_embedder(text_BLX)
        length, doubles = text.shape[1], len(self.transformer_blocks)
        layers: Sequence[KeyValue | None] = references or [None] * (doubles + len(self.single_transformer_blocks))
        for block, reference in zip(self.transformer_blocks, layers[:doubles], strict=True):
            image, text = block(image, text, mods, rope, reference)
        x = torch.cat((text, image), dim=1)
        for block, reference in zip(self.single_transformer_blocks, layers[doubles:], strict=True):
            x, _ = block(x, mods, rope, reference, length)
        x = F.layer_norm(x[:, length:], (self.config.width,), eps=self.config.eps)
        velocity: Tensor = self.proj_out(x * mods.out_scale + mods.out_shift)
        return velocity

    def reference_kv(self, references_BRC: Tensor, mods: Modulations, rope: Rope) -> list[KeyValue]:
        """Keys and values of the references in every layer, from a pass of the references alone.

        `mods` are those of timestep 0 (and the guidance); `rope` covers the reference tokens.
        """
        x, pairs = self.x_embedder(references_BRC), []
        for block in self.transformer_blocks:
            x, pair = cast(DoubleStreamBlock, block).reference(x, mods, rope)
            pairs.append(pair)
        for block in self.single_transformer_blocks:
            x, pair = block(x, mods, rope)
            pairs.append(pair)
        return pairs
