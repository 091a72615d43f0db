"""The autoencoder against diffusers' on random weights, and its tensors against the real checkpoints'."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import nullcontext
from copy import deepcopy
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKLFlux2, Flux2KleinPipeline
from torch import Tensor
from torch.nn import functional as F

from brandpress.model.errors import CheckpointError
from brandpress.model.inference.preprocess import to_levels
from brandpress.model.network import tiled
from brandpress.model.network.autoencoder import Autoencoder, AutoencoderConfig, layers_of, patchify, unpatchify
from tests.model.layout import elements_of, randomise, real_layout, shapes_of
from tests.model.network.test_tiled import in_tiles

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
    compare_with_diffusers(ours, theirs, size)


@torch.inference_mode()
@pytest.mark.parametrize("changes", [{}, {"layers_per_block": 2}, VARIANTS[2]], ids=str)
@pytest.mark.parametrize("size", [(144, 176), (16, 128), (128, 16)], ids=str)
def test_tiles_equal_diffusers_in_one_piece(
    changes: dict[str, Any], size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = pair(**changes)
    taken = count_windows(monkeypatch)
    compare_with_diffusers(ours, theirs, size)
    assert not taken
    with in_tiles(3000):
        compare_with_diffusers(ours, theirs, size)
    assert sum(taken) > len(taken) > 30


def compare_with_diffusers(ours: Autoencoder, theirs: Any, size: tuple[int, int]) -> None:
    pictures = picture(*size, batch=2)
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


def picture(height: int, width: int, batch: int = 1) -> Tensor:
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


def count_windows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts the tiles of each layer as it runs."""
    taken: list[int] = []
    windows = tiled.windows

    def counted(*args: Any) -> Iterator[tuple[int, int, Tensor]]:
        taken.append(0)
        for window in windows(*args):
            taken[-1] += 1
            yield window

    monkeypatch.setattr(tiled, "windows", counted)
    return taken


@torch.inference_mode()
@pytest.mark.parametrize("elements", [1, 3000, 1 << 30], ids=["a row", "some rows", "all rows"])
@pytest.mark.parametrize("size", [(144, 80), (16, 128), (128, 16), (48, 48)], ids=str)
@pytest.mark.parametrize("changes", [{}, VARIANTS[2]], ids=str)
def test_tiles_give_what_one_piece_gives(changes: dict[str, Any], size: tuple[int, int], elements: int) -> None:
    ours, _ = pair(**changes)
    latents = ours.encode(picture(*size))
    decoded = ours.decode(latents)
    with in_tiles(elements):
        torch.testing.assert_close(ours.encode(picture(*size)), latents, rtol=1e-5, atol=2e-5)
        tiled_result = ours.decode(latents)
    torch.testing.assert_close(tiled_result, decoded, rtol=1e-5, atol=2e-5)
    levels, expected = (to_levels(picture).int() for picture in (tiled_result[0], decoded[0]))
    assert expected.float().std() > 20
    assert (levels - expected).abs().max() <= 1


@torch.inference_mode()
@pytest.mark.parametrize("elements", [1, 3000], ids=["a row", "some rows"])
def test_tiles_in_bfloat16_are_as_near_to_float32_as_one_piece_is(elements: int) -> None:
    """One number in 256 is kept, so that any other order of a sum shows; what counts is that no error is added."""
    ours, _ = pair()
    pictures = picture(144, 80)
    latents = ours.encode(pictures).bfloat16()
    truth = ours.encode(pictures), ours.decode(latents.float())
    statistics = deepcopy(ours.bn)
    ours.bfloat16()
    ours.bn = statistics  # as they are when it's loaded
    plain = ours.encode(pictures.bfloat16()), ours.decode(latents)
    with in_tiles(elements):
        tiled_result = ours.encode(pictures.bfloat16()), ours.decode(latents)
    assert [one.dtype for one in tiled_result] == [torch.float32, torch.bfloat16]
    for true, one, other in zip(truth, plain, tiled_result, strict=True):
        assert 0 < (other - true).square().mean() < 1.1 * (one - true).square().mean()


@torch.inference_mode()
@pytest.mark.parametrize("elements", [3000, 0], ids=["tiles", "one piece"])
def test_no_convolution_may_round_float32_to_ten_bits(elements: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which a GPU does by default; what the caller has set holds again afterwards."""
    ours, _ = pair()
    allowed: list[bool] = []
    convolve = F.conv2d

    def noted(*args: Any, **options: Any) -> Tensor:
        allowed.append(torch.backends.cudnn.allow_tf32)
        return convolve(*args, **options)

    monkeypatch.setattr(F, "conv2d", noted)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    with in_tiles(elements) if elements else nullcontext():
        ours.decode(ours.encode(picture(64, 48)))
    assert len(allowed) > 20 and not any(allowed)
    assert torch.backends.cudnn.allow_tf32


def test_with_gradients_nothing_is_made_in_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, _ = pair()
    taken = count_windows(monkeypatch)
    with in_tiles(3000):
        ours.decode(ours.encode(picture(64, 48))).square().mean().backward()
        assert not taken
        with torch.no_grad():
            ours.decode(ours.encode(picture(64, 48)))
    assert taken
    assert all(parameter.grad is not None for name, parameter in ours.decoder.named_parameters())


@torch.no_grad()
@pytest.mark.parametrize("elements", [3000, None], ids=["tiles", "one piece"])
def test_a_layer_holds_its_input_and_nothing_older(elements: int | None) -> None:
    ours, _ = pair()
    outputs: list[weakref.ref[Tensor]] = []
    layers = [*layers_of(ours.encoder.down_blocks), *layers_of(ours.decoder.up_blocks)]

    def note(module: Any, args: Any, output: Tensor) -> None:
        outputs.append(weakref.ref(output))
        assert {id(ref()) for ref in outputs if ref() is not None} <= {id(args[0]), id(output)}

    for layer in layers:
        layer.register_forward_hook(note)
    with in_tiles(elements) if elements else nullcontext():
        ours.decode(ours.encode(picture(64, 48)))
    assert len(outputs) == len(layers)


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
