"""Files that strangers wrote: what isn't a regular file of a sane size in its folder is refused, and named."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from brandpress.model.checkpoint import files
from brandpress.model.checkpoint.describe import describe
from brandpress.model.checkpoint.files import check_inside, read_json, read_text
from brandpress.model.checkpoint.weights import open_weights
from brandpress.model.errors import CheckpointError
from tests.model.sparse import sparse_checkpoint

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 7751105712\n"
OTHERS = {
    "a Git LFS pointer, not the file itself; run `git lfs pull`": POINTER,
    "a web page, not the file itself": b"<!DOCTYPE html>\n<html><head><title>Sign in</title>",
    "a web page": b"\n <html>",
    "a zip archive or a pickle of PyTorch": b"PK\x03\x04" + bytes(600),
    "a pickle, which can run code": b"\x80\x04\x95" + bytes(600),
    "a GGUF file": b"GGUF" + bytes(600),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return sparse_checkpoint(tmp_path / "checkpoint", _class_name="Flux2KleinPipeline")


@pytest.mark.parametrize("message", OTHERS)
def test_other_content_is_named(message: str, tmp_path: Path) -> None:
    weights, config = tmp_path / "x.safetensors", tmp_path / "config.json"
    for file in (weights, config):
        file.write_bytes(OTHERS[message])
    with pytest.raises(CheckpointError, match=re.escape(f"{weights} is {message}")):
        open_weights(weights)
    with pytest.raises(CheckpointError, match=re.escape(f"{config} is {message}")):
        read_json(config)


def test_a_truncated_file_tells_both_sizes(folder: Path) -> None:
    file = folder / "vae" / "model.safetensors"
    size = file.stat().st_size
    os.truncate(file, size - 100)
    message = f"its header describes {size:,} bytes, but the file has {size - 100:,}, so it is truncated"
    with pytest.raises(CheckpointError, match=re.escape(f"{file} is not a valid safetensors file: {message}")):
        open_weights(folder / "vae", "vae")


@pytest.mark.parametrize("name", ["scheduler/x.json", "vae/config.json", "tokenizer/chat_template.jinja"])
@pytest.mark.parametrize("kind", ["a named pipe", "a device", "a folder"])
def test_only_regular_files_are_opened(kind: str, name: str, folder: Path) -> None:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.unlink(missing_ok=True)
    if kind == "a named pipe":
        os.mkfifo(file)
    elif kind == "a folder":
        file.mkdir()
    else:
        file.symlink_to("/dev/zero")
    with pytest.raises(CheckpointError, match=f"^{re.escape(str(file))} is (a symbolic link to /dev/zero|{kind})"):
        describe(str(folder), folder)


@pytest.mark.parametrize("name", ["vae/config.json", "transformer/model.safetensors", "tokenizer/tokenizer.json"])
def test_a_link_out_of_the_folder_is_refused(name: str, folder: Path, tmp_path: Path) -> None:
    outside = (folder / name).rename(tmp_path / "outside")
    (folder / name).symlink_to(outside)
    with pytest.raises(CheckpointError, match=re.escape(f"{folder / name} is a symbolic link to {outside}, which is ")):
        describe(str(folder), folder)


def test_links_of_the_hubs_cache_and_inside_a_folder_are_followed(tmp_path: Path) -> None:
    blob = tmp_path / "models--a--b" / "blobs" / "0a"
    blob.parent.mkdir(parents=True)
    blob.write_text("{}")
    snapshot = tmp_path / "models--a--b" / "snapshots" / "1c" / "vae"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").symlink_to("../../../blobs/0a")
    check_inside(snapshot / "config.json", snapshot.parent)
    check_inside(snapshot / "config.json", snapshot)
    inside = tmp_path / "inside.json"
    inside.symlink_to(tmp_path / "other.json")
    check_inside(inside, tmp_path)


def test_deep_and_large_json_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for depth in (65, 5_000, 1_000_000):
        (tmp_path / "deep.json").write_text('{"a":' * depth + "1" + "}" * depth)
        with pytest.raises(CheckpointError, match=r"is not valid JSON: .*(levels deep|recursion)"):
            read_json(tmp_path / "deep.json")
    (tmp_path / "number.json").write_text('{"a": ' + "9" * 5000 + "}")
    with pytest.raises(CheckpointError, match="is not valid JSON"):
        read_json(tmp_path / "number.json")
    monkeypatch.setattr(files, "MAX_JSON_BYTES", 10)
    (tmp_path / "large.json").write_text(json.dumps({"a": "b" * 20}))
    with pytest.raises(CheckpointError, match="is larger than 10 bytes"):
        read_json(tmp_path / "large.json")


def test_text_must_be_utf8(tmp_path: Path) -> None:
    (tmp_path / "x.jinja").write_bytes(b"\xff{{ messages }}")
    with pytest.raises(CheckpointError, match=r"x\.jinja is not text in UTF-8: .* at byte 0"):
        read_text(tmp_path / "x.jinja")


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("transformer", "num_layers", 10**6),
        ("transformer", "num_layers", "8"),
        ("transformer", "axes_dims_rope", [32] * 1000),
        ("transformer", "guidance_embeds", "yes"),
        ("vae", "block_out_channels", [2**40]),
        ("vae", "layers_per_block", -1),
        ("text_encoder", "num_hidden_layers", 10**9),
        ("text_encoder", "vocab_size", 10**12),
        ("text_encoder", "hidden_size", "8"),
        ("", "num_inference_steps", 10**9),
        ("", "max_sequence_length", 10**9),
        ("", "guidance_scale", 1e9),
    ],
)
def test_numbers_out_of_range_are_refused(part: str, field: str, value: object, folder: Path) -> None:
    from brandpress.model.checkpoint.check import check_model

    file = folder / part / "config.json" if part else folder / "model_index.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {field: value}))
    expected = re.escape(f"{file}: {field}: ")
    if part:
        [problem] = [each for each in check_model(describe(str(folder), folder)) if each.field == (part,)]
        assert re.match(expected, problem.message)
    else:
        with pytest.raises(CheckpointError, match=expected):
            describe(str(folder), folder)
