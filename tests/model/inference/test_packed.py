"""The packed pass against `Transformer.forward`, which is tested against diffusers, for different sets of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from brandpress.model.inference.packed import PackedPass
from brandpress.model.inference.reference_kv import ReferenceKV
from brandpress.model.inference.segments import Segment
from brandpress.model.inference.workspace import Workspace
from brandpress.model.network.compiled_kernels import compiled_kernels
from brandpress.model.network.fp8 import Fp8Linear, quantise
from brandpress.model.network.kernels import EAGER, Kernels
from brandpress.model.network.lora import LoraUpdate, apply_loras
from brandpress.model.network.modulation import Modulations
from brandpress.model.network.positions import image_ids, reference_ids, text_ids
from brandpress.model.network.transformer import KeyValue, Transformer
from tests.model.network.test_transformer import CLOSE, TEXT, pair, tokens, total

Grids = list[tuple[int, int]]
ALONE: list[tuple[tuple[int, int], Grids]] = [((4, 4), [])]
CASES: dict[str, list[tuple[tuple[int, int], Grids]]] = {
    "alone": ALONE,
    "alone, with references": [((4, 4), [(2, 3), (3, 3)])],
    "alike": [((4, 4), [(2, 3)]), ((4, 4), [(3, 2)]), ((4, 4), [(2, 3)])],
    "other references": [((4, 4), []), ((4, 4), [(2, 3), (1, 1)]), ((4, 4), [(4, 1)])],
    "other sizes": [((1, 3), []), ((5, 2), [(2, 2)])],
}


@dataclass
class Picture:
    """Inputs of one picture, seeded by its number."""

    grid: tuple[int, int]
    references: Grids
    number: int

    @property
    def image(self) -> Tensor:
        return tokens(self.grid[0] * self.grid[1], 16, self.number)

    @property
    def reference_tokens(self) -> Tensor:
        return tokens(total(self.references), 16, 100 + self.number)

    @property
    def text(self) -> Tensor:
        return tokens(TEXT, 20, 200 + self.number)


def pictures(case: Sequence[tuple[tuple[int, int], Grids]]) -> list[Picture]:
    return [Picture(grid, references, number) for number, (grid, references) in enumerate(case)]


def mods_at(model: Transformer, time: float) -> Modulations:
    guidance = torch.tensor([3000.0]) if model.config.guidance_embeds else None
    return model.modulations(torch.tensor([time * 1000]), guidance)


def plain(model: Transformer, picture: Picture, time: float, kv: list[KeyValue] | None = None) -> Tensor:
    """Returns the velocity of `Transformer.forward`."""
    ids = torch.cat((text_ids(TEXT), image_ids(*picture.grid)))
    image = picture.image
    if kv is None:
        ids = torch.cat((ids, reference_ids(picture.references)))
        image = torch.cat((image, picture.reference_tokens), dim=1)
    velocity: Tensor = model(image, picture.text, mods_at(model, time), model.rope(ids), kv)
    return velocity[0, : picture.image.shape[1]]


def packed(
    model: Transformer,
    drawn: Sequence[Picture],
    time: float,
    kv: ReferenceKV | None = None,
    kernels: Kernels = EAGER,
    space: Workspace | None = None,
) -> Tensor:
    """Returns the velocities of a packed pass. kv: of references, which then don't run."""
    segments, image = [], []
    for picture in drawn:
        grids = [] if kv is not None else picture.references
        ids = torch.cat((reference_ids(grids), image_ids(*picture.grid), text_ids(TEXT)))
        count = picture.image.shape[1]
        segments.append(Segment(total(grids), count, TEXT, model.rope(ids).freqs_cis(), kv, kv.length if kv else 0))
        image += ([picture.reference_tokens[0]] if grids else []) + [picture.image[0]]
    texts = torch.cat([model.context_embedder(picture.text)[0] for picture in drawn])
    run = PackedPass(model, segments, mods_at(model, time).as_vectors(), space or Workspace(), kernels)
    return run.velocity(torch.cat(image), texts)


@torch.inference_mode()
@pytest.mark.parametrize(
    "changes", [{}, {"guidance_embeds": True}, {"num_layers": 0}, {"num_single_layers": 1}], ids=str
)
@pytest.mark.parametrize("case", CASES)
def test_a_packed_pass_equals_the_plain_forward(case: str, changes: dict[str, Any]) -> None:
    model, _ = pair(**changes)
    drawn = pictures(CASES[case])
    expected = torch.cat([plain(model, picture, 0.7) for picture in drawn])
    assert expected.std() > 0.1
    torch.testing.assert_close(packed(model, drawn, 0.7), expected, **CLOSE)


@torch.inference_mode()
def test_a_model_without_single_blocks() -> None:
    model, _ = pair(num_single_layers=0)
    drawn = pictures(CASES["other references"])
    expected = torch.cat([plain(model, picture, 0.7) for picture in drawn])
    torch.testing.assert_close(packed(model, drawn, 0.7), expected, **CLOSE)


def kv_of(model: Transformer, picture: Picture) -> tuple[list[KeyValue], ReferenceKV]:
    """Returns the keys and values of a picture's references, from the plain model and from a packed pass."""
    rope, still = model.rope(reference_ids(picture.references)), mods_at(model, 0.0)
    config, inputs = model.config, picture.reference_tokens
    layers = config.num_layers + config.num_single_layers
    kv = ReferenceKV.empty(layers, inputs.shape[1], config.num_attention_heads, config.attention_head_dim, inputs)
    alone = [Segment(inputs.shape[1], 0, 0, rope.freqs_cis(), kv)]
    PackedPass(model, alone, still.as_vectors(), Workspace()).velocity(inputs[0], inputs.new_empty(0, config.width))
    return model.reference_kv(inputs, still, rope), kv


@torch.inference_mode()
@pytest.mark.parametrize("changes", [{}, {"guidance_embeds": True}], ids=str)
@pytest.mark.parametrize("sizes", [[(4, 4)], [(4, 4), (4, 4), (4, 4)], [(2, 5), (3, 1)]], ids=str)
def test_keys_and_values_replace_references(sizes: Grids, changes: dict[str, Any]) -> None:
    """One reference set for all pictures of a pass, in every step."""
    model, _ = pair(**changes)
    drawn = pictures([(size, [(2, 3), (3, 3)]) for size in sizes])
    plain_kv, kv = kv_of(model, drawn[0])
    for layer, expected in zip(kv.layers, plain_kv, strict=True):
        torch.testing.assert_close(layer.key, expected.key[0].transpose(0, 1), **CLOSE)
        torch.testing.assert_close(layer.value, expected.value[0].transpose(0, 1), **CLOSE)
    kv.fit(25 + TEXT)
    for time in (0.9, 0.4):
        expected_velocity = torch.cat([plain(model, picture, time, plain_kv) for picture in drawn])
        torch.testing.assert_close(packed(model, drawn, time, kv), expected_velocity, **CLOSE)


@torch.inference_mode()
def test_a_full_pass_stores_keys_and_values_for_the_next() -> None:
    """Approximate reuse needs this: with the same time and noise, a pass that reuses them has the same result."""
    model, _ = pair()
    [picture] = pictures(CASES["alone, with references"])
    config, count, own = model.config, total(picture.references), 16 + TEXT
    kv = ReferenceKV.empty(5, count, config.num_attention_heads, config.attention_head_dim, picture.image)
    kv.fit(own)
    ids = torch.cat((reference_ids(picture.references), image_ids(4, 4), text_ids(TEXT)))
    freqs_cis, mods = model.rope(ids).freqs_cis(), mods_at(model, 0.7).as_vectors()
    text = model.context_embedder(picture.text)[0]
    whole = PackedPass(model, [Segment(count, 16, TEXT, freqs_cis, kv)], mods, Workspace())
    expected = whole.velocity(torch.cat((picture.reference_tokens[0], picture.image[0])), text)
    torch.testing.assert_close(expected, plain(model, picture, 0.7), **CLOSE)
    reused = PackedPass(model, [Segment(0, 16, TEXT, freqs_cis[count:], kv, count)], mods, Workspace())
    torch.testing.assert_close(reused.velocity(picture.image[0], text), expected, **CLOSE)


@torch.inference_mode()
def test_a_workspace_can_be_reused() -> None:
    """By passes of other shapes, without changing results."""
    model, _ = pair()
    space = Workspace()
    first = packed(model, pictures(CASES["other references"]), 0.7, space=space)
    before = first.clone()
    packed(model, pictures(CASES["other sizes"]), 0.2, space=space)
    assert torch.equal(first, before)
    assert torch.equal(packed(model, pictures(CASES["other references"]), 0.7, space=space), before)


@torch.inference_mode()
def test_inputs_are_not_changed() -> None:
    """Rows are changed in place, but pictures share projected texts."""
    model, _ = pair()
    [picture] = pictures(ALONE)
    text, image = model.context_embedder(picture.text)[0], picture.image[0]
    copies = text.clone(), image.clone()
    freqs_cis = model.rope(torch.cat((image_ids(4, 4), text_ids(TEXT)))).freqs_cis()
    PackedPass(model, [Segment(0, 16, TEXT, freqs_cis)], mods_at(model, 0.7).as_vectors(), Workspace()).velocity(
        image, text
    )
    assert torch.equal(text, copies[0]) and torch.equal(image, copies[1])


@torch.inference_mode()
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_other_dtypes_come_close(dtype: torch.dtype) -> None:
    model, _ = pair()
    [picture] = pictures(CASES["alone, with references"])
    exact = packed(model, [picture], 0.7)
    model.to(dtype)
    mods = model.modulations(torch.tensor([700.0], dtype=dtype)).as_vectors()
    ids = torch.cat((reference_ids(picture.references), image_ids(4, 4), text_ids(TEXT)))
    segment = Segment(total(picture.references), 16, TEXT, model.rope(ids).freqs_cis())
    image = torch.cat((picture.reference_tokens[0], picture.image[0])).to(dtype)
    text = model.context_embedder(picture.text.to(dtype))[0]
    velocity = PackedPass(model, [segment], mods, Workspace()).velocity(image, text)
    assert velocity.dtype == dtype
    assert 0 < (velocity.float() - exact).abs().mean() / exact.std() < 0.05


@torch.inference_mode()
def test_quantised_layers_and_loras_are_supported() -> None:
    model, _ = pair(attention_head_dim=32, num_attention_heads=2, axes_dims_rope=(8, 8, 8, 8))
    names = [name for name, layer in model.named_modules() if isinstance(layer, torch.nn.Linear) and "blocks" in name]
    for name in names:
        model.set_submodule(name, Fp8Linear(*quantise(model.get_submodule(name).weight)))
    last = "single_transformer_blocks.2.attn.to_qkv_mlp_proj"
    up, down = torch.randn(9 * 64, 4), torch.randn(4, 64)
    apply_loras(model, [(LoraUpdate(last, down, up, 0.1), 1.0)])
    drawn = pictures(CASES["other references"])
    expected = torch.cat([plain(model, picture, 0.7) for picture in drawn])
    torch.testing.assert_close(packed(model, drawn, 0.7), expected, **CLOSE)


@pytest.mark.slow
@torch.inference_mode()
def test_compiled_kernels_have_the_same_results(compiler: None) -> None:
    model, _ = pair()
    drawn = pictures(CASES["other references"])
    plain_kv, kv = kv_of(model, drawn[1])
    kv.fit(16 + TEXT)
    expected = packed(model, drawn, 0.7)
    torch.testing.assert_close(packed(model, drawn, 0.7, kernels=compiled_kernels()), expected, **CLOSE)
    velocity = packed(model, drawn[:1], 0.4, kv, compiled_kernels())
    torch.testing.assert_close(velocity, plain(model, drawn[0], 0.4, plain_kv), **CLOSE)
