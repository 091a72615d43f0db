"""Files of other layouts and formats, compared with the same (dequantised) weights in diffusers' layout."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from brandpress.model import CheckpointError
from brandpress.model.checkpoint.describe import describe
from brandpress.model.checkpoint.identify import widths_of
from brandpress.model.checkpoint.load import load_transformer
from brandpress.model.choice import ModelChoice
from brandpress.model.network.fp8 import Fp8Linear
from brandpress.model.network.transformer import Transformer
from tests.model.meaning import by_diffusers, dense, dequantised, fp4_meaning
from tests.model.other_layouts import (
    State,
    bare_fp8,
    bfl_fp8,
    comfy_fp8,
    each,
    fp8_of,
    is_block_linear,
    nvfp4,
    old_comfy_fp8,
    prefixed,
    row_fp8,
    to_bfl,
    write,
)
from tests.model.small import Small

CPU = torch.device("cpu")
FILE = Path("transformer") / "diffusion_pytorch_model.safetensors"
Write = Callable[[str, Tensor], State]


@pytest.fixture(params=["klein", "dev"])
def small(request: pytest.FixtureRequest, small_of: Callable[[str], Small]) -> Small:
    return small_of(request.param)


def bfl_state(small: Small) -> State:
    return to_bfl(load_file(small.folder / FILE))


def load(small: Small, file: Path, dtype: torch.dtype = torch.float32, quantise: str | None = None) -> Transformer:
    description = describe(ModelChoice(str(small.folder), transformer=str(file)), Path.cwd())
    assert description.parts is not None
    return load_transformer(description.parts, CPU, dtype, quantise)


def assert_same(one: State, other: State) -> None:
    assert one.keys() == other.keys()
    for name in one:
        torch.testing.assert_close(one[name], other[name], rtol=1e-6, atol=1e-7, msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model.", "diffusion_model."])
def test_bfls_layout_equals_diffusers(small: Small, tmp_path: Path, prefix: str) -> None:
    state = bfl_state(small)
    transformer = load(small, write(tmp_path / "x.safetensors", prefixed(state, prefix)))
    assert_same(dense(transformer), load_file(small.folder / FILE))
    assert_same(dense(transformer), by_diffusers(state))


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
@pytest.mark.parametrize("form", [bfl_fp8, comfy_fp8, old_comfy_fp8, bare_fp8, row_fp8], ids=lambda f: f.__name__)
def test_fp8_is_kept_and_equals_the_dequantised_weight(small: Small, tmp_path: Path, form: Write, prefix: str) -> None:
    state = each(bfl_state(small), is_block_linear, form)
    file = write(tmp_path / "x.safetensors", prefixed(state, prefix))
    transformer = load(small, file, torch.bfloat16)
    fp8_layers = [layer for layer in transformer.modules() if isinstance(layer, Fp8Linear)]
    assert len(fp8_layers) == 2 * 12 + 2 * 2, "query, key, value, outputs and feed-forwards of 2 + 2 blocks"
    assert all(layer.weight.element_size() == 1 for layer in fp8_layers)
    assert transformer.x_embedder.weight.dtype == torch.bfloat16
    assert_same(dense(load(small, file)), by_diffusers(dequantised(state)))


@pytest.mark.parametrize("form", [bfl_fp8, comfy_fp8, old_comfy_fp8], ids=lambda f: f.__name__)
def test_formats_can_be_mixed_and_layers_outside_blocks_quantised(small: Small, tmp_path: Path, form: Write) -> None:
    quantised_layers = (
        "img_in",
        "final_layer.linear",
        "final_layer.adaLN_modulation.1",
        "double_blocks.1.txt_attn.qkv",
    )
    state = each(bfl_state(small), lambda name: name.removesuffix(".weight") in quantised_layers, form)
    transformer = load(small, write(tmp_path / "x.safetensors", state))
    assert sum(isinstance(layer, Fp8Linear) for layer in transformer.modules()) == 3 + 3
    assert_same(dense(transformer), by_diffusers(dequantised(state)))


def test_files_in_which_every_tensor_is_cast_to_fp8_are_read(small: Small, tmp_path: Path) -> None:
    state = {name: tensor.to(torch.float8_e4m3fn) for name, tensor in bfl_state(small).items()}
    transformer = load(small, write(tmp_path / "x.safetensors", state))
    assert_same(dense(transformer), by_diffusers({name: tensor.float() for name, tensor in state.items()}))


def test_tensors_of_any_rank_are_scaled(small: Small, tmp_path: Path) -> None:
    norm, scales = "single_transformer_blocks.0.attn.norm_q", torch.linspace(1, 2, 32)
    state = load_file(small.folder / FILE)
    values = state[f"{norm}.weight"].to(torch.float8_e4m3fn)
    state |= {f"{norm}.weight": values, f"{norm}.weight_scale": scales}
    transformer = load(small, write(tmp_path / "x.safetensors", state))
    assert torch.equal(transformer.get_submodule(norm).weight, values.float() * scales)


def test_only_products_in_the_blocks_run_in_fp8(small: Small, tmp_path: Path) -> None:
    state = each(bfl_state(small), lambda name: name.endswith(".weight") and "norm" not in name, bare_fp8)
    transformer = load(small, write(tmp_path / "x.safetensors", state))
    for name, layer in transformer.named_modules():
        if isinstance(layer, Fp8Linear):
            assert layer.fp8_product == name.startswith(("transformer_blocks.", "single_transformer_blocks.")), name


def test_markers_in_the_metadata(small: Small, tmp_path: Path) -> None:
    state = each(bfl_state(small), is_block_linear, bfl_fp8)
    layers = {n.removesuffix(".weight"): {"format": "float8_e4m3fn"} for n in state if is_block_linear(n)}
    metadata = {"_quantization_metadata": json.dumps({"format_version": "1.0", "layers": layers})}
    transformer = load(small, write(tmp_path / "x.safetensors", state, metadata))
    assert_same(dense(transformer), by_diffusers(dequantised(state)))


@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.float8_e5m2], ids=str)
def test_old_comfy_files_give_their_fp8_dtype_in_an_empty_tensor(small: Small, tmp_path: Path, kind: Any) -> None:
    def form(layer: str, weight: Tensor) -> State:
        quantised, scale = fp8_of(weight, kind)
        return {f"{layer}.weight": quantised, f"{layer}.scale_weight": scale}

    state = each(bfl_state(small), is_block_linear, form)
    expected = {n: t.float() * state[n.replace(".weight", ".scale_weight")] if is_block_linear(n) else t
              for n, t in state.items() if "scale_weight" not in n}  # fmt: skip
    file = write(tmp_path / "x.safetensors", prefixed(state) | {"scaled_fp8": torch.empty(0, dtype=kind)})
    assert_same(dense(load(small, file)), by_diffusers(expected))


@pytest.mark.parametrize("marker", ["tensor of two", "json"])
def test_layers_marked_full_precision_do_not_use_fp8_units(small: Small, tmp_path: Path, marker: str) -> None:
    form = old_comfy_fp8 if marker == "tensor of two" else bfl_fp8
    state = each(bfl_state(small), is_block_linear, form)
    metadata = {}
    if marker == "tensor of two":
        state["scaled_fp8"] = torch.zeros(2, dtype=torch.float8_e4m3fn)
    else:
        layer_marker = {"format": "float8_e4m3fn", "full_precision_matrix_mult": True}
        metadata["_quantization_metadata"] = json.dumps({"layers": {"single_blocks.0.linear1": layer_marker}})
    transformer = load(small, write(tmp_path / "x.safetensors", state, metadata))
    full = [
        name for name, layer in transformer.named_modules() if isinstance(layer, Fp8Linear) and not layer.fp8_product
    ]
    assert len(full) == (28 if marker == "tensor of two" else 1)


def test_static_activation_scales_are_kept_unless_they_are_one(small: Small, tmp_path: Path) -> None:
    state = each(bfl_state(small), is_block_linear, bfl_fp8)
    state["single_blocks.0.linear1.input_scale"] = torch.tensor(1.0)
    transformer = load(small, write(tmp_path / "x.safetensors", state))
    first, second = transformer.single_transformer_blocks
    assert first.attn.to_qkv_mlp_proj.input_scale is None
    assert second.attn.to_qkv_mlp_proj.input_scale.item() == pytest.approx(0.01)


@pytest.mark.parametrize("rule", [is_block_linear, lambda name: "single_blocks" in name and is_block_linear(name)])
def test_nvfp4_is_dequantised(small: Small, tmp_path: Path, rule: Callable[[str], bool]) -> None:
    plain = bfl_state(small)
    state = each(plain, rule, nvfp4)
    packed = [name for name, tensor in state.items() if tensor.dtype == torch.uint8]
    assert len(packed) == sum(map(rule, plain))
    transformer = load(small, write(tmp_path / "x.safetensors", state))
    assert_same(dense(transformer), by_diffusers({name: fp4_meaning(state, name) for name in plain}))
    for name, tensor in dense(transformer).items():
        expected = by_diffusers(plain)[name]
        assert torch.nn.functional.cosine_similarity(tensor.flatten(), expected.flatten(), dim=0) > 0.98


def test_the_widths_of_packed_embedders_are_those_after_unpacking(small: Small, tmp_path: Path) -> None:
    state = each(bfl_state(small), lambda name: name in ("img_in.weight", "txt_in.weight"), nvfp4)
    assert widths_of(write(tmp_path / "x.safetensors", state)) == (96, 32)


def test_quantise_covers_the_layers_that_bfls_fp8_files_do(small: Small, tmp_path: Path) -> None:
    state = bfl_state(small)
    transformer = load(small, write(tmp_path / "x.safetensors", state), quantise="fp8")
    expected = load(small, write(tmp_path / "y.safetensors", each(bfl_state(small), is_block_linear, bfl_fp8)))
    fp8_names = [name for name, layer in transformer.named_modules() if isinstance(layer, Fp8Linear)]
    assert fp8_names == [name for name, layer in expected.named_modules() if isinstance(layer, Fp8Linear)]
    for name in fp8_names:  # a fused query, key and value has one scale in a file, three here
        exact = by_diffusers(state)[f"{name}.weight"]
        error = (transformer.get_submodule(name).dequantised(torch.float32) - exact).abs().max()
        assert error <= exact.abs().max() / 448 * 16, "half a step of the largest values"


def test_quantise_leaves_quantised_layers_unchanged(small: Small, tmp_path: Path) -> None:
    file = write(tmp_path / "x.safetensors", each(bfl_state(small), is_block_linear, bfl_fp8))
    assert_same(dense(load(small, file, quantise="fp8")), dense(load(small, file)))


def test_quantise_converts_nvfp4_to_fp8(small: Small, tmp_path: Path) -> None:
    file = write(tmp_path / "x.safetensors", each(bfl_state(small), is_block_linear, nvfp4))
    transformer = load(small, file, quantise="fp8")
    assert sum(isinstance(layer, Fp8Linear) for layer in transformer.modules()) == 28


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"single_blocks.0.linear1.comfy_quant": {"format": "int8_tensorwise"}}, "is stored as 'int8_tensorwise'"),
        ({"single_blocks.0.linear1.comfy_quant": {"format": "mxfp8"}}, "stored as 'mxfp8'; supported: float8"),
        ({"single_blocks.0.linear1.comfy_quant": b"{"}, "a quantisation marker isn't valid JSON"),
        ({"single_blocks.0.linear1.comfy_quant": [1]}, "a quantisation marker must be a JSON object, not a list"),
        ({"single_blocks.0.linear1.weight_scale": torch.ones(7)}, "has 7 values; expected one, or one per row"),
        ({"single_blocks.0.linear1.weight": torch.zeros(576, 64, dtype=torch.int8)}, "has dtype I8 and no scales"),
        ({"single_blocks.0.linear1.pre_quant_scale": torch.ones(64)}, "has a pre_quant_scale (AWQ)"),
        ({"single_blocks.0.linear9.weight": torch.ones(2)}, "1 tensors that FLUX.2 doesn't have: single_blocks.0"),
        ({"single_blocks.0.linear2.weight": torch.ones(64, 31)}, "linear2.weight: expected shape (64, "),
    ],
    ids=range(9),
)
def test_unsupported_weights_are_rejected(small: Small, tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    state = each(bfl_state(small), is_block_linear, bfl_fp8)
    for name, value in changes.items():
        text = value if isinstance(value, bytes) else None if isinstance(value, Tensor) else json.dumps(value).encode()
        state[name] = value if text is None else torch.tensor(list(text), dtype=torch.uint8)
    with pytest.raises(CheckpointError, match=re.escape(message)):
        load(small, write(tmp_path / "x.safetensors", state))
