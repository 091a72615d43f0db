"""Pictures of models with replaced parts, against diffusers' pipelines with the same weights."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from brandpress.model import CheckpointError, Renderer, RenderRequest
from brandpress.model.checkpoint.formats import Formats
from brandpress.model.checkpoint.weights import open_weights
from tests.model.meaning import by_diffusers, dense, dequantised, fp4_meaning
from tests.model.other_layouts import (
    State,
    bfl_fp8,
    comfy_fp8,
    each,
    is_block_linear,
    lora_file,
    nvfp4,
    old_comfy_fp8,
    prefixed,
    to_bfl,
    vae_to_bfl,
    write,
)
from tests.model.small import (
    DEPTH,
    Small,
    judged,
    length_of,
    levels_of,
    noise_picture,
    save_small,
    small_autoencoder,
    text_layers,
)

FILE = "diffusion_pytorch_model.safetensors"
KINDS = ["dev", "klein", "klein-base", "klein-kv"]
REQUEST = RenderRequest(
    "a red mug on the left",
    (noise_picture(90, 75, 1), noise_picture(66, 120, 2)),
    80,
    64,
    seed=5,
    steps=2,
    guidance=3.0,
)


def state_of(folder: Path, part: str = "transformer") -> State:
    return load_file(folder / part / FILE)


def render(base: Path, **options: Any) -> Any:
    (picture,) = Renderer.load(str(base), device="cpu", dtype="float32", **options).render([REQUEST])
    return levels_of(picture)


def diffusers_picture(small: Small, change: Callable[[Any], None]) -> Any:
    """Returns diffusers' picture, rendered by a changed copy of its pipeline."""
    pipeline = deepcopy(small.pipeline)
    with torch.no_grad():
        change(pipeline)
    return judged(pipeline, REQUEST, length_of(small.kind), text_layers(DEPTH))


def difference(one: Any, other: Any) -> int:
    return int(np.abs(one - other).max())


@pytest.fixture(params=KINDS)
def small(request: pytest.FixtureRequest, small_of: Callable[[str], Small]) -> Small:
    return small_of(request.param)


@pytest.fixture
def other(small: Small, tmp_path: Path) -> Path:
    """A checkpoint of the same kind with other weights."""
    return save_small(small.kind, tmp_path / "other", seed=7)


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
def test_another_transformer_in_bfls_layout(small: Small, other: Path, tmp_path: Path, prefix: str) -> None:
    state = state_of(other)
    file = write(tmp_path / "x.safetensors", prefixed(to_bfl(state), prefix))
    expected = diffusers_picture(small, lambda pipeline: pipeline.transformer.load_state_dict(state))
    assert difference(render(small.folder, transformer=str(file)), expected) <= 1
    assert difference(expected, small.judge(REQUEST)) > 1


@pytest.mark.parametrize("what", ["folder", "part", "file"])
def test_another_transformer_in_diffusers_layout(small: Small, other: Path, what: str) -> None:
    path = {"folder": other, "part": other / "transformer", "file": other / "transformer" / FILE}[what]
    state = state_of(other)
    expected = diffusers_picture(small, lambda pipeline: pipeline.transformer.load_state_dict(state))
    assert difference(render(small.folder, transformer=path), expected) <= 1


@pytest.mark.parametrize("form", [bfl_fp8, comfy_fp8, old_comfy_fp8, nvfp4], ids=lambda form: form.__name__)
def test_quantised_files_are_the_dequantised_model(
    small: Small, tmp_path: Path, form: Callable[[str, Tensor], State]
) -> None:
    plain = to_bfl(state_of(small.folder))
    state = each(plain, is_block_linear, form)
    file = write(tmp_path / "x.safetensors", prefixed(state))
    assert any(Formats(open_weights(file)).is_fp8(name) for name in plain) == (form is not nvfp4)
    dequantised_state = {name: fp4_meaning(state, name) for name in plain} if form is nvfp4 else dequantised(state)
    expected = diffusers_picture(
        small, lambda pipeline: pipeline.transformer.load_state_dict(by_diffusers(dequantised_state))
    )
    assert difference(render(small.folder, transformer=str(file)), expected) <= 1
    assert difference(expected, small.judge(REQUEST)) > 1, "quantisation changes the picture"


def test_a_single_file_is_a_base(small: Small, tmp_path: Path) -> None:
    names = {"dev": "flux2-dev", "klein-base": "flux-2-klein-base-4b"}
    file = tmp_path / f"{names.get(small.kind, f'flux-2-{small.kind}')}.safetensors"
    write(file, to_bfl(state_of(small.folder)))
    renderer = Renderer.load(str(file), vae=str(small.folder), text_encoder=str(small.folder), device="cpu")
    with pytest.raises(CheckpointError, match="aren't multiples of 32 norm groups"):
        Renderer.load(str(file), vae=str(small.folder / "vae" / FILE), text_encoder=str(small.folder))
    description = renderer.description
    assert (description.kv, description.distilled) == (small.kind == "klein-kv", small.kind != "klein-base")
    assert description.text_length == 512, "the family's default, without a model_index.json"


@pytest.mark.parametrize("layout", ["diffusers", "bfl"])
@pytest.mark.parametrize("small_decoder", [False, True])
def test_another_autoencoder(small: Small, tmp_path: Path, layout: str, small_decoder: bool) -> None:
    torch.manual_seed(3)
    vae = small_autoencoder(**({"decoder_block_out_channels": (4, 8, 8, 12)} if small_decoder else {}))
    state = vae.state_dict()
    if layout == "bfl":
        state.pop("bn.num_batches_tracked")
        state = vae_to_bfl(state, levels=4)
    file = write(tmp_path / "ae.safetensors", state)
    expected = diffusers_picture(small, lambda pipeline: setattr(pipeline, "vae", vae.eval()))
    assert difference(render(small.folder, vae=str(file)), expected) <= 1
    assert difference(expected, small.judge(REQUEST)) > 1


def test_an_autoencoders_folder(small: Small, tmp_path: Path) -> None:
    torch.manual_seed(3)
    vae = small_autoencoder(decoder_block_out_channels=(4, 8, 8, 12))
    vae.save_pretrained(tmp_path / "small-decoder")
    expected = diffusers_picture(small, lambda pipeline: setattr(pipeline, "vae", vae.eval()))
    assert difference(render(small.folder, vae=str(tmp_path / "small-decoder")), expected) <= 1


@pytest.mark.parametrize("what", ["folder", "part", "fp8 file"])
def test_another_text_encoder(small: Small, other: Path, tmp_path: Path, what: str) -> None:
    path, state = (
        other if what == "folder" else other / "text_encoder",
        load_file(other / "text_encoder" / "model.safetensors"),
    )
    if what == "fp8 file":
        linear = [n for n in state if n.endswith("proj.weight") and "vision" not in n and "multi_modal" not in n]
        written = each(state, lambda name: name in linear, comfy_fp8)
        path = write(tmp_path / "text_fp8.safetensors", written)
        state |= {n: written[n].float() * written[n.replace(".weight", ".weight_scale")] for n in linear}
    tensors = write(tmp_path / "dense.safetensors", state)

    def change(pipeline: Any) -> None:
        folder = tmp_path / "by-hand"
        pipeline.text_encoder.config.save_pretrained(folder)
        save_file(load_file(tensors), folder / "model.safetensors", {"format": "pt"})
        pipeline.text_encoder = type(pipeline.text_encoder).from_pretrained(folder)

    expected = diffusers_picture(small, change)
    assert difference(render(small.folder, text_encoder=str(path)), expected) <= 1
    assert difference(expected, small.judge(REQUEST)) > 1


@pytest.mark.parametrize("small", ["dev", "klein-kv"], indirect=True)
@pytest.mark.parametrize("base", ["plain", "fp8 file", "quantise"])
@pytest.mark.parametrize("spelling", ["diffusers", "bfl", "kohya"])
def test_loras_of_each_spelling(small: Small, tmp_path: Path, spelling: str, base: str) -> None:
    """Two LoRAs with different scales, on the layers that trainers use."""
    options: dict[str, Any] = {}
    plain = state_of(small.folder)
    if base == "fp8 file":
        fp8 = each(to_bfl(plain), is_block_linear, bfl_fp8)
        options["transformer"] = str(write(tmp_path / "x.safetensors", fp8))
        plain = by_diffusers(dequantised(fp8))
    if base == "quantise":
        options["quantise"] = "fp8"
        plain = dense(Renderer.load(str(small.folder), device="cpu", quantise="fp8").loaded.transformer.get())
    torch.manual_seed(1)
    loras, expected_state = [], {name: tensor.clone() for name, tensor in plain.items()}
    for number, scale in ((0, 0.8), (1, -0.5)):
        file = tmp_path / f"{number}.safetensors"
        added = lora_file(file, plain, spelling)
        loras.append((str(file), scale))
        for name, delta in added.items():
            expected_state[name] += scale * delta
    expected = diffusers_picture(small, lambda pipeline: pipeline.transformer.load_state_dict(expected_state))
    assert difference(render(small.folder, loras=loras, **options), expected) <= 1
    assert difference(expected, small.judge(REQUEST)) > 1


def test_parts_of_different_models_are_rejected(small_of: Callable[[str], Small], tmp_path: Path) -> None:
    klein, wide = small_of("klein"), small_autoencoder(latent_channels=4)
    wide.save_pretrained(tmp_path / "vae")
    with pytest.raises(
        CheckpointError, match=r"returns 16 channels per token, but .* takes 32: they belong to different"
    ):
        Renderer.load(str(klein.folder), vae=str(tmp_path / "vae"))
    state = to_bfl(state_of(klein.folder))
    state["txt_in.weight"] = torch.zeros(64, 192)
    file = write(tmp_path / "wide.safetensors", state)
    with pytest.raises(CheckpointError, match=r"takes prompts of width 192, but .* returns 3 x 32 = 96; they belong"):
        Renderer.load(str(klein.folder), transformer=str(file))
