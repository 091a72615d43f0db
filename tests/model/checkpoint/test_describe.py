"""The models that a campaign's `model:` can name."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from brandpress.model.checkpoint import locate as module
from brandpress.model.checkpoint.describe import check_unchanged, describe
from brandpress.model.choice import LoraChoice, ModelChoice
from brandpress.model.errors import CheckpointError
from brandpress.model.sampler_version import HOSTED_SAMPLER, SAMPLER
from tests.model.checkpoint.cached import cached_on_hub, write_folder
from tests.model.other_layouts import to_bfl, write
from tests.model.small import Small

HUB = "black-forest-labs/FLUX.2-klein-4B"


def test_nano_is_part_of_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index: dict[str, Any] = {"max_sequence_length": 64, "text_encoder_out_layers": [1, 2, 3], "reference_pixels": 4096}
    monkeypatch.setattr(module, "NANO_FOLDER", write_folder(tmp_path / "nano", heads=8, **index))
    description = describe("nano", tmp_path / "elsewhere")
    assert (description.name, description.family, description.licence, description.commercial_use) == (
        "nano",
        "nano",
        "Apache-2.0",
        True,
    )
    assert (description.kv, description.distilled, description.max_references, description.guidance) == (
        True,
        True,
        10,
        1.0,
    )
    assert description.steps == {"preview": 4, "standard": 4, "final": 8}
    assert (description.text_layers, description.text_length, description.reference_pixels) == ((1, 2, 3), 64, 4096)


def test_missing_weights_of_nano_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
        description = describe(name, relative_to)
        assert description.parts is not None
        assert description.parts.root == folder.resolve()
        assert description.choice.base == str(folder.resolve())
        assert description.name == name
        assert (description.family, description.commercial_use) == (family, commercial)
        assert (description.steps["standard"], description.guidance) == (steps, guidance)
        assert (description.text_layers, description.text_length, description.reference_pixels) == (
            None,
            512,
            1024 * 1024,
        )
        assert description.sampler == SAMPLER
        assert re.fullmatch("[0-9a-f]{64}", description.weights_digest)


def test_the_index_overrides_the_family(tmp_path: Path) -> None:
    index: dict[str, Any] = {
        "num_inference_steps": 7,
        "guidance_scale": 3,
        "text_encoder_out_layers": [2, 5],
        "max_sequence_length": 77,
        "reference_pixels": 5000,
    }
    description = describe(str(write_folder(tmp_path / "mine", **index)), tmp_path)
    assert description.steps == {"preview": 7, "standard": 7, "final": 7}
    assert (description.guidance, description.text_layers, description.text_length, description.reference_pixels) == (
        3.0,
        (2, 5),
        77,
        5000,
    )


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("num_inference_steps", "20", "a whole number above 0"),
        ("num_inference_steps", 0, "a whole number above 0"),
        ("num_inference_steps", 4.5, "a whole number above 0"),
        ("num_inference_steps", True, "a whole number above 0"),
        ("guidance_scale", "strong", "a number above 0"),
        ("guidance_scale", float("inf"), "a number above 0"),
        ("max_sequence_length", [512], "a whole number above 0"),
        ("base_pixels", 65536.5, "a whole number above 0"),
        ("reference_pixels", -1, "a whole number above 0"),
        ("text_encoder_out_layers", 9, "a list of numbers from 1"),
        ("text_encoder_out_layers", [9, "18"], "a list of numbers from 1"),
        ("text_encoder_out_layers", [0, 1], "a list of numbers from 1"),
        ("text_encoder_out_layers", [], "a list of numbers from 1"),
    ],
)
def test_an_invalid_override_is_named(tmp_path: Path, field: str, value: Any, expected: str) -> None:
    folder = write_folder(tmp_path / "mine", **{field: value})
    message = f"{folder / 'model_index.json'}: {field}: expected {expected}, got {value!r}"
    with pytest.raises(CheckpointError, match=re.escape(message)):
        describe(str(folder), tmp_path)


@pytest.mark.parametrize(
    ("pipeline", "model"),
    [
        ("FluxPipeline", " (FLUX.1)"),
        ("FluxKontextPipeline", " (FLUX.1)"),
        ("Flux3Pipeline", " (FLUX.3)"),
        ("StableDiffusionXLPipeline", ""),
        (None, ""),
    ],
)
def test_another_pipeline_is_named(tmp_path: Path, pipeline: str | None, model: str) -> None:
    folder = write_folder(tmp_path / "other", 48, _class_name=pipeline)
    message = (
        f"{folder / 'model_index.json'}: _class_name: expected Flux2Pipeline, Flux2KleinPipeline or "
        f"Flux2KleinKVPipeline, got {pipeline!r}{model}"
    )
    with pytest.raises(CheckpointError, match=f"^{re.escape(message)}$"):
        describe("other", tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", " is not valid JSON"),
        (b"\xff\xfe\x00", " is not valid JSON"),
        (b"[]", ": expected a JSON object, got a list"),
    ],
)
def test_an_index_that_is_not_a_json_object(tmp_path: Path, content: bytes, message: str) -> None:
    folder = write_folder(tmp_path / "mine")
    (folder / "model_index.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=f"model_index.json{message}"):
        describe("mine", tmp_path)


def test_a_folder_without_an_index(tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    with pytest.raises(CheckpointError, match=r"pictures: no model_index.json; expected a folder in diffusers' layout"):
        describe("pictures", tmp_path)


def test_an_unknown_name_lists_the_known_ones(tmp_path: Path) -> None:
    message = "model 'nanoo' is not a folder, a file or a known name; known names: nano, flux.2-dev, flux.2-klein-4b"
    with pytest.raises(CheckpointError, match=re.escape(message)):
        describe("nanoo", tmp_path)


@pytest.mark.parametrize("name", ["flux.2-klein-4b", HUB])
def test_a_model_missing_from_the_cache_has_a_command(tmp_path: Path, hub_cache: Path, name: str) -> None:
    message = (
        f"{HUB} is not in this machine's Hugging Face cache; run `brandpress models --get flux.2-klein-4b`, or use a "
        "folder as base"
    )
    with pytest.raises(CheckpointError, match=re.escape(message)):
        describe(name, tmp_path)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("black-forest-labs/FLUX.2-klien-4B", "; did you mean black-forest-labs/FLUX.2-klein-4B?"),
        ("Black-Forrest-Labs/flux.2-klein-base-9b", "; did you mean black-forest-labs/FLUX.2-klein-base-9B?"),
        ("black-forest-labs/FLUX.2-klein-4b-fp8", ""),
        ("acme/flux.2-klein-tuned", ""),
    ],
)
def test_a_misspelt_repository_of_the_family_is_recognised(
    tmp_path: Path, hub_cache: Path, name: str, hint: str
) -> None:
    with pytest.raises(CheckpointError) as error:
        describe(name, tmp_path)
    assert str(error.value).endswith(f"or use a folder as base{hint}")


@pytest.mark.parametrize("name", ["my models/x y", "a--b/..c", "models/"])
def test_an_invalid_repository_name_is_rejected(tmp_path: Path, hub_cache: Path, name: str) -> None:
    with pytest.raises(
        CheckpointError,
        match=re.escape(f"{name!r} ") + "(is not a valid Hugging Face repository|is not a folder, a file)",
    ):
        describe(name, tmp_path)


def test_a_familys_name_is_found_in_the_cache(tmp_path: Path, hub_cache: Path) -> None:
    folder = cached_on_hub(hub_cache, HUB)
    by_name, by_hub = describe("flux.2-klein-4b", tmp_path), describe(HUB, tmp_path)
    assert by_name.parts is not None and by_hub.parts is not None
    assert by_name.parts.root == by_hub.parts.root == folder
    assert by_name.family == by_hub.family == "flux.2-klein-4b"
    assert by_name.weights_digest == by_hub.weights_digest


def test_an_incomplete_download_is_not_used(tmp_path: Path, hub_cache: Path) -> None:
    folder = cached_on_hub(hub_cache, HUB)
    file = folder / "transformer" / "model.safetensors"
    file.unlink()
    file.symlink_to(tmp_path / "missing-blob")
    with pytest.raises(CheckpointError, match="is not in this machine's Hugging Face cache"):
        describe(HUB, tmp_path)


def test_dev_is_found_in_the_cache(tmp_path: Path, hub_cache: Path) -> None:
    cached_on_hub(hub_cache, "black-forest-labs/FLUX.2-dev", heads=48, _class_name="Flux2Pipeline")
    description = describe("black-forest-labs/FLUX.2-dev", tmp_path)
    assert (description.family, description.guidance, description.distilled, description.kv) == (
        "flux.2-dev",
        4.0,
        True,
        False,
    )
    assert description.steps == {"preview": 6, "standard": 20, "final": 50}
    assert not description.commercial_use


@pytest.mark.parametrize("name", ["flux.2-pro", "flux.2-max", "flux.2-flex"])
def test_hosted_tiers_need_no_files(tmp_path: Path, name: str) -> None:
    description = describe(ModelChoice(name, region="eu"), tmp_path)
    assert (description.name, description.family, description.hosted, description.parts) == (name, name, True, None)
    assert (description.sampler, description.max_references) == (HOSTED_SAMPLER, 8)
    chooses_itself = name != "flux.2-flex"
    assert (description.steps is None, description.guidance is None, not description.upsamples) == (chooses_itself,) * 3
    assert len({describe(other, tmp_path).weights_digest for other in ("flux.2-pro", "flux.2-max", "flux.2-flex")}) == 3


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (ModelChoice("flux.2-pro", transformer="x.safetensors"), "rendered by BFL; leave out transformer"),
        (ModelChoice("flux.2-max", loras=(LoraChoice("x"),), quantise="fp8"), "BFL; leave out loras, quantise"),
        (
            ModelChoice("nano", region="eu"),
            "region 'eu': only hosted tiers have regions; nano is rendered on this machine",
        ),
        (ModelChoice("nano", quantise="int4"), "quantise 'int4': allowed: fp8"),
        (ModelChoice("nano", transformer="missing.safetensors"), "is missing; it was chosen as the transformer"),
        (ModelChoice("nano", loras=(LoraChoice("missing.safetensors"),)), "is missing; it was chosen as the LoRA"),
        (ModelChoice("missing/x/y.safetensors"), "y.safetensors' is not a folder, a file or a known name"),
    ],
    ids=range(7),
)
def test_an_invalid_choice_is_rejected(tmp_path: Path, choice: ModelChoice, message: str) -> None:
    with pytest.raises(CheckpointError, match=re.escape(message)):
        describe(choice, tmp_path)


class TestSingleFiles:
    """A transformer's file as the base, or as a replacement for the base's transformer."""

    @pytest.fixture
    def small(self, small_of: Callable[[str], Small]) -> Small:
        return small_of("klein")

    @pytest.fixture
    def single(self, small: Small, tmp_path: Path) -> Callable[[str], Path]:
        state = to_bfl(load_file(small.folder / "transformer" / "diffusion_pytorch_model.safetensors"))
        return lambda name: write(tmp_path / name, state)

    def with_parts(self, file: Path, small: Small) -> ModelChoice:
        vae = small.folder / "vae" / "diffusion_pytorch_model.safetensors"
        return ModelChoice(str(file), vae=str(vae), text_encoder=str(small.folder / "text_encoder"))

    @pytest.mark.parametrize(
        ("name", "kv", "distilled"),
        [
            ("flux-2-klein-4b.safetensors", False, True),
            ("flux-2-klein-9b-kv-fp8.safetensors", True, True),
            ("Flux2-Klein-Base-4B.safetensors", False, False),
        ],
    )
    def test_the_file_name_gives_the_kind(
        self, small: Small, single: Callable[[str], Path], tmp_path: Path, name: str, kv: bool, distilled: bool
    ) -> None:
        description = describe(self.with_parts(single(name), small), tmp_path)
        assert (description.kv, description.distilled, description.family) == (kv, distilled, "custom")
        assert description.parts is not None
        assert description.parts.tokenizer == small.folder / "tokenizer"

    def test_the_kind_is_part_of_the_digest(self, small: Small, single: Callable[[str], Path], tmp_path: Path) -> None:
        """The files are the same; only their names say how they are rendered."""
        names = ["klein.safetensors", "klein-kv.safetensors", "klein-base.safetensors", "klein-4b.safetensors"]
        described = [describe(self.with_parts(single(name), small), tmp_path) for name in names]
        assert len({description.weights_digest for description in described}) == 3
        for description in described:
            check_unchanged(description)

    def test_a_file_name_without_a_kind_is_rejected(
        self, small: Small, single: Callable[[str], Path], tmp_path: Path
    ) -> None:
        with pytest.raises(
            CheckpointError,
            match=r"can't tell distilled, base and KV models apart by their tensors.*\{base: flux.2-klein-4b",
        ):
            describe(self.with_parts(single("mine.safetensors"), small), tmp_path)

    def test_the_base_gives_the_kind_of_a_replacement(
        self, small: Small, single: Callable[[str], Path], tmp_path: Path
    ) -> None:
        choice = ModelChoice(str(small.folder), transformer=str(single("mine.safetensors")))
        assert (describe(choice, tmp_path).distilled, describe(choice, tmp_path).kv) == (True, False)

    def test_the_other_parts_must_be_set_or_cached(
        self, single: Callable[[str], Path], tmp_path: Path, hub_cache: Path
    ) -> None:
        message = "holds only the transformer; set `vae` and `text_encoder` too, or write {base: flux.2-…, transformer"
        with pytest.raises(CheckpointError, match=re.escape(message)):
            describe(str(single("flux-2-klein-4b.safetensors")), tmp_path)

    def test_a_transformer_as_base_takes_no_replacement(self, single: Callable[[str], Path], tmp_path: Path) -> None:
        file = str(single("flux-2-klein-4b.safetensors"))
        with pytest.raises(CheckpointError, match="is itself a transformer; use a folder as base"):
            describe(ModelChoice(file, transformer=file), tmp_path)

    def test_every_part_changes_the_digest(self, small: Small, single: Callable[[str], Path], tmp_path: Path) -> None:
        file, vae = str(single("klein.safetensors")), str(small.folder / "vae")
        lora = str(single("any.safetensors"))
        choices = [
            ModelChoice(str(small.folder)),
            ModelChoice(str(small.folder), transformer=file),
            ModelChoice(str(small.folder), loras=(LoraChoice(lora, 0.5),)),
            ModelChoice(str(small.folder), loras=(LoraChoice(lora, 0.7),)),
            ModelChoice(str(small.folder), loras=(LoraChoice(lora, 0.5), LoraChoice(lora, 0.5))),
        ]
        assert len({describe(choice, tmp_path).weights_digest for choice in choices}) == len(choices)
        same = ModelChoice(str(small.folder), vae=vae)
        assert describe(same, tmp_path).weights_digest == describe(choices[0], tmp_path).weights_digest

    def test_the_digest_depends_on_contents_not_on_paths(
        self, small: Small, single: Callable[[str], Path], tmp_path: Path
    ) -> None:
        one, other = (
            ModelChoice(str(small.folder), transformer=str(single(n))) for n in ("a.safetensors", "b.safetensors")
        )
        assert describe(one, tmp_path).weights_digest == describe(other, tmp_path).weights_digest

    def test_paths_are_relative_to_the_file_that_names_them(
        self, small: Small, single: Callable[[str], Path], tmp_path: Path
    ) -> None:
        single("mine.safetensors")
        (tmp_path / "jobs").mkdir()
        description = describe(ModelChoice(str(small.folder), transformer="../mine.safetensors"), tmp_path / "jobs")
        assert description.choice.transformer == str(tmp_path / "mine.safetensors")
