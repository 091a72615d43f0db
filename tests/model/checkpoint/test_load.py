"""Loading weights from valid and invalid files."""

from __future__ import annotations

import json
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from brandpress.model.checkpoint.describe import describe
from brandpress.model.checkpoint.load import load_autoencoder, load_transformer
from brandpress.model.checkpoint.text import load_text_encoder
from brandpress.model.errors import CheckpointError
from brandpress.model.network.fp8 import Fp8Linear
from tests.model.small import Small, save_small

CPU, FLOAT, FP8 = torch.device("cpu"), torch.float32, torch.float8_e4m3fn
TRANSFORMER = Path("transformer") / "diffusion_pytorch_model.safetensors"
VAE = Path("vae") / "diffusion_pytorch_model.safetensors"
TEXT = Path("text_encoder") / "model.safetensors"
QUERY = "transformer_blocks.0.attn.to_q.weight"


@pytest.fixture
def folder(small_of: Callable[[str], Small], tmp_path: Path) -> Path:
    """A copy of a small checkpoint that a test can break."""
    return shutil.copytree(small_of("klein").folder, tmp_path / "checkpoint")


def load(folder: Path, dtype: torch.dtype = FLOAT) -> dict[str, Tensor]:
    """All tensors of all parts, keyed by part and name."""
    description = describe(str(folder), folder)
    assert description.parts is not None
    parts = {
        "transformer": load_transformer(description.parts, CPU, dtype),
        "vae": load_autoencoder(description.parts, CPU, dtype),
        "text": load_text_encoder(description, CPU, dtype),
    }
    return {f"{part} {name}": value for part, module in parts.items() for name, value in module.state_dict().items()}


def edit(file: Path, change: Callable[[dict[str, Tensor]], Any]) -> None:
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file, {"format": "pt"})


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_tensors_equal_the_files(folder: Path) -> None:
    loaded = load(folder)
    for name, value in load_file(folder / TRANSFORMER).items():
        assert torch.equal(loaded[f"transformer {name}"], value)
    assert not any(value.is_meta for value in loaded.values())


def test_shards_equal_a_single_file(tmp_path: Path) -> None:
    single, sharded = save_small("klein", tmp_path / "single"), save_small("klein", tmp_path / "sharded", shard="40KB")
    for part in ("transformer", "vae", "text_encoder"):
        assert len(list((sharded / part).glob("*-of-*.safetensors"))) > 2
    assert same(load(single), load(sharded))


def test_parts_in_which_every_tensor_is_cast_to_fp8_are_read(folder: Path) -> None:
    for part in (VAE, TEXT):
        edit(folder / part, lambda tensors: tensors.update({n: x.to(FP8) for n, x in tensors.items() if x.ndim}))
    description = describe(str(folder), folder)
    assert description.parts is not None
    autoencoder = load_autoencoder(description.parts, CPU, FLOAT)
    expected = {name: x.float() if x.ndim else x for name, x in load_file(folder / VAE).items()}
    assert same(autoencoder.state_dict(), expected), "the attention's biases, too"
    fp8_layers = [
        layer for layer in load_text_encoder(description, CPU, FLOAT).modules() if isinstance(layer, Fp8Linear)
    ]
    assert len(fp8_layers) == 3 * 7
    assert not any(layer.fp8_product for layer in fp8_layers), "text encoders compute in full precision"


def test_the_norm_after_layers_that_are_not_used_is_not_needed(folder: Path) -> None:
    before = load(folder)
    edit(folder / TEXT, lambda tensors: tensors.pop("model.norm.weight"))
    assert same(load(folder), before)


def test_floats_are_converted_to_the_dtype(folder: Path) -> None:
    full, half = load(folder), load(folder, torch.bfloat16)
    for name, value in half.items():
        if "num_batches" not in name:
            # Statistics scale the latents, so they keep their precision.
            dtype = torch.float32 if "running_" in name else torch.bfloat16
            assert value.dtype == dtype
            assert torch.equal(value, full[name].to(dtype))


def test_the_batch_count_may_be_missing(folder: Path) -> None:
    """BFL's conversion drops it."""
    edit(folder / VAE, lambda tensors: tensors.pop("bn.num_batches_tracked"))
    assert load(folder)["vae bn.num_batches_tracked"].item() == 0


@pytest.mark.parametrize(
    ("file", "name", "count"),
    [
        (TRANSFORMER, QUERY, 1),
        (VAE, "bn.running_var", 1),
        (TEXT, "model.layers.2.mlp.up_proj.weight", 1),
    ],
)
def test_a_missing_tensor_is_named(folder: Path, file: Path, name: str, count: int) -> None:
    edit(folder / file, lambda tensors: tensors.pop(name))
    message = f"{folder / file.parent}: {count} missing tensors: {name}"
    with pytest.raises(CheckpointError, match=re.escape(message)):
        load(folder)


def test_many_missing_tensors_are_counted(folder: Path) -> None:
    edit(folder / VAE, lambda tensors: [tensors.pop(name) for name in list(tensors) if name.startswith("decoder.up")])
    with pytest.raises(CheckpointError, match=r"vae: \d\d+ missing tensors: decoder\.[^,]*(, decoder\.[^,]*){4}, …"):
        load(folder)


@pytest.mark.parametrize(
    ("file", "name", "expected"),
    [
        (TRANSFORMER, QUERY, (64, 64)),
        (VAE, "bn.running_var", (32,)),
        (TEXT, "model.layers.0.input_layernorm.weight", (32,)),
    ],
)
def test_a_wrong_shape_is_named(folder: Path, file: Path, name: str, expected: tuple[int, ...]) -> None:
    edit(folder / file, lambda tensors: tensors.update({name: torch.zeros(3, 5)}))
    message = f"{folder / file}: {name}: expected shape {expected} by the config, got (3, 5)"
    with pytest.raises(CheckpointError, match=re.escape(message)):
        load(folder)


@pytest.mark.parametrize(("file", "name"), [(TRANSFORMER, "blocks.7.extra.weight"), (VAE, "encoder.extra.bias")])
def test_an_unknown_tensor_is_named(folder: Path, file: Path, name: str) -> None:
    edit(folder / file, lambda tensors: tensors.update({name: torch.zeros(1)}))
    message = f"{folder / file.parent}: 1 tensors that FLUX.2 doesn't have: {name}"
    with pytest.raises(CheckpointError, match=re.escape(message)):
        load(folder)


@pytest.mark.parametrize("length", [0, 5, 400, -1])
def test_a_truncated_file_is_named(folder: Path, length: int) -> None:
    file = folder / TRANSFORMER
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(CheckpointError, match=re.escape(f"{file} is not a valid safetensors file: ")):
        load(folder)


@pytest.mark.parametrize("name", ["../vae/diffusion_pytorch_model.safetensors", "missing.safetensors", "", "."])
def test_an_index_may_only_name_files_of_its_folder(folder: Path, name: str) -> None:
    index = folder / "transformer" / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {QUERY: name}}))
    with pytest.raises(CheckpointError, match=re.escape(f"{index} names {name!r}, which is not a file in its folder")):
        load(folder)


def test_an_index_may_not_name_an_absolute_path(folder: Path, tmp_path: Path) -> None:
    outside = shutil.copy(folder / TRANSFORMER, tmp_path / "outside.safetensors")
    index = folder / "transformer" / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {QUERY: str(outside)}}))
    with pytest.raises(CheckpointError, match=re.escape(f"names {str(outside)!r}, which is not a file in its folder")):
        load(folder)


@pytest.mark.parametrize("content", ["{}", '{"weight_map": ["a"]}'])
def test_an_index_without_a_map_is_rejected(folder: Path, content: str) -> None:
    index = folder / "transformer" / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(content)
    with pytest.raises(CheckpointError, match=re.escape(f"{index} has no weight_map")):
        load(folder)


def test_two_files_without_an_index_are_rejected(folder: Path) -> None:
    shutil.copy(folder / TRANSFORMER, folder / "transformer" / "other.safetensors")
    with pytest.raises(CheckpointError, match="transformer: 2 safetensors files without an index; expected one file"):
        load(folder)


class Bomb:
    """Creates a file when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


@pytest.mark.parametrize("beside", [True, False], ids=["beside safetensors", "alone"])
def test_only_safetensors_is_opened(folder: Path, tmp_path: Path, beside: bool) -> None:
    trace, bomb = tmp_path / "exploded", pickle.dumps(Bomb(tmp_path / "exploded"))
    for part, name in (("transformer", "diffusion_pytorch_model.bin"), ("text_encoder", "pytorch_model.bin")):
        (folder / part / name).write_bytes(bomb)
    (folder / "tokenizer" / "tokenizer.pkl").write_bytes(bomb)
    if beside:
        load(folder)
    else:
        (folder / TRANSFORMER).unlink()
        with pytest.raises(
            CheckpointError, match="transformer: 0 safetensors files without an index; expected one file"
        ):
            load(folder)
    assert not trace.exists()
    pickle.loads(bomb)
    assert trace.exists(), "the bomb doesn't work, so the test proves nothing"


@pytest.mark.parametrize("part", ["transformer", "vae", "text_encoder"])
def test_a_missing_config_is_named(folder: Path, part: str) -> None:
    (folder / part / "config.json").unlink()
    with pytest.raises(CheckpointError, match=re.escape(f"{folder / part / 'config.json'} is missing")):
        load(folder)
