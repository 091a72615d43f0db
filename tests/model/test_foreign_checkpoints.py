"""Checkpoints as other tools write them: the same pictures as from the folder that they were made of."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from brandpress.model import CheckpointError, Renderer, RenderRequest
from brandpress.model.checkpoint.check import check_model
from brandpress.model.checkpoint.contents import files_of, folder_files
from brandpress.model.checkpoint.describe import describe
from brandpress.model.choice import LoraChoice, ModelChoice
from tests.model.other_layouts import State, lora_file, prefixed, to_bfl, vae_to_bfl, write
from tests.model.small import Small, levels_of, noise_picture, save_small, small_autoencoder

REQUEST = RenderRequest("a red mug", (noise_picture(66, 120, 2),), 64, 64, seed=5, steps=2)
TRANSFORMER = "diffusion_pytorch_model"


@pytest.fixture
def small(small_of: Callable[[str], Small]) -> Small:
    return small_of("klein")


@pytest.fixture
def folder(small: Small, tmp_path: Path) -> Path:
    return shutil.copytree(small.folder, tmp_path / "checkpoint")


def state_of(folder: Path, part: str) -> State:
    name = "model" if part == "text_encoder" else TRANSFORMER
    return load_file(folder / part / f"{name}.safetensors")


def picture(base: Path | str, **options: Any) -> Any:
    choice = ModelChoice(str(base), **{key: str(value) for key, value in options.items()})
    assert check_model(describe(choice, Path.cwd())) == []
    renderer = Renderer.load(base, device="cpu", dtype="float32", **options)
    return levels_of(renderer.render([REQUEST])[0])


def is_same(one: Any, other: Any) -> bool:
    """Equal within one level: on some CPUs, where a file's tensors begin in memory decides how products are rounded."""
    return int(abs(one.astype(int) - other.astype(int)).max()) <= 1


@pytest.mark.parametrize("layout", ["bfl", "diffusers"])
def test_the_other_spelling_of_norms(small: Small, folder: Path, layout: str) -> None:
    state = state_of(folder, "transformer")
    state = to_bfl(state) if layout == "bfl" else state
    old, new = ("_norm.scale", "_norm.weight") if layout == "bfl" else (".weight", ".scale")
    renamed = {
        name.replace(old, new) if ".norm_" in name or old == "_norm.scale" else name: tensor
        for name, tensor in state.items()
    }
    assert renamed.keys() != state.keys()
    file = write(folder.parent / "fine-tune.safetensors", renamed)
    assert is_same(picture(small.folder, transformer=file), levels_of(small.renderer.render([REQUEST])[0]))


def all_in_one(folder: Path, file: Path, vae: str = "vae.", wrapper: str = "") -> Path:
    """A file as ComfyUI's SaveCheckpoint writes it."""
    state = prefixed(to_bfl(state_of(folder, "transformer")), f"{wrapper}model.diffusion_model.")
    state |= prefixed(vae_to_bfl(state_of(folder, "vae"), levels=4), vae)
    state |= prefixed(state_of(folder, "text_encoder"), "text_encoders.qwen3_4b.transformer.")
    return write(file, state)


@pytest.mark.parametrize("vae", ["vae.", "first_stage_model."])
def test_an_all_in_one_file_as_every_part(small: Small, folder: Path, tmp_path: Path, vae: str) -> None:
    file = all_in_one(folder, tmp_path / "aio.safetensors", vae)
    shutil.copy(folder / "text_encoder" / "config.json", tmp_path)
    expected = levels_of(small.renderer.render([REQUEST])[0])
    other = save_small("klein", tmp_path / "other", seed=7)
    for parts in (["transformer"], ["vae"], ["text_encoder"], ["transformer", "vae", "text_encoder"]):
        rest = {part: folder / part for part in ("transformer", "vae", "text_encoder") if part not in parts}
        chosen = picture(other, **dict.fromkeys(parts, file), **rest)
        assert is_same(chosen, expected), parts


def test_an_all_in_one_file_as_base(small: Small, folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    small_autoencoder(block_out_channels=(32, 32, 32, 32), norm_num_groups=32).save_pretrained(folder / "vae")
    file = all_in_one(folder, home / "klein-aio.safetensors")
    shutil.copy(folder / "text_encoder" / "config.json", home)
    shutil.copytree(folder / "tokenizer", home / "tokenizer")
    description = describe(str(file), tmp_path)
    assert description.parts is not None
    assert {description.parts.transformer, description.parts.vae, description.parts.text_encoder} == {file}
    assert check_model(description) == []
    Renderer.load(file, device="cpu").render([REQUEST])


def test_a_part_that_an_all_in_one_file_lacks(folder: Path, tmp_path: Path) -> None:
    state = prefixed(to_bfl(state_of(folder, "transformer")))
    state |= prefixed(state_of(folder, "text_encoder"), "text_encoders.qwen3_4b.transformer.")
    file = write(tmp_path / "aio.safetensors", state)
    [problem] = check_model(describe(ModelChoice(str(folder), vae=str(file)), tmp_path))
    assert problem.field == ("vae",)
    assert problem.message == (
        f"{file} is an all-in-one checkpoint with transformer and text encoder, but it has no autoencoder"
    )


@pytest.mark.parametrize("prefix", ["first_stage_model.", "vae.", "module."])
def test_prefixes_of_an_autoencoder(small: Small, folder: Path, tmp_path: Path, prefix: str) -> None:
    file = write(tmp_path / "ae.safetensors", prefixed(vae_to_bfl(state_of(folder, "vae"), levels=4), prefix))
    assert is_same(picture(folder, vae=file), levels_of(small.renderer.render([REQUEST])[0]))


def renamed_to_variant(folder: Path, index: bool) -> None:
    """Renames a sharded transformer's files as diffusers saves a variant."""
    part = folder / "transformer"
    [listing] = part.glob("*.index.json")
    text = listing.read_text()
    for shard in part.glob("*.safetensors"):
        name = shard.name.replace(f"{TRANSFORMER}-", f"{TRANSFORMER}.bf16-")
        text = text.replace(shard.name, name)
        shard.rename(part / name)
    listing.unlink()
    if index:
        (part / f"{TRANSFORMER}.safetensors.index.bf16.json").write_text(text)


def test_a_sharded_variant(small: Small, tmp_path: Path) -> None:
    folder = save_small("klein", tmp_path / "sharded", shard="40KB")
    expected = picture(folder)
    renamed_to_variant(folder, index=True)
    assert (picture(folder) == expected).all()


@pytest.mark.parametrize("variant", ["bf16", "fp16"])
def test_plain_weights_are_preferred_to_a_variant(small: Small, folder: Path, variant: str) -> None:
    write(folder / "transformer" / f"{TRANSFORMER}.{variant}.safetensors", {"x": torch.zeros(1)})
    (folder / "transformer" / f"{TRANSFORMER}.safetensors.index.{variant}.json").write_text("{}")
    assert (picture(folder) == levels_of(small.renderer.render([REQUEST])[0])).all()


def test_several_variants_are_named(folder: Path) -> None:
    file = folder / "transformer" / f"{TRANSFORMER}.safetensors"
    for variant in ("bf16", "fp16"):
        shutil.copy(file, file.with_name(f"{TRANSFORMER}.{variant}.safetensors"))
    file.unlink()
    [problem] = [each for each in check_model(describe(str(folder), folder)) if each.field == ("transformer",)]
    assert f"{TRANSFORMER}.bf16.safetensors, {TRANSFORMER}.fp16.safetensors; name one" in problem.message


def opened_by(load: Callable[[], object], below: Path) -> set[Path]:
    """The files below a folder that are opened while `load` runs, by Python and by libraries that map files."""
    seen: set[Path] = set()
    active = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if active and event == "open" and isinstance(arguments[0], str | bytes):
            path = Path(arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0])
            if path.is_relative_to(below) and path.is_file():
                seen.add(path.resolve())

    sys.addaudithook(hook)  # it can't be removed
    try:
        load()
    finally:
        active = False
    return seen


@pytest.mark.parametrize("kind", ["klein", "dev"])
def test_the_digest_covers_every_file_that_is_opened(kind: str, tmp_path: Path) -> None:
    folder = save_small(kind, tmp_path / "checkpoint")
    (folder / "tokenizer" / "tokenizer.model").write_bytes(b"pieces")
    renderer: list[Any] = []

    def load() -> None:
        renderer.append(Renderer.load(folder, device="cpu", dtype="float32"))
        renderer[0].render([REQUEST])
        if kind == "dev":
            renderer[0].loaded.upsampler.get()

    opened = opened_by(load, folder)
    covered = {file.resolve() for file in folder_files(folder)}
    assert len(opened) > 6
    assert opened <= covered, opened - covered
    assert folder / "tokenizer" / "tokenizer.model" in covered


def test_the_digest_of_a_composed_model_covers_every_file_that_is_opened(folder: Path, tmp_path: Path) -> None:
    transformer = write(tmp_path / "t.safetensors", to_bfl(state_of(folder, "transformer")))
    vae = write(tmp_path / "ae.safetensors", vae_to_bfl(state_of(folder, "vae"), levels=4))
    peft = tmp_path / "peft"
    peft.mkdir()
    lora_file(peft / "adapter_model.safetensors", state_of(folder, "transformer"), "diffusers")
    (peft / "adapter_config.json").write_text(json.dumps({"r": 4, "lora_alpha": 4}))
    choice = ModelChoice(str(folder), str(transformer), str(vae), loras=(LoraChoice(str(peft)),))
    parts = describe(choice, tmp_path).parts
    assert parts is not None
    covered = {file.resolve() for _, file in files_of(parts)}

    def load() -> None:
        Renderer.load(folder, transformer, vae, loras=[(peft, 1.0)], device="cpu").render([REQUEST])

    opened = opened_by(load, tmp_path)
    assert opened <= covered, opened - covered
    assert peft / "adapter_config.json" in opened


def test_files_that_change_while_they_are_loaded_are_noticed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from brandpress.model import renderer

    load_model = renderer.load_model

    def slow_load(*arguments: Any, **options: Any) -> Any:
        loaded = load_model(*arguments, **options)
        config = folder / "vae" / "config.json"
        config.write_text(config.read_text() + " ")
        return loaded

    monkeypatch.setattr(renderer, "load_model", slow_load)
    with pytest.raises(CheckpointError, match="files changed after they were described"):
        Renderer.load(folder, device="cpu")


def test_a_renderer_tells_what_it_loaded(folder: Path) -> None:
    description, loaded = describe(str(folder), folder), Renderer.load(folder, device="cpu").description
    assert (loaded.weights_digest, loaded.sampler) == (description.weights_digest, description.sampler)


def test_no_code_of_a_checkpoint_runs(folder: Path, tmp_path: Path) -> None:
    """Neither a module that a config names, nor a pickle; and nobody is asked whether it may."""
    trace = tmp_path / "ran"
    for part in ("transformer", "vae", "text_encoder", "tokenizer", "."):
        (folder / part / "evil.py").write_text(f"open({str(trace)!r}, 'w').write('x')\nclass Evil: pass\n")
        (folder / part / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    names = ("AutoConfig", "AutoModel", "AutoModelForCausalLM", "AutoTokenizer", "AutoProcessor")
    auto_map: dict[str, Any] = dict.fromkeys(names, "evil.Evil") | {"AutoTokenizer": ["evil.Evil", "evil.Evil"]}
    for file in (*folder.glob("*/config.json"), folder / "tokenizer" / "tokenizer_config.json"):
        file.write_text(json.dumps(json.loads(file.read_text()) | {"auto_map": auto_map}))
    Renderer.load(folder, device="cpu").render([REQUEST])
    config = folder / "tokenizer" / "tokenizer_config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"tokenizer_class": "Evil"}))
    try:
        Renderer.load(folder, device="cpu").render([REQUEST])
    except CheckpointError as error:
        assert "tokenizer" in str(error)
    assert not trace.exists()
