"""The packed pass against the plain forward (which is tested against diffusers), whatever is packed together."""

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
    """Inputs of one picture, all drawn from its number."""

    grid: tuple[int, int]
    references: Grids
    number: int

    @property
    def image(self) -> Tensor:
        return tokens(self.grid[0] * self.grid[1], 16, self.number)

    @property
    def beside(self) -> Tensor:
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
    """The velocity by `Transformer.forward`."""
    ids = torch.cat((text_ids(TEXT), image_ids(*picture.grid)))
    image = picture.image
    if kv is None:
        ids = torch.cat((ids, reference_ids(picture.references)))
        image = torch.cat((image, picture.beside), dim=1)
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
    """The velocities by a packed pass; with `kv` references don't run."""
    segments, image = [], []
    for picture in drawn:
        grids = [] if kv is not None else picture.references
        ids = torch.cat((reference_ids(grids), image_ids(*picture.grid), text_ids(TEXT)))
        count = picture.image.shape[1]
        segments.append(Segment(total(grids), count, TEXT, model.rope(ids).freqs_cis(), kv, kv.length if kv else 0))
        image += ([picture.beside[0]] if grids else []) + [picture.image[0]]
    texts = torch.cat([model.context_embedder(picture.text)[0] for picture in drawn])
    run = PackedPass(model, segments, mods_at(model, time).as_vectors(), space or Workspace(), kernels)
    return run.velocity(torch.cat(image), texts)


@torch.inference_mode()
@pytest.mark.parametrize(
    "changes", [{}, {"guidance_embeds": True}, {"num_layers": 0}, {"num_single_layers": 1}], ids=str
)
@pytest.mark.parametrize("case", CASES)
def test_it_equals_the_plain_forward(case: str, changes: dict[str, Any]) -> None:
    ours, _ = pair(**changes)
    drawn = pictures(CASES[case])
    wanted = torch.cat([plain(ours, picture, 0.7) for picture in drawn])
    assert wanted.std() > 0.1
    torch.testing.assert_close(packed(ours, drawn, 0.7), wanted, **CLOSE)


@torch.inference_mode()
def test_without_single_blocks() -> None:
    ours, _ = pair(num_single_layers=0)
    drawn = pictures(CASES["other references"])
    wanted = torch.cat([plain(ours, picture, 0.7) for picture in drawn])
    torch.testing.assert_close(packed(ours, drawn, 0.7), wanted, **CLOSE)


def kv_of(model: Transformer, picture: Picture) -> tuple[list[KeyValue], ReferenceKV]:
    """The keys and values of a picture's references, by the plain way and by a packed pass of them alone."""
    rope, still = model.rope(reference_ids(picture.references)), mods_at(model, 0.0)
    config, beside = model.config, picture.beside
    layers = config.num_layers + config.num_single_layers
    kv = ReferenceKV.empty(layers, beside.shape[1], config.num_attention_heads, config.attention_head_dim, beside)
    alone = [Segment(beside.shape[1], 0, 0, rope.freqs_cis(), kv)]
    PackedPass(model, alone, still.as_vectors(), Workspace()).velocity(beside[0], beside.new_empty(0, config.width))
    return model.reference_kv(beside, still, rope), kv


@torch.inference_mode()
@pytest.mark.parametrize("changes", [{}, {"guidance_embeds": True}], ids=str)
@pytest.mark.parametrize("sizes", [[(4, 4)], [(4, 4), (4, 4), (4, 4)], [(2, 5), (3, 1)]], ids=str)
def test_keys_and_values_stand_in_for_references(sizes: Grids, changes: dict[str, Any]) -> None:
    """One set for all pictures of a pass, step after step."""
    ours, _ = pair(**changes)
    drawn = pictures([(size, [(2, 3), (3, 3)]) for size in sizes])
    theirs, kv = kv_of(ours, drawn[0])
    for layer, wanted in zip(kv.layers, theirs, strict=True):
        torch.testing.assert_close(layer.key, wanted.key[0].transpose(0, 1), **CLOSE)
        torch.testing.assert_close(layer.value, wanted.value[0].transpose(0, 1), **CLOSE)
    kv.fit(25 + TEXT)
    for time in (0.9, 0.4):
        wanted_velocity = torch.cat([plain(ours, picture, time, theirs) for picture in drawn])
        torch.testing.assert_close(packed(ours, drawn, time, kv), wanted_velocity, **CLOSE)


@torch.inference_mode()
def test_a_whole_pass_leaves_keys_and_values_for_the_next() -> None:
    """What approximate reuse builds on: at the same time and noise the pass without references is the same."""
    ours, _ = pair()
    [picture] = pictures(CASES["alone, with references"])
    config, count, own = ours.config, total(picture.references), 16 + TEXT
    kv = ReferenceKV.empty(5, count, config.num_attention_heads, config.attention_head_dim, picture.image)
    kv.fit(own)
    ids = torch.cat((reference_ids(picture.references), image_ids(4, 4), text_ids(TEXT)))
    freqs_cis, mods = ours.rope(ids).freqs_cis(), mods_at(ours, 0.7).as_vectors()
    text = ours.context_embedder(picture.text)[0]
    whole = PackedPass(ours, [Segment(count, 16, TEXT, freqs_cis, kv)], mods, Workspace())
    wanted = whole.velocity(torch.cat((picture.beside[0], picture.image[0])), text)
    torch.testing.assert_close(wanted, plain(ours, picture, 0.7), **CLOSE)
    reused = PackedPass(ours, [Segment(0, 16, TEXT, freqs_cis[count:], kv, count)], mods, Workspace())
    torch.testing.assert_close(reused.velocity(picture.image[0], text), wanted, **CLOSE)


@torch.inference_mode()
def test_a_workspace_may_be_used_again() -> None:
    """By passes of other shapes, without a trace of them."""
    ours, _ = pair()
    space = Workspace()
    first = packed(ours, pictures(CASES["other references"]), 0.7, space=space)
    before = first.clone()
    packed(ours, pictures(CASES["other sizes"]), 0.2, space=space)
    assert torch.equal(first, before)
    assert torch.equal(packed(ours, pictures(CASES["other references"]), 0.7, space=space), before)


@torch.inference_mode()
def test_inputs_are_left_alone() -> None:
    """A projected text is shared by pictures, and rows are changed in place."""
    ours, _ = pair()
    [picture] = pictures(ALONE)
    text, image = ours.context_embedder(picture.text)[0], picture.image[0]
    copies = text.clone(), image.clone()
    freqs_cis = ours.rope(torch.cat((image_ids(4, 4), text_ids(TEXT)))).freqs_cis()
    PackedPass(ours, [Segment(0, 16, TEXT, freqs_cis)], mods_at(ours, 0.7).as_vectors(), Workspace()).velocity(
        image, text
    )
    assert torch.equal(text, copies[0]) and torch.equal(image, copies[1])


@torch.inference_mode()
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_other_dtypes_come_close(dtype: torch.dtype) -> None:
    ours, _ = pair()
    [picture] = pictures(CASES["alone, with references"])
    exact = packed(ours, [picture], 0.7)
    ours.to(dtype)
    mods = ours.modulations(torch.tensor([700.0], dtype=dtype)).as_vectors()
    ids = torch.cat((reference_ids(picture.references), image_ids(4, 4), text_ids(TEXT)))
    segment = Segment(total(picture.references), 16, TEXT, ours.rope(ids).freqs_cis())
    image = torch.cat((picture.beside[0], picture.image[0])).to(dtype)
    text = ours.context_embedder(picture.text.to(dtype))[0]
    velocity = PackedPass(ours, [segment], mods, Workspace()).velocity(image, text)
    assert velocity.dtype == dtype
    assert 0 < (velocity.float() - exact).abs().mean() / exact.std() < 0.05


@torch.inference_mode()
def test_layers_of_other_kinds_take_part() -> None:
    """Quantised ones, with a LoRA beside them and without."""
    ours, _ = pair(attention_head_dim=32, num_attention_heads=2, axes_dims_rope=(8, 8, 8, 8))
    names = [name for name, layer in ours.named_modules() if isinstance(layer, torch.nn.Linear) and "blocks" in name]
    for name in names:
        ours.set_submodule(name, Fp8Linear(*quantise(ours.get_submodule(name).weight)))
    last = "single_transformer_blocks.2.attn.to_qkv_mlp_proj"
    up, down = torch.randn(9 * 64, 4), torch.randn(4, 64)
    apply_loras(ours, [(LoraUpdate(last, down, up, 0.1), 1.0)])
    drawn = pictures(CASES["other references"])
    wanted = torch.cat([plain(ours, picture, 0.7) for picture in drawn])
    torch.testing.assert_close(packed(ours, drawn, 0.7), wanted, **CLOSE)


@torch.inference_mode()
def test_compiled_kernels_do_the_same(compiler: None) -> None:
    ours, _ = pair()
    drawn = pictures(CASES["other references"])
    theirs, kv = kv_of(ours, drawn[1])
    kv.fit(16 + TEXT)
    wanted = packed(ours, drawn, 0.7)
    torch.testing.assert_close(packed(ours, drawn, 0.7, kernels=compiled_kernels()), wanted, **CLOSE)
    velocity = packed(ours, drawn[:1], 0.4, kv, compiled_kernels())
    torch.testing.assert_close(velocity, plain(ours, drawn[0], 0.4, theirs), **CLOSE)
