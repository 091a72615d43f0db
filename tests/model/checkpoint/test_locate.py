"""Where the parts of a model are located."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from brandpress.model import CheckpointError
from brandpress.model.checkpoint.locate import absolute, is_path, locate
from brandpress.model.choice import LoraChoice, ModelChoice
from tests.model.checkpoint.cached import cached_on_hub, write_folder
from tests.model.sparse import sparse_transformer

HUBS = {
    "flux2-dev.safetensors": ("dev", "black-forest-labs/FLUX.2-dev"),
    "flux-2-klein-4b-fp8.safetensors": ("klein-4b", "black-forest-labs/FLUX.2-klein-4B"),
    "flux-2-klein-base-9b.safetensors": ("klein-9b", "black-forest-labs/FLUX.2-klein-base-9B"),
    "flux-2-klein-9b-kv.safetensors": ("klein-9b", "black-forest-labs/FLUX.2-klein-9b-kv"),
}


@pytest.mark.parametrize("name", HUBS)
def test_the_other_parts_of_a_single_file_are_its_familys(tmp_path: Path, hub_cache: Path, name: str) -> None:
    """Found by the transformer's size and the file's name; the cache doesn't need the transformer's weights."""
    layout, hub = HUBS[name]
    file = sparse_transformer(tmp_path / name, layout, fp8="fp8" in name)
    folder = cached_on_hub(hub_cache, hub)
    (folder / "transformer" / "model.safetensors").unlink()
    parts = locate(ModelChoice(str(file)))
    assert (parts.transformer, parts.vae, parts.root) == (file, folder / "vae", folder)
    assert (parts.text_encoder, parts.tokenizer) == (folder / "text_encoder", folder / "tokenizer")
    assert parts.text_config == folder / "text_encoder" / "config.json"
    assert parts.overridden


def test_a_folder_with_one_file_stands_for_that_file(tmp_path: Path, hub_cache: Path) -> None:
    """As in BFL's fp8 repositories."""
    file = sparse_transformer(tmp_path / "flux-2-klein-4b-fp8.safetensors", "klein-4b", fp8=True)
    cached_on_hub(hub_cache, HUBS[file.name][1])
    assert locate(ModelChoice(str(tmp_path))).transformer == file


def test_a_tokenizer_is_looked_for_beside_the_text_encoder(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mine")
    other = write_folder(tmp_path / "other")
    single = tmp_path / "encoders" / "qwen.safetensors"
    single.parent.mkdir()
    single.touch()
    for text_encoder, tokenizer, config in (
        (other, other / "tokenizer", other / "text_encoder" / "config.json"),
        (other / "text_encoder", other / "tokenizer", other / "text_encoder" / "config.json"),
        (single, folder / "tokenizer", folder / "text_encoder" / "config.json"),
    ):
        parts = locate(ModelChoice(str(folder), text_encoder=str(text_encoder)))
        assert (parts.tokenizer, parts.text_config) == (tokenizer, config)


def test_a_missing_tokenizer_needs_the_familys_repository(tmp_path: Path, hub_cache: Path) -> None:
    folder = write_folder(tmp_path / "mine")
    single = tmp_path / "encoders" / "qwen.safetensors"
    single.parent.mkdir()
    single.touch()
    choice = ModelChoice("flux.2-klein-4b", transformer=str(folder), vae=str(folder), text_encoder=str(single))
    with pytest.raises(
        CheckpointError,
        match=r"is not in this machine's Hugging Face cache; run `brandpress models --get flux.2-klein-4b`",
    ):
        locate(choice)


def test_paths_become_absolute_and_names_stay(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    choice = ModelChoice("mine", "a.safetensors", "vae", "text", (LoraChoice("../l.safetensors", 0.5),), "fp8")
    resolved = absolute(choice, tmp_path)
    assert resolved.base == str(tmp_path / "mine")
    assert (resolved.transformer, resolved.vae, resolved.text_encoder) == tuple(
        str(tmp_path / name) for name in ("a.safetensors", "vae", "text")
    )
    assert resolved.loras == (LoraChoice(str(tmp_path.parent / "l.safetensors"), 0.5),)
    for name in ("nano", "flux.2-dev", "black-forest-labs/FLUX.2-dev"):
        assert absolute(ModelChoice(name), tmp_path).base == name


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("./x", True),
        ("/x", True),
        ("~/x", True),
        ("x.safetensors", True),
        ("a/b/c", True),
        ("a/b", False),
        ("x", False),
    ],
)
def test_names_that_can_only_be_paths(name: str, path: bool) -> None:
    assert is_path(name) == path


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("/" + "x" * 5000, "is not a valid path: File name too long"),
        ("~nobody-here/x", "is not a valid path: "),
        ("x\0y/../z/w", "is not a valid path: "),
    ],
)
def test_invalid_paths_are_rejected(tmp_path: Path, base: str, message: str) -> None:
    with pytest.raises(CheckpointError, match=re.escape(message)):
        absolute(ModelChoice(base), tmp_path)
