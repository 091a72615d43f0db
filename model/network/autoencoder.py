"""FLUX.2's autoencoder: pictures <-> latent tokens.

A convolutional KL autoencoder (8x down), 2x2 patches on top (16 pixels a token), latents normalised by stored
batch-norm statistics. Parameter names are those of diffusers' `AutoencoderKLFlux2`, so that a checkpoint's tensors need
no renaming. Source: black-forest-labs/flux2 `autoencoder.py`, diffusers 0.42.1 `autoencoder_kl_flux2.py`.

Legend: B batch, H W picture pixels, h w latent grid (H/16, W/16), c latent channels, C = 4c token channels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from brandpress.model.network import tiled as bands
from brandpress.model.network.config import read_fields
from brandpress.model.network.kernels import EAGER, Kernels


@dataclass(frozen=True, slots=True)
class AutoencoderConfig:
    """The fields of `vae/config.json` that shape the network; the defaults are FLUX.2's."""

    in_channels: int = 3
    out_channels: int = 3
    block_out_channels: tuple[int, ...] = (128, 256, 512, 512)
    decoder_block_out_channels: tuple[int, ...] | None = None
    layers_per_block: int = 2
    latent_channels: int = 32
    norm_num_groups: int = 32
    use_quant_conv: bool = True
    use_post_quant_conv: bool = True
    mid_block_add_attention: bool = True
    batch_norm_eps: float = 1e-4
    patch_size: tuple[int, int] = (2, 2)

    @classmethod
    def from_dict(cls, config: Mapping[str, Any]) -> AutoencoderConfig:
        return cls(**read_fields(cls, config, class_name="AutoencoderKLFlux2"))

    @property
    def token_channels(self) -> int:
        return self.latent_channels * self.patch_size[0] * self.patch_size[1]


class ResnetBlock(nn.Module):
    def __init__(self, channels_in: int, channels_out: int, groups: int) -> None:
        super().__init__()
        self.norm1 = bands.NormSilu(groups, channels_in, eps=1e-6)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm2 = bands.NormSilu(groups, channels_out, eps=1e-6)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(channels_in, channels_out, 1) if channels_in != channels_out else None

    def forward(self, x: Tensor) -> Tensor:
        hidden = bands.conv(x, self.conv1, self.norm1)
        return bands.residual(x, self.conv_shortcut, hidden, self.conv2, self.norm2)


class MidAttention(nn.Module):
    """Self-attention of one head over all positions."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.group_norm = nn.GroupNorm(groups, channels, eps=1e-6)
        self.to_q = nn.Linear(channels, channels)
        self.to_k = nn.Linear(channels, channels)
        self.to_v = nn.Linear(channels, channels)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])
        self.kernels = EAGER

    def forward(self, x: Tensor) -> Tensor:
        normed = self.group_norm(x.flatten(2)).transpose(1, 2)
        q, k, v = (layer(normed).unsqueeze(1) for layer in (self.to_q, self.to_k, self.to_v))
        mixed: Tensor = self.to_out[0](bands.attention(q, k, v, self.kernels).squeeze(1))
        return x + mixed.transpose(1, 2).reshape(x.shape)


class MidBlock(nn.Module):
    def __init__(self, channels: int, groups: int, attention: bool) -> None:
        super().__init__()
        self.resnets = nn.ModuleList([ResnetBlock(channels, channels, groups) for _ in range(2)])
        self.attentions = nn.ModuleList([MidAttention(channels, groups)] if attention else [])

    def forward(self, x: Tensor) -> Tensor:
        x = self.resnets[0](x)
        for attention in self.attentions:
            x = attention(x)
        out: Tensor = self.resnets[1](x)
        return out


class Downsample(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return bands.downsample(x, self.conv)


class Upsample(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return bands.upsample(x, self.conv)


class DownBlock(nn.Module):
    def __init__(self, channels_in: int, channels_out: int, layers: int, groups: int, last: bool) -> None:
        super().__init__()
        widths = [channels_in] + [channels_out] * (layers - 1)
        self.resnets = nn.ModuleList([ResnetBlock(width, channels_out, groups) for width in widths])
        self.downsamplers = nn.ModuleList([] if last else [Downsample(channels_out)])


class UpBlock(nn.Module):
    def __init__(self, channels_in: int, channels_out: int, layers: int, groups: int, last: bool) -> None:
        super().__init__()
        widths = [channels_in] + [channels_out] * (layers - 1)
        self.resnets = nn.ModuleList([ResnetBlock(width, channels_out, groups) for width in widths])
        self.upsamplers = nn.ModuleList([] if last else [Upsample(channels_out)])


def layers_of(blocks: nn.ModuleList) -> Iterator[nn.Module]:
    """Resnets and scalers in their order, to be run one by one: a call of a block would hold its input to its end."""
    for block in blocks:
        for part in block.children():
            yield from part.children()


class Encoder(nn.Module):
    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        widths, groups = config.block_out_channels, config.norm_num_groups
        self.conv_in = nn.Conv2d(config.in_channels, widths[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(
            DownBlock(before, width, config.layers_per_block, groups, last=i == len(widths) - 1)
            for i, (before, width) in enumerate(zip((widths[0], *widths[:-1]), widths, strict=True))
        )
        self.mid_block = MidBlock(widths[-1], groups, config.mid_block_add_attention)
        self.conv_norm_out = bands.NormSilu(groups, widths[-1], eps=1e-6)
        self.conv_out = nn.Conv2d(widths[-1], 2 * config.latent_channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = bands.conv(x, self.conv_in)
        for layer in layers_of(self.down_blocks):
            x = layer(x)
        return bands.conv(self.mid_block(x), self.conv_out, self.conv_norm_out)


class Decoder(nn.Module):
    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        widths = tuple(reversed(config.decoder_block_out_channels or config.block_out_channels))
        groups = config.norm_num_groups
        self.conv_in = nn.Conv2d(config.latent_channels, widths[0], 3, padding=1)
        self.mid_block = MidBlock(widths[0], groups, config.mid_block_add_attention)
        self.up_blocks = nn.ModuleList(
            UpBlock(before, width, config.layers_per_block + 1, groups, last=i == len(widths) - 1)
            for i, (before, width) in enumerate(zip((widths[0], *widths[:-1]), widths, strict=True))
        )
        self.conv_norm_out = bands.NormSilu(groups, widths[-1], eps=1e-6)
        self.conv_out = nn.Conv2d(widths[-1], config.out_channels, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        x = self.mid_block(bands.conv(z, self.conv_in))
        for layer in layers_of(self.up_blocks):
            x = layer(x)
        return bands.conv(x, self.conv_out, self.conv_norm_out)


@contextmanager
def full_float32() -> Iterator[None]:
    """Convolutions in float32 keep all its bits: by default a GPU rounds what they multiply to ten (TF32)."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def patchify(z: Tensor) -> Tensor:
    """(B, c, 2h, 2w) -> (B, 4c, h, w): 2x2 neighbours become channels, the channel outermost."""
    return F.pixel_unshuffle(z, 2)


def unpatchify(z: Tensor) -> Tensor:
    """The reverse of `patchify`: (B, 4c, h, w) -> (B, c, 2h, 2w)."""
    return F.pixel_shuffle(z, 2)


class Autoencoder(nn.Module):
    """Encodes pictures to normalised latents and back; tokens are the latents in row order.

    whole_elements: activations of up to so many elements are made in one piece, though `bands` would save memory.
    """

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        moments = 2 * config.latent_channels
        self.quant_conv = nn.Conv2d(moments, moments, 1) if config.use_quant_conv else None
        self.post_quant_conv = (
            nn.Conv2d(config.latent_channels, config.latent_channels, 1) if config.use_post_quant_conv else None
        )
        self.bn = nn.BatchNorm2d(config.token_channels, eps=config.batch_norm_eps, affine=False)
        self.whole_elements = 0

    def use(self, kernels: Kernels) -> None:
        """Compute what is elementwise by these kernels, and lay pictures out as they read them."""
        self.to(memory_format=torch.channels_last if kernels.channels_last else torch.contiguous_format)  # type: ignore[call-overload]
        for module in self.modules():
            if isinstance(module, bands.NormSilu | MidAttention):
                module.kernels = kernels

    def moments(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) in [-1, 1] -> mean and log-variance of the posterior, (B, c, H/8, W/8) each."""
        with bands.whole_up_to(self.whole_elements), full_float32():
            x = self.encoder(pictures)
            if self.quant_conv is not None:
                x = self.quant_conv(x)
        mean, logvar = x.chunk(2, dim=1)
        return mean, logvar

    def encode(self, pictures: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1] -> normalised latents (B, C, h, w). Takes the posterior's mode: never sampled."""
        mean, std = self._statistics()
        return (patchify(self.moments(pictures)[0]) - mean) / std  # in float32, as the statistics are

    def decode(self, latents: Tensor) -> Tensor:
        """Normalised latents (B, C, h, w) -> pictures (B, 3, H, W), about [-1, 1]."""
        mean, std = self._statistics()
        dtype = self.decoder.conv_in.weight.dtype
        return self.decode_moments(unpatchify(latents * std + mean).to(dtype))

    def decode_moments(self, z: Tensor) -> Tensor:
        """Latents as the posterior holds them (B, c, H/8, W/8) -> pictures (B, 3, H, W)."""
        with bands.whole_up_to(self.whole_elements), full_float32():
            if self.post_quant_conv is not None:
                z = self.post_quant_conv(z)
            pictures: Tensor = self.decoder(z)
        return pictures

    def _statistics(self) -> tuple[Tensor, Tensor]:
        mean = self.bn.get_buffer("running_mean").float().view(1, -1, 1, 1)
        std = torch.sqrt(self.bn.get_buffer("running_var").float().view(1, -1, 1, 1) + self.config.batch_norm_eps)
        return mean, std
