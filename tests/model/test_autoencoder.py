"""The autoencoder against diffusers' on random weights, and its tensors against the real checkpoints'."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import AutoencoderKLFlux2, Flux2KleinPipeline

from model.autoencoder import Autoencoder, AutoencoderConfig, patchify, unpatchify
from model.errors import CheckpointError
from tests.model.layout import elements_of, randomise, real_layout, shapes_of

SMALL: dict[str, Any] = {
    "block_out_channels": (8, 16, 16, 24),
    "layers_per_block": 1,
    "latent_channels": 6,
    "norm_num_groups": 4,
}
VARIANTS: list[dict[str, Any]] = [
    {},
    {"layers_per_block": 2},
    {"decoder_block_out_channels": (4, 8, 12, 16)},
    {"mid_block_add_attention": False},
    {"use_quant_conv": False, "use_post_quant_conv": False},
    {"batch_norm_eps": 0.3},
]


def pair(**changes: Any) -> tuple[Autoencoder, Any]:
    config = SMALL | changes
    levels = len(config["block_out_channels"])
    theirs = randomise(
        AutoencoderKLFlux2(
            down_block_types=("DownEncoderBlock2D",) * levels, up_block_types=("UpDecoderBlock2D",) * levels, **config
        ),
        spread=0.5,
    )
    ours = Autoencoder(AutoencoderConfig(**config)).eval()
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


@torch.inference_mode()
@pytest.mark.parametrize("changes", VARIANTS, ids=str)
@pytest.mark.parametrize("size", [(32, 48), (64, 16)])
def test_latents_and_pictures_equal_diffusers(changes: dict[str, Any], size: tuple[int, int]) -> None:
    ours, theirs = pair(**changes)
    pictures = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1)) * 2 - 1
    mean, std = theirs.bn.running_mean, torch.sqrt(theirs.bn.running_var + theirs.config.batch_norm_eps)
    mean, std = mean.view(1, -1, 1, 1), std.view(1, -1, 1, 1)

    latents = ours.encode(pictures)
    wanted = (Flux2KleinPipeline._patchify_latents(theirs.encode(pictures).latent_dist.mode()) - mean) / std
    assert latents.shape == (2, 24, size[0] // 16, size[1] // 16)
    assert wanted.std() > 0.1
    torch.testing.assert_close(latents, wanted, rtol=1e-4, atol=1e-4)

    decoded = ours.decode(latents)
    back = theirs.decode(Flux2KleinPipeline._unpatchify_latents(wanted * std + mean)).sample
    assert decoded.shape == pictures.shape
    assert back.std() > 0.1
    torch.testing.assert_close(decoded, back, rtol=1e-4, atol=1e-4)


def test_patches_are_laid_out_as_in_diffusers() -> None:
    z = torch.arange(2 * 3 * 4 * 6.0).view(2, 3, 4, 6)
    assert torch.equal(patchify(z), Flux2KleinPipeline._patchify_latents(z))
    assert torch.equal(unpatchify(patchify(z)), z)


@pytest.mark.parametrize("name", ["vae", "vae-small-decoder"])
def test_tensors_are_those_of_the_real_checkpoint(name: str) -> None:
    config, shapes, elements = real_layout(name)
    with torch.device("meta"):
        module = Autoencoder(AutoencoderConfig.from_dict(config))
    assert shapes_of(module) == shapes
    assert elements_of(module) == elements


def test_a_config_of_another_class_is_refused() -> None:
    with pytest.raises(CheckpointError, match=r"'AutoencoderKL'; a FLUX.2 checkpoint has 'AutoencoderKLFlux2' here"):
        AutoencoderConfig.from_dict({"_class_name": "AutoencoderKL"})
