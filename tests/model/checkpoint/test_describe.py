"""What a campaign's `model:` may name."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from model.checkpoint import describe as module
from model.checkpoint.describe import describe
from model.errors import CheckpointError
from model.sampler_version import SAMPLER

HUB = "black-forest-labs/FLUX.2-klein-4B"


def write_folder(folder: Path, heads: int = 24, **index: Any) -> Path:
    """What `describe` reads of a checkpoint; it loads no weights."""
    for part in ("transformer", "vae", "text_encoder", "tokenizer", "scheduler"):
        (folder / part).mkdir(parents=True)
    (folder / "transformer" / "config.json").write_text(json.dumps({"num_attention_heads": heads}))
    (folder / "transformer" / "diffusion_pytorch_model.safetensors").write_bytes(b"weights")
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "Flux2KleinPipeline"} | index))
    return folder


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, and no way to the hub itself."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def cached_on_hub(cache: Path, hub: str, **index: Any) -> Path:
    """A repository as `hf download` leaves it in the cache."""
    repository = cache / f"models--{hub.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    return write_folder(repository / "snapshots" / ("0" * 40), **index)


def test_nano_is_beside_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index: dict[str, Any] = {"max_sequence_length": 64, "text_encoder_out_layers": [1, 2, 3], "reference_pixels": 4096}
    monkeypatch.setattr(module, "NANO_FOLDER", write_folder(tmp_path / "nano", heads=8, **index))
    found = describe("nano", tmp_path / "elsewhere")
    assert (found.name, found.family, found.licence, found.commercial_use) == ("nano", "nano", "Apache-2.0", True)
    assert (found.kv, found.distilled, found.max_references, found.guidance) == (True, True, 10, 1.0)
    assert found.steps == {"preview": 4, "standard": 4, "final": 8}
    assert (found.text_layers, found.text_length, found.reference_pixels) == ((1, 2, 3), 64, 4096)


def test_nano_without_its_weights_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "NANO_FOLDER", tmp_path / "weights")
    with pytest.raises(CheckpointError, match=re.escape(f"{tmp_path / 'weights' / 'model_index.json'} is missing")):
        describe("nano", tmp_path)


@pytest.mark.parametrize(
    ("heads", "index", "family", "commercial", "steps", "guidance"),
    [
        (24, {}, "flux.2-klein-4b", True, 4, 1.0),
        (32, {"is_distilled": True}, "flux.2-klein-9b", False, 4, 1.0),
        (32, {"_class_name": "Flux2KleinKVPipeline"}, "flux.2-klein-9b-kv", False, 4, 1.0),
        (24, {"is_distilled": False}, "flux.2-klein-base-4b", True, 20, 4.0),
        (32, {"is_distilled": False}, "flux.2-klein-base-9b", False, 20, 4.0),
        (5, {}, "custom", False, 4, 1.0),
        (24, {"_class_name": "Flux2KleinKVPipeline"}, "custom", False, 4, 1.0),
    ],
)
def test_a_folder_is_recognised(
    tmp_path: Path, heads: int, index: dict[str, Any], family: str, commercial: bool, steps: int, guidance: float
) -> None:
    folder = write_folder(tmp_path / "models" / "mine", heads, **index)
    (tmp_path / "jobs").mkdir()
    for name, relative_to in (
        (str(folder), tmp_path),
        ("models/mine", tmp_path),
        ("../models/mine", tmp_path / "jobs"),
    ):
        found = describe(name, relative_to)
        assert found.folder == folder.resolve()
        assert found.name == name
        assert (found.family, found.commercial_use) == (family, commercial)
        assert (found.steps["standard"], found.guidance) == (steps, guidance)
        assert (found.text_layers, found.text_length, found.reference_pixels) == (None, 512, 1024 * 1024)
        assert found.sampler == SAMPLER
        assert re.fullmatch("[0-9a-f]{64}", found.weights_digest)


def test_the_index_overrides_the_family(tmp_path: Path) -> None:
    index: dict[str, Any] = {
        "num_inference_steps": 7,
        "guidance_scale": 3,
        "text_encoder_out_layers": [2, 5],
        "max_sequence_length": 77,
        "reference_pixels": 5000,
    }
    found = describe(str(write_folder(tmp_path / "mine", **index)), tmp_path)
    assert found.steps == {"preview": 7, "standard": 7, "final": 7}
    assert (found.guidance, found.text_layers, found.text_length, found.reference_pixels) == (3.0, (2, 5), 77, 5000)


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("num_inference_steps", "20", "a whole number above 0"),
        ("num_inference_steps", 0, "a whole number above 0"),
        ("num_inference_steps", 4.5, "a whole number above 0"),
        ("num_inference_steps", True, "a whole number above 0"),
        ("guidance_scale", "strong", "a number above 0"),
        ("guidance_scale", float("inf"), "a number above 0"),
        ("max_sequence_length", [512], "a whole number above 0"),
        ("reference_pixels", -1, "a whole number above 0"),
        ("text_encoder_out_layers", 9, "a list of layers from 1 on"),
        ("text_encoder_out_layers", [9, "18"], "a list of layers from 1 on"),
        ("text_encoder_out_layers", [0, 1], "a list of layers from 1 on"),
        ("text_encoder_out_layers", [], "a list of layers from 1 on"),
    ],
)
def test_a_wrong_override_is_named(tmp_path: Path, field: str, value: Any, allowed: str) -> None:
    folder = write_folder(tmp_path / "mine", **{field: value})
    message = f"{folder / 'model_index.json'}: {field} is {value!r}; it must be {allowed}"
    with pytest.raises(CheckpointError, match=re.escape(message)):
        describe(str(folder), tmp_path)


@pytest.mark.parametrize("kind", ["Flux2Pipeline", "FluxPipeline", None])
def test_another_kind_of_checkpoint_is_refused_by_its_name(tmp_path: Path, kind: str | None) -> None:
    folder = write_folder(tmp_path / "dev", 48, _class_name=kind)
    message = f"{folder}: model_index.json says {kind!r}; FLUX.2 [klein] folders say Flux2KleinPipeline or Flux2KleinKV"
    with pytest.raises(CheckpointError, match=re.escape(message)):
        describe("dev", tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"{", "is not valid JSON"), (b"\xff\xfe\x00", "is not valid JSON"), (b"[]", "holds a list; a JSON object is")],
)
def test_an_index_that_is_no_json_object_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    folder = write_folder(tmp_path / "mine")
    (folder / "model_index.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=f"model_index.json {message}"):
        describe("mine", tmp_path)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    with pytest.raises(CheckpointError, match=r"pictures: no model_index.json; a checkpoint folder is laid out as"):
        describe("pictures", tmp_path)


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    message = "model 'nanoo' is neither a folder nor a known name; known names: nano, flux.2-klein-4b, flux.2-klein-9b"
    with pytest.raises(CheckpointError, match=re.escape(message)):
        describe("nanoo", tmp_path)


@pytest.mark.parametrize("name", ["flux.2-klein-4b", HUB])
def test_what_is_not_in_the_hubs_cache_says_how_to_get_it(tmp_path: Path, hub_cache: Path, name: str) -> None:
    with pytest.raises(CheckpointError, match=f"{HUB} is not in the hub's cache .* `hf download {HUB}`, or name a"):
        describe(name, tmp_path)


@pytest.mark.parametrize("name", ["my models/x y", "a--b/..c", "models/"])
def test_what_can_be_no_name_on_the_hub_is_refused(tmp_path: Path, hub_cache: Path, name: str) -> None:
    with pytest.raises(CheckpointError, match=re.escape(f"model {name!r} is neither a folder nor a")):
        describe(name, tmp_path)


def test_a_name_is_found_in_the_hubs_cache(tmp_path: Path, hub_cache: Path) -> None:
    folder = cached_on_hub(hub_cache, HUB)
    by_name, by_hub = describe("flux.2-klein-4b", tmp_path), describe(HUB, tmp_path)
    assert by_name.folder == by_hub.folder == folder
    assert by_name.family == by_hub.family == "flux.2-klein-4b"
    assert by_name.weights_digest == by_hub.weights_digest


def test_a_download_that_was_cut_short_is_named(tmp_path: Path, hub_cache: Path) -> None:
    folder = cached_on_hub(hub_cache, HUB)
    file = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    file.unlink()
    file.symlink_to(tmp_path / "blob-that-never-came")
    with pytest.raises(CheckpointError, match=r"blob-that-never-came can't be read: No such file"):
        describe(HUB, tmp_path)


def test_dev_in_the_hubs_cache_is_refused_by_name(tmp_path: Path, hub_cache: Path) -> None:
    cached_on_hub(hub_cache, "black-forest-labs/FLUX.2-dev", _class_name="Flux2Pipeline")
    with pytest.raises(CheckpointError, match=r"model_index.json says 'Flux2Pipeline'"):
        describe("black-forest-labs/FLUX.2-dev", tmp_path)
