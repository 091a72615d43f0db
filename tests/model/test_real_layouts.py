"""The family's transformers and autoencoders on the meta device: the real names and shapes, in both layouts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from brandpress.model.checkpoint import bfl, bfl_vae
from brandpress.model.checkpoint.bfl import Origin
from brandpress.model.family import FAMILIES, Family
from brandpress.model.network.transformer import Transformer, TransformerConfig
from tests.model.layout import Shapes, config_of, elements_of, real_layout, shapes_of

TRANSFORMERS = {
    "flux.2-dev": "dev",
    "flux.2-klein-4b": "klein-4b",
    "flux.2-klein-base-4b": "klein-4b",
    "flux.2-klein-9b": "klein-9b",
    "flux.2-klein-9b-kv": "klein-9b",
    "flux.2-klein-base-9b": "klein-9b",
}


def from_table(family: Family) -> Transformer:
    """The transformer that a row of the table describes."""
    size = family.size
    assert size is not None
    with torch.device("meta"):
        return Transformer(config_of(size))


def in_other_layout(shapes: Shapes, origin: Callable[[str], Origin]) -> Shapes:
    """Returns the shapes of a file in the other layout, from the parts that are read from it."""
    parts: dict[str, dict[int | None, tuple[int, ...]]] = {}
    for name, shape in shapes.items():
        source = origin(name)
        assert parts.setdefault(source.name, {}).setdefault(source.third, shape) == shape
    for thirds in parts.values():
        assert set(thirds) in ({None}, {0, 1, 2}), "every part of a tensor is read once"
    return {
        name: next(iter(thirds.values())) if None in thirds else (3 * thirds[0][0], *thirds[0][1:])
        for name, thirds in parts.items()
    }


def test_every_model_with_weights_is_in_the_list() -> None:
    assert TRANSFORMERS.keys() == {name for name, family in FAMILIES.items() if family.size is not None}


@pytest.mark.parametrize(("name", "layout"), TRANSFORMERS.items())
def test_tensors_of_transformers_are_those_of_the_published_files(name: str, layout: str) -> None:
    family = FAMILIES[name]
    module = from_table(family)
    config, shapes, elements = real_layout(layout)
    assert TransformerConfig.from_dict(config) == module.config
    assert shapes_of(module) == shapes
    assert in_other_layout(shapes, bfl.tensor_origin) == real_layout(f"bfl-{layout}")[1]
    assert family.size is not None
    assert elements == elements_of(module) == family.size.parameters


@pytest.mark.parametrize(("name", "layout"), TRANSFORMERS.items())
def test_bytes_of_weights_are_those_of_the_published_files(name: str, layout: str) -> None:
    """BFL's fp8 files: 4.07 GB (4B) and 9.43 GB (9B); the linear layers of blocks are fp8, the rest bf16."""
    size = FAMILIES[name].size
    assert size is not None
    blocks = sum(
        shape[0] * shape[1]
        for key, shape in real_layout(layout)[1].items()
        if key.partition(".")[0].endswith("transformer_blocks") and len(shape) == 2
    )
    assert size.block_parameters == blocks
    assert size.weight_bytes("bf16") == 2 * size.parameters
    published = {"klein-4b": 4.07, "klein-9b": 9.43}
    if layout in published:
        assert round(size.weight_bytes("fp8") / 1e9, 2) == published[layout]


def test_the_autoencoder_in_bfls_layout() -> None:
    shapes = real_layout("vae")[1]
    converted_shapes = in_other_layout(shapes, lambda name: bfl_vae.tensor_origin(name, levels=4))
    bfl_shapes = real_layout("bfl-vae")[1]
    assert converted_shapes.keys() == bfl_shapes.keys()
    for name, shape in bfl_shapes.items():
        assert converted_shapes[name] == shape or (*converted_shapes[name], 1, 1) == shape
        assert converted_shapes[name] == shape or ".attn_1." in name
