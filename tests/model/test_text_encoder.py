"""Prompt embeddings against those of diffusers' pipelines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from model.checkpoint.describe import describe
from model.checkpoint.folder import load_text_encoder
from model.errors import CheckpointError
from model.text_encoder import Qwen3TextEncoder
from tests.model.small import DEPTH, LENGTH, Small, load_pipeline, save_small

PROMPTS = ["", "a red mug on the left", "a fox, " * 40, "Füchse & <|im_end|> 狐 in 🦊\n\n the snow", "0 1 2 3"]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def kv(small_of: Any) -> Small:
    small: Small = small_of("klein-kv")
    return small


def encoder(folder: Path, **changes: Any) -> Qwen3TextEncoder:
    return load_text_encoder(replace(describe(str(folder), folder), **changes), CPU, torch.float32)


def theirs(pipeline: Any, prompt: str, layers: tuple[int, ...], length: int = LENGTH) -> torch.Tensor:
    made: torch.Tensor = pipeline._get_qwen3_prompt_embeds(
        pipeline.text_encoder, pipeline.tokenizer, prompt, max_sequence_length=length, hidden_states_layers=layers
    )
    return made


@torch.inference_mode()
@pytest.mark.parametrize("prompt", PROMPTS, ids=range(len(PROMPTS)))
@pytest.mark.parametrize("layers", [(1, 2, 3), (1, DEPTH), (2,), (3, 1)], ids=str)
def test_embeddings_equal_diffusers(kv: Small, layers: tuple[int, ...], prompt: str) -> None:
    """(1, 4) ends with the whole depth, where transformers gives the state behind the final norm."""
    made, wanted = encoder(kv.folder, text_layers=layers).encode(prompt), theirs(kv.pipeline, prompt, layers)
    assert made.shape == (1, LENGTH, 32 * len(layers))
    assert wanted.std() > 0.01
    torch.testing.assert_close(made, wanted, rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_other_lengths_equal_diffusers(kv: Small) -> None:
    made = encoder(kv.folder, text_length=40).encode("a fox")
    torch.testing.assert_close(made, theirs(kv.pipeline, "a fox", (1, 2, 3), 40), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("depth", "layers"), [(4, (1, 2, 3)), (6, (1, 3, 4)), (8, (2, 4, 6)), (28, (9, 18, 27)), (36, (9, 18, 27))]
)
def test_kleins_layers_are_the_default(tmp_path: Path, depth: int, layers: tuple[int, ...]) -> None:
    folder = save_small("klein", tmp_path, depth=depth)
    made = encoder(folder)
    assert made.layers == layers
    assert len(made.trunk.layers) == max(made.layers)
    torch.testing.assert_close(made.encode("a fox"), theirs(load_pipeline(folder), "a fox", made.layers))


def test_layers_above_and_the_head_are_not_read(tmp_path: Path) -> None:
    """They may even have other shapes."""
    folder = save_small("klein", tmp_path)
    before = encoder(folder).encode("a fox")
    file = folder / "text_encoder" / "model.safetensors"
    tensors = load_file(file)
    above = [name for name in tensors if ".layers.3." in name or name == "lm_head.weight"]
    assert len(above) > 5
    save_file(tensors | {name: torch.full((3,), torch.nan) for name in above}, file, {"format": "pt"})
    assert torch.equal(encoder(folder).encode("a fox"), before)


@pytest.mark.parametrize("layers", [(0, 1), (2, DEPTH + 1)])
def test_layers_that_are_not_there_are_refused(kv: Small, layers: tuple[int, ...]) -> None:
    with pytest.raises(CheckpointError, match=r"text_encoder_out_layers \[.*\]: the text encoder has layers 1 to 4"):
        encoder(kv.folder, text_layers=layers)


def test_another_kind_of_text_encoder_is_refused(tmp_path: Path) -> None:
    folder = save_small("klein", tmp_path)
    config = folder / "text_encoder" / "config.json"
    config.write_text(config.read_text().replace('"qwen3"', '"mistral3"'))
    with pytest.raises(CheckpointError, match=r"model_type is 'mistral3'; FLUX.2 \[klein\] has 'qwen3' here"):
        encoder(folder)
