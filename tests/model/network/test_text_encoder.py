"""Prompt embeddings against diffusers' pipelines."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from brandpress.model.checkpoint import text
from brandpress.model.checkpoint.describe import describe
from brandpress.model.checkpoint.text import load_text_encoder
from brandpress.model.choice import ModelChoice
from brandpress.model.errors import CheckpointError
from brandpress.model.family import FAMILIES
from brandpress.model.network.text_encoder import causal_mask
from tests.model.small import DEPTH, DEV_LENGTH, LENGTH, Small, load_pipeline, save_small

PROMPTS = ["", "a red mug on the left", "a fox, " * 40, "Füchse & <|im_end|> 狐 in 🦊\n\n the snow", "0 1 2 3"]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def kv(small_of: Any) -> Small:
    small: Small = small_of("klein-kv")
    return small


def encoder(folder: Path, **changes: Any) -> Any:
    return load_text_encoder(replace(describe(str(folder), folder), **changes), CPU, torch.float32)


def qwen3_embeddings(pipeline: Any, prompt: str, layers: tuple[int, ...], length: int = LENGTH) -> torch.Tensor:
    result: torch.Tensor = pipeline._get_qwen3_prompt_embeds(
        pipeline.text_encoder, pipeline.tokenizer, prompt, max_sequence_length=length, hidden_states_layers=layers
    )
    return result


@torch.inference_mode()
@pytest.mark.parametrize("prompt", PROMPTS, ids=range(len(PROMPTS)))
@pytest.mark.parametrize("layers", [(1, 2, 3), (1, DEPTH), (2,), (3, 1)], ids=str)
def test_embeddings_equal_diffusers(kv: Small, layers: tuple[int, ...], prompt: str) -> None:
    """Layer 4 is the model's full depth: transformers returns its state after the final norm."""
    result = encoder(kv.folder, text_layers=layers).encode(prompt)
    expected = qwen3_embeddings(kv.pipeline, prompt, layers)
    assert result.shape == (1, LENGTH, 32 * len(layers))
    assert expected.std() > 0.01
    torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_other_lengths_equal_diffusers(kv: Small) -> None:
    result = encoder(kv.folder, text_length=40).encode("a fox")
    torch.testing.assert_close(result, qwen3_embeddings(kv.pipeline, "a fox", (1, 2, 3), 40), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("depth", "layers"), [(4, (1, 2, 3)), (6, (1, 3, 4)), (8, (2, 4, 6)), (28, (9, 18, 27)), (36, (9, 18, 27))]
)
def test_kleins_layers_are_the_default(tmp_path: Path, depth: int, layers: tuple[int, ...]) -> None:
    folder = save_small("klein", tmp_path, depth=depth)
    result = encoder(folder)
    assert result.trunk.layers == layers
    assert len(result.trunk.model.layers) == max(layers)
    torch.testing.assert_close(result.encode("a fox"), qwen3_embeddings(load_pipeline(folder), "a fox", layers))


def test_upper_layers_and_the_head_are_not_read(tmp_path: Path) -> None:
    """Even if they have other shapes."""
    folder = save_small("klein", tmp_path)
    before = encoder(folder).encode("a fox")
    file = folder / "text_encoder" / "model.safetensors"
    tensors = load_file(file)
    unread = [name for name in tensors if ".layers.3." in name or name == "lm_head.weight"]
    assert len(unread) > 5
    save_file(tensors | {name: torch.full((3,), torch.nan) for name in unread}, file, {"format": "pt"})
    assert torch.equal(encoder(folder).encode("a fox"), before)


@pytest.mark.parametrize("layers", [(0, 1), (2, DEPTH + 1)])
def test_missing_layers_are_rejected(kv: Small, layers: tuple[int, ...]) -> None:
    with pytest.raises(CheckpointError, match=r"text_encoder_out_layers \[.*\]: the text encoder has layers 1 to 4"):
        encoder(kv.folder, text_layers=layers)


def test_another_kind_of_text_encoder_is_rejected(tmp_path: Path) -> None:
    folder = save_small("klein", tmp_path)
    config = folder / "text_encoder" / "config.json"
    config.write_text(config.read_text().replace('"qwen3"', '"t5"'))
    message = r"model_type: expected 'qwen3' \(FLUX.2 \[klein\]\) or 'mistral3' \(\[dev\]\), got 't5'"
    with pytest.raises(CheckpointError, match=message):
        encoder(folder)


@pytest.fixture(scope="module")
def dev(small_of: Any) -> Small:
    small: Small = small_of("dev")
    return small


def mistral_embeddings(pipeline: Any, prompt: str, layers: tuple[int, ...]) -> torch.Tensor:
    result: torch.Tensor = pipeline._get_mistral_3_small_prompt_embeds(
        pipeline.text_encoder, pipeline.tokenizer, prompt, max_sequence_length=DEV_LENGTH, hidden_states_layers=layers
    )
    return result


@torch.inference_mode()
@pytest.mark.parametrize("prompt", [*PROMPTS, "[IMG] a fox [IMG]", "a b c d e f g h " * 20], ids=range(7))
@pytest.mark.parametrize("layers", [(1, 2, 3), (2,), (1, DEPTH)], ids=str)
def test_devs_embeddings_equal_diffusers(dev: Small, layers: tuple[int, ...], prompt: str) -> None:
    """diffusers runs the padded prompt; our encoder runs only the prompt and fills the padding in."""
    result, expected = encoder(dev.folder, text_layers=layers), mistral_embeddings(dev.pipeline, prompt, layers)
    torch.testing.assert_close(result.encode(prompt), expected, rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_dev_encodes_only_the_prompt_and_its_padding_once(dev: Small) -> None:
    result, lengths = encoder(dev.folder), []
    result.trunk.register_forward_pre_hook(lambda _module, inputs: lengths.append(inputs[0].shape[1]))
    rows = [result.encode(prompt) for prompt in ("a fox", "a fox on the right")]
    assert len(lengths) == 3
    assert max(lengths) < DEV_LENGTH
    assert torch.equal(rows[0][:, :5], rows[1][:, :5]), "both begin with padding"
    assert rows[0][0, 0].abs().max() > 1e-3, "this padding isn't zero, so zeros would be wrong"


@torch.inference_mode()
def test_devs_padding_is_computed_with_the_math_backend(dev: Small) -> None:
    """Padding attends to nothing, for which fused backends return garbage. Prompts use the fastest backend."""
    result, uses_math = encoder(dev.folder), []
    enabled = torch.backends.cuda.cudnn_sdp_enabled(), torch.backends.cuda.flash_sdp_enabled()
    assert any(enabled)

    def record(*_: Any) -> None:
        backends = torch.backends.cuda
        fused = backends.cudnn_sdp_enabled(), backends.flash_sdp_enabled(), backends.mem_efficient_sdp_enabled()
        uses_math.append(backends.math_sdp_enabled() and not any(fused))

    result.trunk.register_forward_pre_hook(record)
    result.encode("a fox")
    result.encode("a mug")
    assert uses_math == [False, True, False]
    assert enabled == (torch.backends.cuda.cudnn_sdp_enabled(), torch.backends.cuda.flash_sdp_enabled())


def test_the_causal_mask_excludes_padding() -> None:
    mask = torch.tensor([[0, 1, 1, 0]])
    assert causal_mask(mask)[0, 0].int().tolist() == [[0, 0, 0, 0], [0, 1, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0]]
    assert causal_mask(torch.ones(1, 3, dtype=torch.long))[0, 0].int().tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]


@torch.inference_mode()
def test_dev_padded_on_the_right_runs_the_padding_too(dev: Small, tmp_path: Path) -> None:
    """Padding on the right attends to the prompt, so it can't be filled in."""
    folder = shutil.copytree(dev.folder, tmp_path / "right")
    config = folder / "tokenizer" / "tokenizer_config.json"
    config.write_text(config.read_text().replace('"left"', '"right"'))
    expected = mistral_embeddings(load_pipeline(folder), "a fox", (1, 2, 3))
    result = encoder(folder).encode("a fox")
    torch.testing.assert_close(result, expected, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(result[0, -1], result[0, -2])


def test_dev_reads_neither_upper_layers_nor_head_nor_vision_tower(dev: Small, tmp_path: Path) -> None:
    folder = shutil.copytree(dev.folder, tmp_path / "changed")
    before = encoder(folder).encode("a fox")
    file = folder / "text_encoder" / "model.safetensors"
    tensors = load_file(file)
    unread = [n for n in tensors if (".layers.3." in n and "language" in n) or "lm_head" in n or "vision" in n]
    assert len(unread) > 10
    save_file(tensors | {name: torch.full((3,), torch.nan) for name in unread}, file, {"format": "pt"})
    assert torch.equal(encoder(folder).encode("a fox"), before)


@pytest.mark.parametrize("prefix", ["model.", "", "language_model.model.", "model.language_model."])
def test_other_tools_prefixes_are_recognised(dev: Small, tmp_path: Path, prefix: str) -> None:
    """Of Comfy's single files, and of transformers before version 5."""
    before = encoder(dev.folder).encode("a fox")
    tensors = load_file(dev.folder / "text_encoder" / "model.safetensors")
    start = r".*language_model\.(model\.)?"
    trunk = {re.sub(start, "", name): tensor for name, tensor in tensors.items() if "language_model" in name}
    assert "embed_tokens.weight" in trunk
    file = tmp_path / "mistral.safetensors"
    save_file({prefix + name: tensor for name, tensor in trunk.items()}, file)
    choice = ModelChoice(str(dev.folder), text_encoder=str(file))
    result = load_text_encoder(describe(choice, tmp_path), CPU, torch.float32)
    assert torch.equal(result.encode("a fox"), before)


@pytest.mark.parametrize("family", ["flux.2-dev", "flux.2-klein-4b", "flux.2-klein-9b"])
def test_the_familys_table_describes_the_real_text_encoders(family: str) -> None:
    """On the meta device: the width that the transformer takes, and the number of parameters in the table."""
    size = FAMILIES[family].text_encoder
    assert size is not None
    config = text.table_config(size)
    assert text.default_layers(config) == size.layers
    assert size.depth == config.num_hidden_layers
    result = text.trunk_model(config, max(size.layers), torch.device("meta"))
    parameters = sum(parameter.numel() for parameter in result.parameters())
    assert parameters == size.parameters
    transformer = FAMILIES[family].size
    assert transformer is not None and transformer.text_width == size.width * len(size.layers)
