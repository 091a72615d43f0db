"""FLUX.2's autoencoder: pictures <-> latent tokens.

A convolutional KL autoencoder (8x downsampling) with 2x2 patches on top, so a token is 16x16 pixels. Latents are
normalised with stored batch-norm statistics. Parameter names are those of diffusers' `AutoencoderKLFlux2`.
Source: black-forest-labs/flux2 `autoencoder.py`, diffusers 0.42.1 `autoencoder_kl_flux2.py`.

Legend: B batch, H W picture pixels, h w latent grid (H/16, W/16), c latent channels, C = 4c token channels; inside
the blocks, Z channels and X Y rows and columns at any resolution, N = X*Y positions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from brandpress.model.network import tiled
from brandpress.model.network.config import AutoencoderConfig
from brandpress.model.network.kernels import EAGER, Kernels


class ResnetBlock(nn.Module):
    """Two normed convolutions beside a shortcut: (B, Z, X, Y) -> (B, Z', X, Y)."""

    def __init__(self, channels_in: int, channels_out: int, groups: int) -> None:
        super().__init__()
        self.norm1 = tiled.NormSilu(groups, channels_in, eps=1e-6)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm2 = tiled.NormSilu(groups, channels_out, eps=1e-6)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(channels_in, channels_out, 1) if channels_in != channels_out else None

    def forward(self, x_BZXY: Tensor) -> Tensor:
        hidden_BZXY = tiled.conv(x_BZXY, self.conv1, self.norm1)
        return tiled.residual(x_BZXY, self.conv_shortcut, hidden_BZXY, self.conv2, self.norm2)


class MidAttention(nn.Module):
    """Self-attention over all positions, with one head: (B, Z, X, Y) -> (B, Z, X, Y)."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.group_norm = nn.GroupNorm(groups, channels, eps=1e-6)
        self.to_q = nn.Linear(channels, channels)
        self.to_k = nn.Linear(channels, channels)
        self.to_v = nn.Linear(channels, channels)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])
        self.kernels = EAGER

    def forward(self, x_BZXY: Tensor) -> Tensor:
        normed_BNZ = self.group_norm(x_BZXY.flatten(2)).transpose(1, 2)
        q_B1NZ, k_B1NZ, v_B1NZ = (layer(normed_BNZ).unsqueeze(1) for layer in (self.to_q, self.to_k, self.to_v))
        mixed_BNZ = tiled.attention(q_B1NZ, k_B1NZ, v_B1NZ, self.kernels).squeeze(1)
        out_BNZ: Tensor = self.to_out[0](mixed_BNZ)
        return x_BZXY + out_BNZ.transpose(1, 2).reshape(x_BZXY.shape)


class MidBlock(nn.Module):
    """Two resnet blocks with an optional attention between: (B, Z, X, Y) -> (B, Z, X, Y)."""

    def __init__(self, channels: int, groups: int, *, attention: bool) -> None:
        super().__init__()
        self.resnets = nn.ModuleList([ResnetBlock(channels, channels, groups) for _ in range(2)])
        self.attentions = nn.ModuleList([MidAttention(channels, groups)] if attention else [])

    def forward(self, x_BZXY: Tensor) -> Tensor:
        x_BZXY = self.resnets[0](x_BZXY)
        for attention in self.attentions:
            x_BZXY = attention(x_BZXY)
        out_BZXY: Tensor = self.resnets[1](x_BZXY)
        return out_BZXY


class Downsample(nn.Module):
    """(B, Z, X, Y) -> (B, Z, X/2, Y/2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x_BZXY: Tensor) -> Tensor:
        return tiled.downsample(x_BZXY, self.conv)


class Upsample(nn.Module):
    """(B, Z, X, Y) -> (B, Z, 2X, 2Y)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x_BZXY: Tensor) -> Tensor:
        return tiled.upsample(x_BZXY, self.conv)


class DownBlock(nn.Module):
    """Holds the layers of one resolution of the encoder; `layers_of` runs them."""

    def __init__(self, channels_in: int, channels_out: int, layers: int, groups: int, *, last: bool) -> None:
        super().__init__()
        widths = [channels_in] + [channels_out] * (layers - 1)
        self.resnets = nn.ModuleList([ResnetBlock(width, channels_out, groups) for width in widths])
        self.downsamplers = nn.ModuleList([] if last else [Downsample(channels_out)])


class UpBlock(nn.Module):
    """Holds the layers of one resolution of the decoder; `layers_of` runs them."""

    def __init__(self, channels_in: int, channels_out: int, layers: int, groups: int, *, last: bool) -> None:
        super().__init__()
        widths = [channels_in] + [channels_out] * (layers - 1)
        self.resnets = nn.ModuleList([ResnetBlock(width, channels_out, groups) for width in widths])
        self.upsamplers = nn.ModuleList([] if last else [Upsample(channels_out)])


def layers_of(blocks: nn.ModuleList) -> Iterator[nn.Module]:
    """Yields resnets and samplers in order, to run one by one: a call of a whole block would keep its input alive."""
    for block in blocks:
        for part in block.children():
            yield from part.children()


class Encoder(nn.Module):
    """Pictures (B, 3, H, W) -> moments of the posterior (B, 2c, H/8, W/8)."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        widths, groups = config.block_out_channels, config.norm_num_groups
        self.conv_in = nn.Conv2d(config.in_channels, widths[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(
            DownBlock(before, width, config.layers_per_block, groups, last=i == len(widths) - 1)
            for i, (before, width) in enumerate(zip((widths[0], *widths[:-1]), widths, strict=True))
        )
        self.mid_block = MidBlock(widths[-1], groups, attention=config.mid_block_add_attention)
        self.conv_norm_out = tiled.NormSilu(groups, widths[-1], eps=1e-6)
        self.conv_out = nn.Conv2d(widths[-1], 2 * config.latent_channels, 3, padding=1)

    def forward(self, pictures_B3HW: Tensor) -> Tensor:
        x_BZXY = tiled.conv(pictures_B3HW, self.conv_in)
        for layer in layers_of(self.down_blocks):
            x_BZXY = layer(x_BZXY)
        return tiled.conv(self.mid_block(x_BZXY), self.conv_out, self.conv_norm_out)


class Decoder(nn.Module):
    """Latents (B, c, H/8, W/8) -> pictures (B, 3, H, W)."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        widths = tuple(reversed(config.decoder_block_out_channels or config.block_out_channels))
        groups = config.norm_num_groups
        self.conv_in = nn.Conv2d(config.latent_channels, widths[0], 3, padding=1)
        self.mid_block = MidBlock(widths[0], groups, attention=config.mid_block_add_attention)
        self.up_blocks = nn.ModuleList(
            UpBlock(before, width, config.layers_per_block + 1, groups, last=i == len(widths) - 1)
            for i, (before, width) in enumerate(zip((widths[0], *widths[:-1]), widths, strict=True))
        )
        self.conv_norm_out = tiled.NormSilu(groups, widths[-1], eps=1e-6)
        self.conv_out = nn.Conv2d(widths[-1], config.out_channels, 3, padding=1)

    def forward(self, z_BcXY: Tensor) -> Tensor:
        x_BZXY = self.mid_block(tiled.conv(z_BcXY, self.conv_in))
        for layer in layers_of(self.up_blocks):
            x_BZXY = layer(x_BZXY)
        return tiled.conv(x_BZXY, self.conv_out, self.conv_norm_out)


@contextmanager
def full_float32() -> Iterator[None]:
    """Keep float32 convolutions exact: by default a GPU rounds their operands to 10 bits of mantissa (TF32)."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def patchify(z: Tensor) -> Tensor:
    """(B, c, 2h, 2w) -> (B, 4c, h, w): 2x2 neighbours become channels, in the order (c, 2, 2)."""
    return F.pixel_unshuffle(z, 2)


def unpatchify(z: Tensor) -> Tensor:
    """The reverse of `patchify`: (B, 4c, h, w) -> (B, c, 2h, 2w)."""
    return F.pixel_shuffle(z, 2)


class Autoencoder(nn.Module):
    """Encodes pictures to normalised latents and decodes latents to pictures. Tokens are the latents in row order.

    untiled_elements: activations of up to this size are computed in one piece, which is faster but takes more memory.
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
        self.untiled_elements = 0

    def use(self, kernels: Kernels) -> None:
        """Use these kernels for elementwise operations, and the memory format that they expect."""
        self.to(memory_format=torch.channels_last if kernels.channels_last else torch.contiguous_format)  # type: ignore[call-overload]
        for module in self.modules():
            if isinstance(module, tiled.NormSilu | MidAttention):
                module.kernels = kernels

    def moments(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures (B, 3, H, W) in [-1, 1] -> mean and log-variance of the posterior, (B, c, H/8, W/8) each."""
        with tiled.untiled_up_to(self.untiled_elements), full_float32():
            moments = self.encoder(pictures)
            if self.quant_conv is not None:
                moments = self.quant_conv(moments)
        mean, logvar = moments.chunk(2, dim=1)
        return mean, logvar

    def encode(self, pictures: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) in [-1, 1] -> normalised latents (B, C, h, w): the posterior's mode, never a sample."""
        mean, std = self._statistics()
        return (patchify(self.moments(pictures)[0]) - mean) / std  # float32, like the statistics

    def decode(self, latents: Tensor) -> Tensor:
        """Normalised latents (B, C, h, w) -> pictures (B, 3, H, W), roughly in [-1, 1]."""
        mean, std = self._statistics()
        dtype = self.decoder.conv_in.weight.dtype
        return self.decode_moments(unpatchify(latents * std + mean).to(dtype))

    def decode_moments(self, z: Tensor) -> Tensor:
        """Latents on the posterior's scale (B, c, H/8, W/8) -> pictures (B, 3, H, W)."""
        with tiled.untiled_up_to(self.untiled_elements), full_float32():
            if self.post_quant_conv is not None:
                z = self.post_quant_conv(z)
            pictures: Tensor = self.decoder(z)
        return pictures

    def _statistics(self) -> tuple[Tensor, Tensor]:
        mean = self.bn.get_buffer("running_mean").float().view(1, -1, 1, 1)
        std = torch.sqrt(self.bn.get_buffer("running_var").float().view(1, -1, 1, 1) + self.config.batch_norm_eps)
        return mean, std
