"""The digest of a checkpoint's files."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from brandpress.model.checkpoint.digest import folder_digest

LARGE = 1 << 20
FILES = [
    "model_index.json",
    "transformer/config.json",
    "transformer/diffusion_pytorch_model-00001-of-00002.safetensors",
    "vae/diffusion_pytorch_model.safetensors",
    "text_encoder/model.safetensors",
    "tokenizer/tokenizer.json",
    "tokenizer/merges.txt",
    "tokenizer/chat_template.jinja",
    "scheduler/scheduler_config.json",
]


@pytest.fixture
def cache_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "brandpress" / "digests.json"


@pytest.fixture
def folder(tmp_path: Path, cache_file: Path) -> Path:
    """Small files of every kind, and one that is large enough for the cache."""
    for name in FILES:
        path = tmp_path / "checkpoint" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * (LARGE // len(name) + 1 if name.startswith("vae") else 1))
    return tmp_path / "checkpoint"


def change_last_byte(path: Path) -> None:
    """Sets a new modification time too, because tests are faster than the clock of a file system."""
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1_000_000))


@pytest.mark.parametrize("name", FILES)
def test_any_byte_changes_the_digest(folder: Path, name: str) -> None:
    before = folder_digest(folder)
    change_last_byte(folder / name)
    changed = folder_digest(folder)
    assert changed != before
    change_last_byte(folder / name)
    assert folder_digest(folder) == before


@pytest.mark.parametrize("name", FILES[1:])
def test_renaming_or_removing_a_file_changes_the_digest(folder: Path, name: str) -> None:
    before = folder_digest(folder)
    path = folder / name
    renamed = path.rename(path.with_name("a-" + path.name))
    other = folder_digest(folder)
    renamed.unlink()
    assert len({before, other, folder_digest(folder)}) == 3


def test_location_and_time_do_not_change_the_digest(folder: Path, tmp_path: Path) -> None:
    before = folder_digest(folder)
    other = shutil.copytree(folder, tmp_path / "a" / "b", copy_function=shutil.copy)
    for path in folder.rglob("*"):
        os.utime(path, (0, 0))
    (tmp_path / "link").symlink_to(other)
    assert folder_digest(folder) == folder_digest(other) == folder_digest(tmp_path / "link") == before


def test_files_that_do_not_affect_pixels_do_not_change_the_digest(folder: Path) -> None:
    before = folder_digest(folder)
    (folder / "README.md").write_text("words")
    (folder / "transformer" / "notes.md").write_text("words")
    (folder / "assets").mkdir()
    (folder / "assets" / "weights.safetensors").write_text("another")
    assert folder_digest(folder) == before


def test_large_files_are_read_once(folder: Path, cache_file: Path) -> None:
    digest = folder_digest(folder)
    (key,) = json.loads(cache_file.read_text())
    assert key.startswith(str(folder / "vae"))
    cache_file.write_text(json.dumps({key: "cached"}))
    assert folder_digest(folder) != digest, "the cache isn't used"
    os.utime(folder / "vae" / "diffusion_pytorch_model.safetensors", (1, 1))
    assert folder_digest(folder) == digest, "a file with another modification time must be read again"


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"null"])
def test_a_broken_cache_is_ignored(folder: Path, cache_file: Path, content: bytes) -> None:
    before = folder_digest(folder)
    cache_file.write_bytes(content)
    assert folder_digest(folder) == before


def test_an_unwritable_cache_is_ignored(
    folder: Path, cache_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = folder_digest(folder)
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert folder_digest(folder) == before


@pytest.mark.parametrize("how", ["in place", "another file"])
def test_a_change_that_keeps_size_and_time_is_noticed(folder: Path, how: str) -> None:
    file = folder / "vae" / "diffusion_pytorch_model.safetensors"
    before, time = folder_digest(folder), file.stat().st_mtime_ns
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    if how == "in place":
        file.write_bytes(content)
    else:
        (folder / "new").write_bytes(content)
        (folder / "new").replace(file)
    os.utime(file, ns=(time, time))
    assert file.stat().st_mtime_ns == time
    assert folder_digest(folder) != before


@pytest.mark.parametrize("name", ["tokenizer/tokenizer.model", "tokenizer/additional_chat_templates/x.jinja"])
def test_all_files_of_a_tokenizer_count(folder: Path, name: str) -> None:
    before = folder_digest(folder)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"pieces")
    added = folder_digest(folder)
    change_last_byte(folder / name)
    assert len({before, added, folder_digest(folder)}) == 3
