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
    diffusers_model = randomise(
        AutoencoderKLFlux2(
            down_block_types=("DownEncoderBlock2D",) * levels, up_block_types=("UpDecoderBlock2D",) * levels, **config
        ),
        spread=0.5,
    )
    model = Autoencoder(AutoencoderConfig(**config)).eval()
    model.load_state_dict(diffusers_model.state_dict())
    return model, diffusers_model


@torch.inference_mode()
@pytest.mark.parametrize("changes", VARIANTS, ids=str)
@pytest.mark.parametrize("size", [(32, 48), (64, 16)])
def test_latents_and_pictures_equal_diffusers(changes: dict[str, Any], size: tuple[int, int]) -> None:
    model, diffusers_model = pair(**changes)
    compare_with_diffusers(model, diffusers_model, size)


@torch.inference_mode()
@pytest.mark.parametrize("changes", [{}, {"layers_per_block": 2}, VARIANTS[2]], ids=str)
@pytest.mark.parametrize("size", [(144, 176), (16, 128), (128, 16)], ids=str)
def test_tiles_equal_diffusers_which_runs_in_one_piece(
    changes: dict[str, Any], size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, diffusers_model = pair(**changes)
    tile_counts = count_tiles(monkeypatch)
    compare_with_diffusers(model, diffusers_model, size)
    assert not tile_counts
    with in_tiles(3000):
        compare_with_diffusers(model, diffusers_model, size)
    assert sum(tile_counts) > len(tile_counts) > 30


def compare_with_diffusers(model: Autoencoder, diffusers_model: Any, size: tuple[int, int]) -> None:
    pictures = picture(*size, batch=2)
    statistics = diffusers_model.bn
    mean = statistics.running_mean.view(1, -1, 1, 1)
    std = torch.sqrt(statistics.running_var + diffusers_model.config.batch_norm_eps).view(1, -1, 1, 1)

    latents = model.encode(pictures)
    expected = (Flux2KleinPipeline._patchify_latents(diffusers_model.encode(pictures).latent_dist.mode()) - mean) / std
    assert latents.shape == (2, 24, size[0] // 16, size[1] // 16)
    assert expected.std() > 0.1
    torch.testing.assert_close(latents, expected, rtol=1e-4, atol=1e-4)

    decoded = model.decode(latents)
    expected_pictures = diffusers_model.decode(Flux2KleinPipeline._unpatchify_latents(expected * std + mean)).sample
    assert decoded.shape == pictures.shape
    assert expected_pictures.std() > 0.1
    torch.testing.assert_close(decoded, expected_pictures, rtol=1e-4, atol=1e-4)


def picture(height: int, width: int, batch: int = 1) -> Tensor:
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(1)) * 2 - 1


def count_tiles(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Returns a list that gets each tiled layer's number of tiles when the layer runs."""
    tile_counts: list[int] = []
    windows = tiled.windows

    def counted(*args: Any) -> Iterator[tuple[int, int, Tensor]]:
        tile_counts.append(0)
        for window in windows(*args):
            tile_counts[-1] += 1
            yield window

    monkeypatch.setattr(tiled, "windows", counted)
    return tile_counts


@torch.inference_mode()
@pytest.mark.parametrize("elements", [1, 3000, 1 << 30], ids=["a row", "some rows", "all rows"])
@pytest.mark.parametrize("size", [(144, 80), (16, 128), (128, 16), (48, 48)], ids=str)
@pytest.mark.parametrize("changes", [{}, VARIANTS[2]], ids=str)
def test_tiles_equal_one_piece(changes: dict[str, Any], size: tuple[int, int], elements: int) -> None:
    model, _ = pair(**changes)
    latents = model.encode(picture(*size))
    decoded = model.decode(latents)
    with in_tiles(elements):
        torch.testing.assert_close(model.encode(picture(*size)), latents, rtol=1e-5, atol=2e-5)
        tiled_result = model.decode(latents)
    torch.testing.assert_close(tiled_result, decoded, rtol=1e-5, atol=2e-5)
    levels, expected = (to_levels(picture).int() for picture in (tiled_result[0], decoded[0]))
    assert expected.float().std() > 20
    assert (levels - expected).abs().max() <= 1


@torch.inference_mode()
@pytest.mark.parametrize("elements", [1, 3000], ids=["a row", "some rows"])
def test_tiles_in_bfloat16_are_as_accurate_as_one_piece(elements: int) -> None:
    """bfloat16 shows any change in the order of a sum, so the errors against float32 are compared."""
    model, _ = pair()
    pictures = picture(144, 80)
    latents = model.encode(pictures).bfloat16()
    truth = model.encode(pictures), model.decode(latents.float())
    statistics = deepcopy(model.bn)
    model.bfloat16()
    model.bn = statistics  # a loaded model has them in float32
    plain = model.encode(pictures.bfloat16()), model.decode(latents)
    with in_tiles(elements):
        tiled_result = model.encode(pictures.bfloat16()), model.decode(latents)
    assert [one.dtype for one in tiled_result] == [torch.float32, torch.bfloat16]
    for true, one, other in zip(truth, plain, tiled_result, strict=True):
        assert 0 < (other - true).square().mean() < 1.1 * (one - true).square().mean()


@torch.inference_mode()
@pytest.mark.parametrize("elements", [3000, 0], ids=["tiles", "one piece"])
def test_no_convolution_uses_tf32(elements: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU would use it by default. The caller's setting is restored afterwards."""
    model, _ = pair()
    allowed: list[bool] = []
    convolve = F.conv2d

    def recording(*args: Any, **options: Any) -> Tensor:
        allowed.append(torch.backends.cudnn.allow_tf32)
        return convolve(*args, **options)

    monkeypatch.setattr(F, "conv2d", recording)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    with in_tiles(elements) if elements else nullcontext():
        model.decode(model.encode(picture(64, 48)))
    assert len(allowed) > 20 and not any(allowed)
    assert torch.backends.cudnn.allow_tf32


def test_no_tiles_with_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = pair()
    tile_counts = count_tiles(monkeypatch)
    with in_tiles(3000):
        model.decode(model.encode(picture(64, 48))).square().mean().backward()
        assert not tile_counts
        with torch.no_grad():
            model.decode(model.encode(picture(64, 48)))
    assert tile_counts
    assert all(parameter.grad is not None for name, parameter in model.decoder.named_parameters())


@torch.no_grad()
@pytest.mark.parametrize("elements", [3000, None], ids=["tiles", "one piece"])
def test_older_activations_are_freed_while_a_layer_runs(elements: int | None) -> None:
    model, _ = pair()
    outputs: list[weakref.ref[Tensor]] = []
    layers = [*layers_of(model.encoder.down_blocks), *layers_of(model.decoder.up_blocks)]

    def record(module: Any, args: Any, output: Tensor) -> None:
        outputs.append(weakref.ref(output))
        assert {id(ref()) for ref in outputs if ref() is not None} <= {id(args[0]), id(output)}

    for layer in layers:
        layer.register_forward_hook(record)
    with in_tiles(elements) if elements else nullcontext():
        model.decode(model.encode(picture(64, 48)))
    assert len(outputs) == len(layers)


def test_patches_are_laid_out_like_diffusers() -> None:
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


def test_a_config_of_another_class_is_rejected() -> None:
    with pytest.raises(CheckpointError, match=r"'AutoencoderKL'; a FLUX.2 checkpoint has 'AutoencoderKLFlux2' here"):
        AutoencoderConfig.from_dict({"_class_name": "AutoencoderKL"})
