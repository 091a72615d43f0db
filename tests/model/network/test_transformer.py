"""The transformer against diffusers' with random weights, and its tensors against the real checkpoints'."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import Flux2Transformer2DModel
from diffusers.models.transformers.transformer_flux2 import Flux2KVAttnProcessor, Flux2KVParallelSelfAttnProcessor
from torch import Tensor

from brandpress.model.errors import CheckpointError
from brandpress.model.network.positions import image_ids, reference_ids, text_ids
from brandpress.model.network.transformer import Transformer, TransformerConfig, clip_float16
from tests.model.layout import elements_of, randomise, real_layout, shapes_of

SMALL: dict[str, Any] = {
    "in_channels": 16,
    "num_layers": 2,
    "num_single_layers": 3,
    "attention_head_dim": 16,
    "num_attention_heads": 3,
    "joint_attention_dim": 20,
    "axes_dims_rope": (2, 6, 4, 4),
}
TEXT = 7
GRIDS = [(2, 3), (4, 1), (3, 3)]
CLOSE: dict[str, Any] = {"rtol": 1e-4, "atol": 2e-5}


def pair(**changes: Any) -> tuple[Transformer, Any]:
    """Our transformer and diffusers', with the same random weights."""
    config = {**SMALL, "guidance_embeds": False} | changes
    diffusers_model = randomise(Flux2Transformer2DModel(**config))
    model = Transformer(TransformerConfig(**config)).eval()
    model.load_state_dict(diffusers_model.state_dict())
    return model, diffusers_model


def with_kv(diffusers_model: Any) -> Any:
    for block in diffusers_model.transformer_blocks:
        block.attn.set_processor(Flux2KVAttnProcessor())
    for block in diffusers_model.single_transformer_blocks:
        block.attn.set_processor(Flux2KVParallelSelfAttnProcessor())
    return diffusers_model


def tokens(count: int, channels: int, seed: int, batch: int = 1) -> Tensor:
    return torch.randn(batch, count, channels, generator=torch.Generator().manual_seed(seed))


def total(grids: list[tuple[int, int]]) -> int:
    return sum(height * width for height, width in grids)


@torch.inference_mode()
@pytest.mark.parametrize("references", [0, 1, 3])
@pytest.mark.parametrize("grid", [(4, 4), (1, 9)])
@pytest.mark.parametrize(
    "changes",
    [{}, {"guidance_embeds": True}, {"mlp_ratio": 2.0, "rope_theta": 300}, {"out_channels": 6, "eps": 1e-3}],
    ids=str,
)
def test_velocity_equals_diffusers(changes: dict[str, Any], grid: tuple[int, int], references: int) -> None:
    model, diffusers_model = pair(**changes)
    count, reference_grids = grid[0] * grid[1], GRIDS[:references]
    image, text = tokens(count + total(reference_grids), 16, 1, batch=2), tokens(TEXT, 20, 2, batch=2)
    time = torch.tensor([0.7, 0.25])
    guidance = torch.tensor([4.0, 2.5]) if changes.get("guidance_embeds") else None
    ids = torch.cat((image_ids(*grid), reference_ids(reference_grids)))
    expected = diffusers_model(image, text, time, ids, text_ids(TEXT), guidance).sample
    mods = model.modulations(time * 1000, None if guidance is None else guidance * 1000)
    rope = model.rope(torch.cat((text_ids(TEXT), ids)))
    assert expected.std() > 0.1
    torch.testing.assert_close(model(image, text, mods, rope), expected, **CLOSE)


@pytest.mark.parametrize("references", [0, 2])
def test_gradients_do_not_change_the_result(references: int) -> None:
    """Attention and norms have other implementations for training."""
    model, _ = pair()
    grids, ids = GRIDS[:references], torch.cat((text_ids(TEXT), image_ids(4, 4)))
    image, text, reference_tokens = tokens(16, 16, 1), tokens(TEXT, 20, 2), tokens(total(grids), 16, 3)

    def velocity() -> Tensor:
        still = model.modulations(torch.zeros(1))
        kv = model.reference_kv(reference_tokens, still, model.rope(reference_ids(grids))) if references else None
        result: Tensor = model(image, text, model.modulations(torch.tensor([700.0])), model.rope(ids), kv)
        return result

    trained = velocity()
    assert trained.requires_grad
    with torch.inference_mode():
        torch.testing.assert_close(trained.detach(), velocity(), **CLOSE)


def test_guidance_changes_the_modulations() -> None:
    model, _ = pair(guidance_embeds=True)
    weak, strong = (model.modulations(torch.tensor([500.0]), torch.tensor([g])) for g in (1000.0, 4000.0))
    assert (weak.single.scale - strong.single.scale).abs().max() > 0.01


@torch.inference_mode()
@pytest.mark.parametrize("guidance_embeds", [False, True])
@pytest.mark.parametrize("references", [1, 3])
def test_reference_kv_equals_diffusers_in_both_its_modes(references: int, guidance_embeds: bool) -> None:
    model, diffusers_model = pair(guidance_embeds=guidance_embeds)
    with_kv(diffusers_model)
    grids, grid = GRIDS[:references], (4, 2)
    tokens_of_references, image, text = tokens(total(grids), 16, 1), tokens(8, 16, 2), tokens(TEXT, 20, 3)
    guidance = torch.tensor([3.0]) if guidance_embeds else None
    ids, ids_of_references = image_ids(*grid), reference_ids(grids)
    thousand = None if guidance is None else guidance * 1000
    kv = model.reference_kv(
        tokens_of_references, model.modulations(torch.zeros(1), thousand), model.rope(ids_of_references)
    )
    rope = model.rope(torch.cat((text_ids(TEXT), ids)))

    extracting = diffusers_model(
        torch.cat((tokens_of_references, image), dim=1), text, torch.tensor([0.9]),
        torch.cat((ids_of_references, ids)), text_ids(TEXT), guidance,
        kv_cache_mode="extract", num_ref_tokens=total(grids),
    )  # fmt: skip
    reusing = diffusers_model(
        image,
        text,
        torch.tensor([0.4]),
        ids,
        text_ids(TEXT),
        guidance,
        kv_cache=extracting.kv_cache,
        kv_cache_mode="cached",
    )
    layers = [*extracting.kv_cache.double_block_caches, *extracting.kv_cache.single_block_caches]
    for layer, result in zip(layers, kv, strict=True):
        torch.testing.assert_close(result.key, layer.k_ref.transpose(1, 2), **CLOSE)
        torch.testing.assert_close(result.value, layer.v_ref.transpose(1, 2), **CLOSE)
    for time, expected in ((0.9, extracting.sample), (0.4, reusing.sample)):
        mods = model.modulations(torch.tensor([time * 1000]), thousand)
        torch.testing.assert_close(model(image, text, mods, rope, kv), expected, **CLOSE)


@torch.inference_mode()
def test_reference_kv_does_not_depend_on_prompt_noise_or_time() -> None:
    """So a campaign can share it. diffusers' passes include prompt and target, and their reference KV is equal."""
    model, diffusers_model = pair()
    with_kv(diffusers_model)
    references, ids = tokens(total(GRIDS), 16, 1), reference_ids(GRIDS)
    kv = model.reference_kv(references, model.modulations(torch.zeros(1)), model.rope(ids))
    for seed, time, grid in ((2, 0.9, (2, 2)), (3, 0.3, (5, 1))):
        image = tokens(grid[0] * grid[1], 16, seed)
        result = diffusers_model(
            torch.cat((references, image), dim=1), tokens(TEXT, 20, seed), torch.tensor([time]),
            torch.cat((ids, image_ids(*grid))), text_ids(TEXT), kv_cache_mode="extract", num_ref_tokens=total(GRIDS),
        ).kv_cache  # fmt: skip
        for expected, layer in zip(kv, [*result.double_block_caches, *result.single_block_caches], strict=True):
            torch.testing.assert_close(expected.key, layer.k_ref.transpose(1, 2), **CLOSE)


@torch.inference_mode()
def test_references_are_distinguished_only_by_their_order() -> None:
    model, _ = pair()
    rope, mods = model.rope(reference_ids([(2, 2), (2, 2)])), model.modulations(torch.zeros(1))
    one, other = tokens(4, 16, 1), tokens(4, 16, 2)
    straight, swapped = (
        model.reference_kv(torch.cat(order, dim=1), mods, rope) for order in ((one, other), (other, one))
    )
    values = swapped[0].value.roll(4, dims=2)
    torch.testing.assert_close(straight[0].value, values)  # the first layer's values don't depend on the position
    assert (straight[0].key - swapped[0].key.roll(4, dims=2)).abs().max() > 0.01
    assert (straight[-1].value - swapped[-1].value.roll(4, dims=2)).abs().max() > 1e-3


@pytest.mark.parametrize("name", ["klein-4b", "klein-9b", "dev"])
def test_tensors_are_those_of_the_real_checkpoint(name: str) -> None:
    config, shapes, elements = real_layout(name)
    with torch.device("meta"):
        module = Transformer(TransformerConfig.from_dict(config))
    assert shapes_of(module) == shapes
    assert elements_of(module) == elements


def test_defaults_are_those_of_dev() -> None:
    assert TransformerConfig() == TransformerConfig.from_dict(real_layout("dev")[0])


def test_a_config_of_another_class_is_rejected() -> None:
    with pytest.raises(CheckpointError, match=r"'FluxTransformer2DModel'; a FLUX.2 checkpoint has 'Flux2Transformer"):
        TransformerConfig.from_dict({"_class_name": "FluxTransformer2DModel"})


def test_only_float16_is_clipped() -> None:
    large = torch.tensor([70000.0, -1e9, 3.0])
    assert clip_float16(large) is large
    assert clip_float16(torch.tensor([float("inf"), -5.0], dtype=torch.float16)).tolist() == [65504.0, -5.0]
