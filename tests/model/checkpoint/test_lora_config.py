"""The strength of a LoRA from every place that can tell it; PEFT is the judge of its own config."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from brandpress.model.checkpoint.check import check_model
from brandpress.model.checkpoint.describe import describe
from brandpress.model.checkpoint.digest import parts_digest
from brandpress.model.checkpoint.lora import read_lora
from brandpress.model.checkpoint.lora_pattern import check_patterns
from brandpress.model.choice import LoraChoice, ModelChoice
from brandpress.model.errors import CheckpointError
from tests.model.checkpoint.test_lora import SPELLINGS, small
from tests.model.sparse import sparse_checkpoint, sparse_lora

RANK = 4
PLACES: dict[str, tuple[dict[str, Any] | None, dict[str, str], float]] = {
    "nothing": (None, {}, 1.0),
    "adapter_config.json": ({"r": 4, "lora_alpha": 8}, {}, 2.0),
    "rsLoRA, off as text": ({"r": 4, "lora_alpha": 8, "use_rslora": "false"}, {}, 2.0),
    "rsLoRA, on as text": ({"r": 4, "lora_alpha": 8, "use_rslora": "true"}, {}, 4.0),
    "rsLoRA": ({"r": 4, "lora_alpha": 8, "use_rslora": True}, {}, 4.0),
    "PEFT's default alpha": ({"r": 4}, {}, 2.0),
    "alpha pattern": ({"r": 4, "lora_alpha": 4, "alpha_pattern": {".*": 12}}, {}, 3.0),
    "rank pattern": ({"r": 9, "lora_alpha": 2, "rank_pattern": {".*": 4}}, {}, 0.5),
    "lora_alpha, rank": (None, {"lora_alpha": "8", "rank": "4"}, 2.0),
    "alpha, rank": (None, {"alpha": "1", "rank": "4"}, 0.25),
    "alpha": (None, {"alpha": "16"}, 4.0),
    "network_alpha": (None, {"network_alpha": "8", "network_dim": "4"}, 2.0),
    "kohya": (None, {"ss_network_alpha": "2.0", "ss_network_dim": "4"}, 0.5),
    "kohya, ranks that differ": (None, {"ss_network_alpha": "2.0", "ss_network_dim": "Dynamic"}, 0.5),
    "transformer.": (None, {"transformer.lora_alpha": "8", "transformer.r": "4"}, 2.0),
    "rsLoRA in the header": (None, {"lora_alpha": "8", "r": "4", "use_rslora": "True"}, 4.0),
    "agreeing": ({"r": 4, "lora_alpha": 8}, {"lora_alpha": "8", "rank": "4"}, 2.0),
    "a text encoder's": (None, {"text_encoder.lora_alpha": "99", "text_encoder.r": "4"}, 1.0),
}


def written(folder: Path, config: dict[str, Any] | None, metadata: dict[str, str], alpha: float | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    tensors = {key: value.clone() for key, value in SPELLINGS["diffusers"]().items()}
    if alpha is not None:
        stems = {key.rsplit(".lora_", 1)[0] for key in tensors}
        tensors |= {f"{stem}.alpha": torch.tensor(alpha, dtype=torch.bfloat16) for stem in stems}
    save_file(tensors, folder / "adapter_model.safetensors", metadata)
    if config is not None:
        (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", **config}))
    return folder / "adapter_model.safetensors"


@pytest.mark.parametrize("place", PLACES)
def test_the_strength_is_read(place: str, tmp_path: Path) -> None:
    config, metadata, expected = PLACES[place]
    updates = read_lora(written(tmp_path / "lora", config, metadata), small())
    assert {update.scale for update in updates} == {expected}


def test_lycoris_rank_stabilised_alphas(tmp_path: Path) -> None:
    metadata = {"ss_network_args": json.dumps({"rs_lora": "True"})}
    updates = read_lora(written(tmp_path / "lora", None, metadata, alpha=3.0), small())
    assert {update.scale for update in updates} == {1.5}


DISAGREEMENTS: dict[str, tuple[dict[str, Any] | None, dict[str, str], float | None, tuple[str, ...]]] = {
    "config and header": ({"lora_alpha": 8, "r": 4}, {"alpha": "1"}, None, ("adapter_config.json", "metadata alpha")),
    "config and tensors": ({"lora_alpha": 8, "r": 4}, {}, 4.0, (".alpha gives", "adapter_config.json")),
    "header and tensors": (None, {"lora_alpha": "8", "rank": "4"}, 4.0, (".alpha gives", "metadata lora_alpha, rank")),
    "kohya's header and tensors": (None, {"ss_network_alpha": "1"}, 4.0, (".alpha gives", "ss_network_alpha")),
    "two keys": (None, {"alpha": "1", "network_alpha": "8"}, None, ("alpha 1 and network_alpha 8",)),
    "PEFT's metadata and config": (
        {"lora_alpha": 8, "r": 4},
        {"lora_adapter_metadata": json.dumps({"transformer.r": 4, "transformer.lora_alpha": 4})},
        None,
        ("lora_adapter_metadata", "adapter_config.json"),
    ),
    "ranks": ({"lora_alpha": 8, "r": 16}, {}, None, ("has rank 4", "adapter_config.json beside it says 16")),
    "rsLoRA without alpha": (None, {"use_rslora": "true"}, None, ("rsLoRA by its metadata use_rslora", "no alpha")),
    "no number": (None, {"lora_alpha": "much"}, None, ("metadata lora_alpha: expected a number, got 'much'",)),
}


@pytest.mark.parametrize("case", DISAGREEMENTS)
def test_places_that_disagree_are_named(case: str, tmp_path: Path) -> None:
    config, metadata, alpha, parts = DISAGREEMENTS[case]
    with pytest.raises(CheckpointError) as error:
        read_lora(written(tmp_path / "lora", config, metadata, alpha), small())
    assert all(part in str(error.value) for part in parts)


@pytest.mark.parametrize(
    ("config", "metadata", "kind"),
    [
        ({"use_dora": True}, {}, "DoRA by adapter_config.json"),
        ({"peft_type": "LOHA"}, {}, "LOHA by adapter_config.json"),
        ({"peft_type": "OFT"}, {}, "OFT by adapter_config.json"),
        ({"init_lora_weights": "pissa_niter_16"}, {}, "changed base weights by adapter_config.json"),
        ({"fan_in_fan_out": True}, {}, "transposed weights by"),
        ({"layer_replication": [[0, 4]]}, {}, "replicated layers by"),
        (None, {"use_dora": "true"}, "DoRA by its metadata use_dora"),
        (None, {"ss_network_args": '{"dora_wd": "True"}'}, "DoRA by its metadata ss_network_args: dora_wd"),
        ({"r": 4, "alpha_pattern": {"(a+)+x": 1}}, {}, "could take for ever"),
    ],
)
def test_other_kinds_are_refused_by_name(
    config: dict[str, Any] | None, metadata: dict[str, str], kind: str, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match=re.escape(kind)):
        read_lora(written(tmp_path / "lora", config, metadata), small())


@pytest.mark.parametrize("alpha", [None, 4.0])
@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"alpha_pattern": 5}, "alpha_pattern: expected an object, got a int"),
        ({"rank_pattern": ["to_k"]}, "rank_pattern: expected an object, got a list"),
        ({"lora_alpha": 10**400}, "int too large to convert to float"),
    ],
    ids=str,
)
def test_odd_values_are_named(config: dict[str, Any], message: str, alpha: float | None, tmp_path: Path) -> None:
    file = written(tmp_path / "lora", {"r": 4, **config}, {}, alpha)
    with pytest.raises(CheckpointError, match=f"adapter_config.json beside it can't be read: .*{re.escape(message)}"):
        read_lora(file, small())


def test_a_negative_rank_is_named(tmp_path: Path) -> None:
    file = written(tmp_path / "lora", {"r": -4, "lora_alpha": 4, "use_rslora": True}, {}, 4.0)
    with pytest.raises(CheckpointError, match=r"adapter_config\.json beside it can't be read: r is -4"):
        read_lora(file, small())


@pytest.mark.parametrize("key", ["alpha_pattern", "rank_pattern"])
@pytest.mark.parametrize(
    "pattern",
    ["(.|..)+!", "((.+))+!", ".*.*.*.*.*!", ".*a.*", "(to_k|to_q)", "a{9}", r"\w+", "(?=a)", "a^b", "[9-0]", "x" * 201],
)
def test_patterns_that_could_take_for_ever_are_refused_by_name(key: str, pattern: str, tmp_path: Path) -> None:
    file = written(tmp_path / "lora", {"r": 4, key: {pattern: 4}}, {})
    message = (
        f"adapter_config.json beside it can't be read: {key} has the pattern {pattern[:80]!r}, which isn't supported"
    )
    with pytest.raises(CheckpointError, match=re.escape(message)):
        read_lora(file, small())


@pytest.mark.parametrize(
    "pattern",
    ["", "to_k", r"^a-b\.\d+\.to_k$", r"blocks\.[1-9]\..*", "to_k|.*to_q|^x.*$", r"\..*", "[0-9a-f_]x"],
)
def test_plain_patterns_are_allowed(pattern: str) -> None:
    check_patterns("the config", "alpha_pattern", {pattern: 4})


def test_a_folder_of_peft_is_a_lora_and_its_config_part_of_the_digest(tmp_path: Path) -> None:
    base = sparse_checkpoint(tmp_path / "base", _class_name="Flux2KleinPipeline")
    folder = tmp_path / "peft"
    folder.mkdir()
    sparse_lora(folder / "adapter_model.safetensors")
    (folder / "other.safetensors").write_bytes(b"not this one")
    config = folder / "adapter_config.json"
    config.write_text(json.dumps({"peft_type": "LORA", "r": 2, "lora_alpha": 2}))
    choice = ModelChoice(str(base), loras=(LoraChoice("peft"),))
    before = describe(choice, tmp_path)
    assert before.parts is not None
    assert before.parts.loras == ((folder / "adapter_model.safetensors", 1.0),)
    assert check_model(before) == []
    config.write_text(json.dumps({"peft_type": "LORA", "r": 2, "lora_alpha": 4}))
    assert parts_digest(before.parts) != before.weights_digest
    config.write_text(json.dumps({"peft_type": "LORA", "r": 8, "lora_alpha": 4}))
    [problem] = check_model(describe(choice, tmp_path))
    assert problem.field == ("loras", 0, "file")
    assert "has rank 2, but adapter_config.json beside it says 8" in problem.message
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "adapter_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(CheckpointError, match=re.escape("adapter_model.bin is a pickle, which can run code")):
        describe(choice, tmp_path)
