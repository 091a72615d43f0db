"""nano exported as a folder in diffusers' layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import Flux2KleinKVPipeline
from safetensors import safe_open
from torch import nn

from brandpress.model import Renderer, RenderRequest
from brandpress.model.nano.architecture import AUTOENCODER, REFERENCE_PIXELS, TEXT_LAYERS, TEXT_LENGTH
from brandpress.model.nano.tokenizer import tokenise, train_tokenizer
from brandpress.model.nano.training.export import export, save_weights
from brandpress.model.nano.training.nano import Nano
from brandpress.model.network.autoencoder import Autoencoder
from tests.model.nano.equality import difference, folder_bytes
from tests.model.small import load_pipeline, noise_picture


@pytest.fixture(scope="module")
def renderer(random_nano: Path) -> Renderer:
    return Renderer.load(str(random_nano), device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def pipeline(random_nano: Path) -> Any:
    return load_pipeline(random_nano)


@pytest.mark.parametrize(
    ("size", "count"),
    [
        ((160, 96), 3),
        *(pytest.param((128, 128), count, marks=pytest.mark.slow) for count in (0, 1, 3, 10)),
        *(pytest.param((160, 96), count, marks=pytest.mark.slow) for count in (0, 1, 10)),
    ],
)
def test_diffusers_renders_the_same_picture(
    renderer: Renderer, pipeline: Any, random_nano: Path, count: int, size: tuple[int, int]
) -> None:
    assert isinstance(pipeline, Flux2KleinKVPipeline)
    references = tuple(noise_picture(64 + 32 * (i % 2), 64 + 32 * (i % 2), seed=i) for i in range(count))
    request = RenderRequest("a red mug on the left and a fox", references, *size, seed=count, steps=3)
    assert difference(renderer, pipeline, random_nano, request) <= 1


def test_the_index_contains_nanos_settings(random_nano: Path, renderer: Renderer) -> None:
    index = json.loads((random_nano / "model_index.json").read_text())
    assert index["_class_name"] == "Flux2KleinKVPipeline"
    description = renderer.description
    assert description.kv and description.distilled
    assert (description.text_layers, description.text_length, description.reference_pixels) == (
        TEXT_LAYERS,
        TEXT_LENGTH,
        REFERENCE_PIXELS,
    )


def test_weights_are_small_and_bfloat16(random_nano: Path) -> None:
    assert folder_bytes(random_nano) <= 28_000_000
    files = sorted(random_nano.rglob("*.safetensors"))
    assert {path.parent.name for path in files} == {"transformer", "text_encoder", "vae"}
    for path in files:
        with safe_open(path, framework="pt") as file:
            dtypes = {file.get_tensor(key).dtype for key in file.keys()}  # noqa: SIM118
            assert file.metadata() == {"format": "pt"}
        assert path.stat().st_size <= 16_000_000
        assert dtypes - {torch.int64} == {torch.bfloat16}


def test_an_export_replaces_files_of_other_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layers = nn.Sequential(nn.Linear(100, 100), nn.Linear(100, 100))
    save_weights(layers, tmp_path, "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]
    monkeypatch.setattr("brandpress.model.nano.training.export.MAX_FILE_BYTES", 21_000)
    save_weights(layers, tmp_path, "model", prefix="layers.")
    names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors", "model.safetensors.index.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    index = json.loads((tmp_path / names[2]).read_text())
    assert index["weight_map"]["layers.1.bias"] == names[1]
    monkeypatch.undo()
    save_weights(layers, tmp_path, "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_the_folder_contains_no_other_files(random_nano: Path) -> None:
    suffixes = {path.suffix for path in random_nano.rglob("*") if path.is_file()}
    assert suffixes <= {".json", ".safetensors", ".txt", ".jinja"}


def test_the_tokenizer_is_saved_without_padding_and_truncation(tmp_path: Path) -> None:
    tokenizer = train_tokenizer(["a red mug"])
    tokenise(tokenizer, ["a mug"])  # training sets padding and truncation
    export(Nano(), Autoencoder(AUTOENCODER), tokenizer, tmp_path)
    saved = json.loads((tmp_path / "tokenizer" / "tokenizer.json").read_text())
    assert (saved["padding"], saved["truncation"]) == (None, None)
