"""One random LoRA in every spelling, on every linear layer of a small transformer.

The expected values come from diffusers' conversion, except for the last modulation, whose halves it doesn't swap.
"""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from diffusers import Flux2KleinPipeline
from safetensors.torch import save_file
from torch import Tensor

from brandpress.model.checkpoint.bfl import Origin
from brandpress.model.checkpoint.lora import layer_places, read_lora
from brandpress.model.errors import CheckpointError
from brandpress.model.family import FAMILIES
from brandpress.model.network.fp8 import Fp8Linear, quantise
from brandpress.model.network.lora import LoraLinear, apply_loras
from brandpress.model.network.transformer import Transformer, TransformerConfig
from tests.model.layout import randomise, real_layout

Tensors = dict[str, Tensor]
WIDTH, RANK, ALPHA = 48, 4, 3.0
CONFIG = TransformerConfig(
    in_channels=16,
    num_layers=2,
    num_single_layers=3,
    attention_head_dim=16,
    num_attention_heads=3,
    joint_attention_dim=20,
    axes_dims_rope=(2, 6, 4, 4),
)


RANDOM = randomise(Transformer(CONFIG))


def small() -> Transformer:
    return deepcopy(RANDOM)


def layers(width: int) -> dict[str, tuple[int, int]]:
    """The sizes (in, out) of BFL's layers, keyed by name."""
    top = {
        "img_in": (16, width),
        "txt_in": (20, width),
        "time_in.in_layer": (256, width),
        "time_in.out_layer": (width, width),
        "guidance_in.in_layer": (256, width),
        "guidance_in.out_layer": (width, width),
        "double_stream_modulation_img.lin": (width, 6 * width),
        "double_stream_modulation_txt.lin": (width, 6 * width),
        "single_stream_modulation.lin": (width, 3 * width),
        "final_layer.adaLN_modulation.1": (width, 2 * width),
        "final_layer.linear": (width, 16),
    }
    double = {"attn.qkv": (1, 3), "attn.proj": (1, 1), "mlp.0": (1, 6), "mlp.2": (3, 1)}
    single = {"linear1": (1, 9), "linear2": (4, 1)}
    names = [
        (f"double_blocks.{i}.{s}_{name}", size) for i in (0, 1) for s in ("img", "txt") for name, size in double.items()
    ]
    names += [(f"single_blocks.{i}.{name}", size) for i in (0, 1, 2) for name, size in single.items()]
    return top | {name: (inside * width, outside * width) for name, (inside, outside) in names}


@cache
def bfl_lora(seed: int = 0, width: int = WIDTH) -> Tensors:
    """Random factors, under BFL's names without a prefix."""
    generator, factors = torch.Generator().manual_seed(seed), {}
    for layer, (inside, outside) in layers(width).items():
        factors[f"{layer}.lora_A.weight"] = torch.randn(RANK, inside, generator=generator)
        factors[f"{layer}.lora_B.weight"] = torch.randn(outside, RANK, generator=generator)
    return factors


@cache
def diffusers_lora(seed: int = 0) -> Tensors:
    """The same factors under diffusers' names without a prefix."""
    converted = Flux2KleinPipeline.lora_state_dict(renamed(bfl_lora(seed), "diffusion_model."))
    converted = {key.removeprefix("transformer."): value for key, value in converted.items()}
    shift, scale = converted["norm_out.linear.lora_B.weight"].chunk(2)
    return converted | {"norm_out.linear.lora_B.weight": torch.cat((scale, shift))}


def renamed(lora: Tensors, prefix: str, adapter: str = "", down_up: bool = False, underscores: bool = False) -> Tensors:
    tensors = {}
    for key, value in lora.items():
        layer, factor = key.removesuffix(".weight").rsplit(".", 1)
        factor = {"lora_A": "lora_down", "lora_B": "lora_up"}[factor] if down_up else factor
        tensors[f"{prefix}{layer.replace('.', '_') if underscores else layer}.{factor}{adapter}.weight"] = value
    return tensors


def expected_weights(lora: Tensors, scale: float = 1.0) -> Tensors:
    """The small transformer's weights plus scale * up @ down; `lora` has diffusers' names."""
    weights = {name: tensor.clone() for name, tensor in small().state_dict().items()}
    for key, down in lora.items():
        if key.endswith(".lora_A.weight"):
            weights[key.replace("lora_A.", "")] += scale * (lora[key.replace("lora_A", "lora_B")] @ down)
    return weights


def written(tensors: Tensors, folder: Path, settings: Any = None) -> Path:
    file = folder / "lora.safetensors"
    metadata = {} if settings is None else {"lora_adapter_metadata": json.dumps(settings)}
    save_file({key: value.clone().contiguous() for key, value in tensors.items()}, file, {"format": "pt"} | metadata)
    return file


def weights_with(file: Path) -> Tensors:
    """The small transformer's weights with a file's LoRA applied."""
    transformer = small()
    apply_loras(transformer, [(update, 1.0) for update in read_lora(file, transformer)])
    return transformer.state_dict()


def assert_same(weights: Tensors, expected: Tensors) -> None:
    assert weights.keys() == expected.keys()
    for name, value in expected.items():
        assert torch.allclose(weights[name], value, rtol=1e-5, atol=1e-5), name


def kohya() -> Tensors:
    return renamed(bfl_lora(), "lora_unet_", down_up=True, underscores=True)


SPELLINGS: dict[str, Callable[[], Tensors]] = {
    "BFL": bfl_lora,
    "BFL, down and up": lambda: renamed(bfl_lora(), "", down_up=True),
    "BFL, PEFT's prefix": lambda: renamed(bfl_lora(), "base_model.model."),
    "ComfyUI": lambda: renamed(bfl_lora(), "diffusion_model."),
    "ComfyUI, down and up": lambda: renamed(bfl_lora(), "diffusion_model.", down_up=True),
    "ComfyUI, a checkpoint's prefix": lambda: renamed(bfl_lora(), "model.diffusion_model."),
    "kohya": kohya,
    "kohya, A and B": lambda: renamed(bfl_lora(), "lora_unet_", underscores=True),
    "kohya, convolutions": lambda: {key: value[..., None, None] for key, value in kohya().items()},
    "kohya, diffusers' names": lambda: renamed(diffusers_lora(), "lora_unet_", down_up=True, underscores=True),
    "kohya, another prefix": lambda: renamed(diffusers_lora(), "lora_transformer_", down_up=True, underscores=True),
    "diffusers": lambda: renamed(diffusers_lora(), "transformer."),
    "diffusers, no prefix": diffusers_lora,
    "diffusers, ComfyUI's prefix": lambda: renamed(diffusers_lora(), "diffusion_model."),
    "diffusers, down and up": lambda: renamed(diffusers_lora(), "transformer.", down_up=True),
    "PEFT": lambda: renamed(diffusers_lora(), "base_model.model."),
    "PEFT, an adapter's name": lambda: renamed(diffusers_lora(), "base_model.model.transformer.", adapter=".default"),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_adds_what_is_added_expected_weights(spelling: str, tmp_path: Path) -> None:
    expected = expected_weights(diffusers_lora())
    changed = [name for name, value in small().state_dict().items() if not torch.equal(value, expected[name])]
    assert changed == [name for name, value in expected.items() if value.ndim == 2]  # every linear layer
    assert_same(weights_with(written(SPELLINGS[spelling](), tmp_path)), expected)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_alpha_is_divided_by_the_rank(spelling: str, tmp_path: Path) -> None:
    lora = SPELLINGS[spelling]()
    alphas = {re.sub(r"\.lora_.*", ".alpha", key): torch.tensor(ALPHA, dtype=torch.bfloat16) for key in lora}
    assert_same(weights_with(written(lora | alphas, tmp_path)), expected_weights(diffusers_lora(), ALPHA / RANK))


def test_kohyas_names_match_diffusers_conversion(tmp_path: Path) -> None:
    """Without the modulations and the guidance, which the conversion drops."""
    lora = {key: value for key, value in kohya().items() if not re.search("modulation|guidance", key)}
    lora |= {key.replace("lora_down.weight", "alpha"): torch.tensor(7.0) for key in lora if "lora_down" in key}
    converted = Flux2KleinPipeline.lora_state_dict(dict(lora))
    assert len(converted) == 2 * (5 + 2 * 12 + 3 * 2)
    expected = expected_weights({key.removeprefix("transformer."): value for key, value in converted.items()})
    assert_same(weights_with(written(lora, tmp_path)), expected)


def test_a_layer_may_be_fused_and_split_in_one_file(tmp_path: Path) -> None:
    split = {key: value for key, value in diffusers_lora(seed=1).items() if ".0.attn.to_k." in key}
    both, expected = kohya() | split, expected_weights(diffusers_lora())
    name = "transformer_blocks.0.attn.to_k.weight"
    expected[name] += expected_weights(split)[name] - small().state_dict()[name]
    assert_same(weights_with(written(both, tmp_path)), expected)


def test_two_spellings_of_one_layer_are_two_loras(tmp_path: Path) -> None:
    both = renamed(bfl_lora(), "") | renamed(bfl_lora(), "", down_up=True) | renamed(bfl_lora(), "", adapter=".b")
    assert_same(weights_with(written(both, tmp_path)), expected_weights(diffusers_lora(), 3.0))


def test_three_loras_stored_as_one_are_separated(tmp_path: Path) -> None:
    """The up factor of the fused layer is zero outside three blocks; the scale uses the total rank."""
    stem = "lora_unet_double_blocks_1_txt_attn_qkv"
    up = torch.zeros(3 * WIDTH, 6)
    for third in range(3):
        up[third * WIDTH : (third + 1) * WIDTH, 2 * third : 2 * third + 2] = torch.randn(WIDTH, 2)
    lora = {f"{stem}.lora_down.weight": torch.randn(6, WIDTH), f"{stem}.lora_up.weight": up}
    lora[f"{stem}.alpha"] = torch.tensor(3.0)
    converted = Flux2KleinPipeline.lora_state_dict(dict(lora))
    updates = read_lora(written(lora, tmp_path), small())
    assert [update.module.rpartition(".")[2] for update in updates] == ["add_q_proj", "add_k_proj", "add_v_proj"]
    for update in updates:
        assert (update.up.shape, update.down.shape, update.scale) == ((WIDTH, 2), (2, WIDTH), 0.5)
        up, down = (converted[f"transformer.{update.module}.lora_{factor}.weight"] for factor in "BA")
        torch.testing.assert_close(update.scale * update.up @ update.down, up @ down)


def test_an_untrained_lora_adds_nothing(tmp_path: Path) -> None:
    zeros = {key: value * 0 if "lora_B" in key else value for key, value in bfl_lora().items()}
    assert_same(weights_with(written(zeros, tmp_path)), small().state_dict())


# The scales that PEFT 0.21.2 computes from a config, for the first block's to_k, the second's, and other layers.
PEFT_SCALES: dict[str, tuple[dict[str, Any], float, float, float]] = {
    "plain": ({"r": 4, "lora_alpha": 6}, 1.5, 1.5, 1.5),
    "rslora": ({"r": 4, "lora_alpha": 6, "use_rslora": True}, 3.0, 3.0, 3.0),
    "no alpha": ({"r": 4}, 2.0, 2.0, 2.0),
    "a name's end": ({"r": 4, "lora_alpha": 4, "alpha_pattern": {"to_k": 8}}, 2.0, 2.0, 1.0),
    "a whole name": (
        {"r": 4, "lora_alpha": 4, "alpha_pattern": {"^transformer_blocks.0.attn.to_k": 8}},
        2.0,
        1.0,
        1.0,
    ),
    "the first that matches": (
        {"r": 4, "lora_alpha": 4, "alpha_pattern": {r"transformer_blocks\.[1-9]\..*": 2, "to_k": 8, ".*to_k": 16}},
        2.0,
        0.5,
        1.0,
    ),
    "not a part of a name": ({"r": 4, "lora_alpha": 4, "alpha_pattern": {"o_k": 8, "to": 8}}, 1.0, 1.0, 1.0),
    "rank": ({"r": 9, "lora_alpha": 2, "rank_pattern": {".*": 4}, "alpha_pattern": None}, 0.5, 0.5, 0.5),
}


@pytest.mark.parametrize("prefix", ["transformer.", ""])
@pytest.mark.parametrize("spelling", ["diffusers", "kohya"])
@pytest.mark.parametrize("case", PEFT_SCALES)
def test_scales_follow_the_metadata(case: str, spelling: str, prefix: str, tmp_path: Path) -> None:
    settings, *expected = PEFT_SCALES[case]
    keys = {f"{prefix}{key}": value for key, value in settings.items()} | {"text_encoder.lora_alpha": 100}
    updates = read_lora(written(SPELLINGS[spelling](), tmp_path, keys), small())
    scales = {update.module: update.scale for update in updates}
    selected = [
        scales[name] for name in ("transformer_blocks.0.attn.to_k", "transformer_blocks.1.attn.to_k", "proj_out")
    ]
    assert selected == expected


def test_metadata_of_the_text_encoder_is_ignored(tmp_path: Path) -> None:
    updates = read_lora(written(diffusers_lora(), tmp_path, {"text_encoder.lora_alpha": 100}), small())
    assert {update.scale for update in updates} == {1.0}


def test_a_layer_with_an_unmerged_lora_takes_another(tmp_path: Path) -> None:
    transformer, file = small(), written(kohya(), tmp_path)
    transformer.proj_out = cast(Any, Fp8Linear(*quantise(transformer.proj_out.weight.detach())))
    for _ in range(2):
        apply_loras(transformer, [(update, 1.0) for update in read_lora(file, transformer)])
    assert isinstance(transformer.proj_out, LoraLinear)
    assert len(transformer.proj_out.down) == 2 * RANK


def test_a_layers_own_alpha_overrides_the_metadata(tmp_path: Path) -> None:
    lora = SPELLINGS["diffusers"]() | {"transformer.proj_out.alpha": torch.tensor([2])}
    updates = read_lora(written(lora, tmp_path, {"transformer.r": RANK, "transformer.lora_alpha": 12}), small())
    scales = {update.module: update.scale for update in updates}
    assert (scales["proj_out"], scales["x_embedder"]) == (0.5, 3.0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float8_e4m3fn])
def test_factors_keep_their_dtype_except_fp8(dtype: torch.dtype, tmp_path: Path) -> None:
    lora = {key: value.to(dtype) for key, value in diffusers_lora().items()}
    for update in read_lora(written(lora, tmp_path), small()):
        assert update.down.dtype == (dtype if dtype.itemsize == 2 else torch.bfloat16)
        assert torch.equal(update.down.float(), lora[f"{update.module}.lora_A.weight"].float())


@pytest.mark.parametrize("name", ["klein-4b", "klein-9b", "dev"])
def test_layer_names_of_a_real_model_are_unique(name: str) -> None:
    config, shapes, _ = real_layout(name)
    with torch.device("meta"):
        names = layer_places(Transformer(TransformerConfig.from_dict(config)))
    linears = {key.removesuffix(".weight") for key, shape in shapes.items() if len(shape) == 2}
    count = 8 * config["num_layers"] + 2 * config["num_single_layers"] + (11 if config["guidance_embeds"] else 9)
    bfl = {name: places for name, places in names.items() if "." in name and name not in linears} | {
        name: names[name] for name in ("img_in", "txt_in")
    }
    assert len(bfl) == count
    assert len(names) == 4 * (len(linears) + count)  # one more for each prefix, and no two are equal
    assert sorted(module for places in bfl.values() for module, _ in places) == sorted(linears)
    for layer, places in bfl.items():
        assert [place.third for _, place in places] == ([0, 1, 2] if layer.endswith("qkv") else [None])
        assert names["lora_unet_" + layer.replace(".", "_")] == places
    for layer in linears:
        assert names["lora_unet_" + layer.replace(".", "_")] == names[layer] == [(layer, Origin(layer))]


ONE = torch.ones(1)
STEM = "diffusion_model.double_blocks.0.img_attn.proj"
DOWN, UP = f"{STEM}.lora_A.weight", f"{STEM}.lora_B.weight"
SHAPES = f"expected {DOWN} (rank, in) and {UP} (out, rank), got"
BLOCKS = "this transformer has 2 double and 3 single blocks"


def only(*keys: str) -> Tensors:
    return {key: torch.ones(2, 2) for key in keys}


def pair(layer: str) -> Tensors:
    return only(f"{layer}.lora_A.weight", f"{layer}.lora_B.weight")


def altered(changes: Mapping[str, Tensor | None]) -> Tensors:
    """ComfyUI's LoRA with changed tensors; None removes one."""
    changed: dict[str, Tensor | None] = {**SPELLINGS["ComfyUI"](), **changes}
    return {key: value for key, value in changed.items() if value is not None}


SDXL = [f"lora_unet_down_blocks_{i}_proj.lora_{side}.weight" for i in range(3) for side in ("down", "up")]
ERRORS: dict[str, tuple[Callable[[], Tensors], str]] = {
    "another model's": (
        lambda: only(*SDXL),
        f"none of its 6 tensors belongs to a FLUX.2 transformer: {', '.join(SDXL[:5])}, …; {BLOCKS}",
    ),
    "a similar name": (lambda: pair("double_blocks.0.img_attn.qkv.x"), "none of its 2 tensors"),
    "FLUX.1's": (
        lambda: pair("double_blocks.0.img_mod.lin"),
        f"{BLOCKS}, and the names are FLUX.1's; use a LoRA for FLUX.2",
    ),
    "FLUX.1's too": (
        lambda: altered(pair("single_transformer_blocks.0.proj_mlp")),
        f"{BLOCKS}, and the names are FLUX.1's",
    ),
    "an extra layer": (
        lambda: altered(pair("y.x")),
        "2 of its 68 tensors match no layer: y.x.lora_A.weight, y.x.lora_B",
    ),
    "an extra block": (
        lambda: altered(pair("single_blocks.3.linear1")),
        f"match no layer: single_blocks.3.linear1.lora_A.weight, single_blocks.3.linear1.lora_B.weight; {BLOCKS}",
    ),
    "an alpha alone": (lambda: altered({"img_in.alpha": ONE}), "1 of its 67 tensors match no layer: img_in.alpha"),
    "a count": (lambda: altered({"step": ONE}), "1 of its 67 tensors match no layer: step"),
    "no down": (lambda: altered({DOWN: None}), f"{UP} has no matching factor"),
    "no up": (lambda: altered({UP: None}), f"{DOWN} has no matching factor"),
    "a width": (
        lambda: renamed(bfl_lora(width=64), "diffusion_model."),
        "a LoRA for another model: it is for a transformer of width 64, this one has 48: "
        f"{DOWN}: expected (rank, 48), got (4, 64)",
    ),
    "rows": (lambda: altered({UP: torch.ones(47, RANK)}), f"{UP}: expected (48, rank), got (47, 4)"),
    "rows of a fused layer": (
        lambda: altered({UP.replace("proj", "qkv"): torch.ones(48, RANK)}),
        "qkv.lora_B.weight: expected (144, rank), got (48, 4)",
    ),
    "ranks": (
        lambda: altered({UP: torch.ones(48, 3)}),
        f"{SHAPES} (4, 48) and (48, 3)",
    ),
    "no rank": (
        lambda: altered({DOWN: torch.ones(0, 48), UP: torch.ones(48, 0)}),
        f"{SHAPES} (0, 48) and",
    ),
    "a vector": (lambda: altered({DOWN: ONE}), f"{SHAPES} (1,) and"),
    "a convolution": (
        lambda: altered({DOWN: torch.ones(RANK, 48, 3, 3)}),
        f"{SHAPES} (4, 48, 3, 3) and",
    ),
    "no number": (
        lambda: altered({UP: torch.full((48, RANK), torch.nan)}),
        f"{UP} (torch.float32): expected finite",
    ),
    "whole numbers": (
        lambda: altered({UP: torch.ones(48, RANK).char()}),
        f"{UP} (torch.int8): expected finite floating",
    ),
    "an infinite alpha": (
        lambda: altered({f"{STEM}.alpha": ONE / 0}),
        f"{STEM}.alpha: expected one finite number, got inf",
    ),
    "two alphas": (
        lambda: altered({f"{STEM}.alpha": torch.ones(2)}),
        f"{STEM}.alpha: expected one finite number, got a tensor of the shape [2]",
    ),
    "DoRA": (
        lambda: altered({f"{STEM}.dora_scale": ONE}),
        f"1 of its 67 tensors are DoRA: {STEM}.dora_scale; only plain",
    ),
    "PEFT's DoRA": (
        lambda: altered({"x.lora_magnitude_vector.weight": ONE}),
        "are DoRA: x.lora_magnitude_vector.weight",
    ),
    "LoKr": (
        lambda: only("lycoris_x.lokr_w1", "lycoris_x.lokr_w2"),
        "2 of its 2 tensors are LoKr: lycoris_x.lokr_w1, ",
    ),
    "LoHa": (lambda: only("lora_unet_img_in.hada_w1_a"), "are LoHa: lora_unet_img_in.hada_w1_a"),
    "OFT": (lambda: only("lora_unet_img_in.oft_blocks"), "are OFT: lora_unet_img_in.oft_blocks"),
    "Tucker": (
        lambda: altered({"img_in.lora_mid.weight": ONE}),
        "are third factors (Tucker): img_in.lora_mid.weight",
    ),
    "a bias": (lambda: altered({"proj_out.lora_B.bias": ONE}), "are LoRA biases: proj_out.lora_B.bias"),
    "differences": (
        lambda: altered({"x.diff": ONE, "x.diff_b": ONE}),
        "2 of its 68 tensors are full weight differences",
    ),
    "a text encoder's": (
        lambda: only("lora_te1_layers_0.lora_down.weight", "lora_te1_layers_0.lora_up.weight"),
        "2 of its 2 tensors are for a text encoder: lora_te1_layers_0.lora_down.weight, lora_te1_layers_0.lora_up",
    ),
    "a text encoder's too": (
        lambda: altered(pair("text_encoder.layers.0")),
        "2 of its 68 tensors are for a text encoder: text_encoder.layers.0.lora_A.weight",
    ),
    "a whole model": (
        lambda: small().state_dict(),
        "not a LoRA: none of its 55 tensors is a factor (lora_A or lora_down, lora_B or lora_up): context_embedder.we",
    ),
    "empty": (dict, "not a LoRA: none of its 0 tensors"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_an_unusable_file_is_rejected(case: str, tmp_path: Path) -> None:
    make, message = ERRORS[case]
    file = written(make(), tmp_path)
    with pytest.raises(CheckpointError, match=f"^{re.escape(f'{file}: ')}.*{re.escape(message)}"):
        read_lora(file, small())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"r": 8, "lora_alpha": 8}, "context_embedder has rank 4, but its metadata lora_adapter_metadata says 8"),
        ({"r": 4, "lora_alpha": None}, "its metadata lora_adapter_metadata can't be read"),
        ({"r": 4, "alpha_pattern": {"(": 2}}, "its metadata lora_adapter_metadata can't be read"),
        ({"r": 4, "alpha_pattern": ["to_k"]}, "its metadata lora_adapter_metadata can't be read"),
        ({"r": 4, "use_dora": True}, "DoRA by its metadata lora_adapter_metadata (use_dora)"),
        ("text", "its metadata lora_adapter_metadata isn't a JSON object"),
        (4, "its metadata lora_adapter_metadata isn't a JSON object"),
    ],
    ids=str,
)
def test_invalid_metadata_is_rejected(settings: Any, message: str, tmp_path: Path) -> None:
    file = written(diffusers_lora(), tmp_path, settings)
    with pytest.raises(CheckpointError, match=re.escape(f"{file}: {message}")):
        read_lora(file, small())


@pytest.mark.parametrize("family", ["flux.2-dev", "flux.2-klein-9b"])
def test_a_lora_for_another_family_names_both_models(family: str, tmp_path: Path) -> None:
    with torch.device("meta"):
        transformer = Transformer(TransformerConfig.from_dict(real_layout("klein-4b")[0]))
    size = FAMILIES[family].size
    assert size is not None
    lora = {}
    for block in range(size.single):
        lora[f"lora_unet_single_blocks_{block}_linear2.lora_down.weight"] = torch.ones(1, 4 * size.width)
        lora[f"lora_unet_single_blocks_{block}_linear2.lora_up.weight"] = torch.ones(size.width, 1)
    with pytest.raises(CheckpointError) as error:
        read_lora(written(lora, tmp_path), transformer)
    assert f"width {size.width} ({family}" in str(error.value)
    assert "this one has 3072 (flux.2-klein-4b, flux.2-klein-base-4b)" in str(error.value)


@pytest.mark.parametrize("name", ["lora.safetensors", "lora.pt", "lora.BIN", "lora.ckpt", "lora.pth"])
def test_a_pickle_is_never_opened(name: str, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "ran",)

    file = tmp_path / name
    file.write_bytes(pickle.dumps({DOWN: Trap()}))
    with pytest.raises(CheckpointError, match=f"^{re.escape(str(file))} is .*safetensors"):
        read_lora(file, small())
    assert not (tmp_path / "ran").exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=re.escape(str(tmp_path / "none.safetensors"))):
        read_lora(tmp_path / "none.safetensors", small())
