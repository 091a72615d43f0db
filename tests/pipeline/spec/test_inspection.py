"""Pictures are decoded once, and again when they change; a cache that can't be used is ignored."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import pytest
from PIL import Image

from brandpress.pipeline.spec import inspection
from brandpress.pipeline.spec.inspection import inspect_all
from brandpress.pipeline.spec.picture_cache import PictureCache

FILES = ("a.png", "b.png", "none.png")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two pictures. The clock is ten seconds ahead, so that they count as settled."""
    for name in FILES[:2]:
        Image.new("RGB", (96, 80), "red").save(tmp_path / name)
    now = time.time_ns
    monkeypatch.setattr("brandpress.pipeline.spec.picture_cache.time.time_ns", lambda: now() + 10**10)
    return tmp_path


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were decoded."""
    files: list[str] = []
    real = inspection.inspect_file

    def inspect_file(file: str, path: Path) -> object:
        files.append(file)
        return real(file, path)

    monkeypatch.setattr(inspection, "inspect_file", inspect_file)
    return files


def look(folder: Path) -> dict[str, str]:
    pictures, errors = inspect_all(FILES, folder, PictureCache(folder / "cache"))
    assert list(errors) == ["none.png"]
    return {file: picture.sha256 for file, picture in pictures.items()}


def test_pictures_are_decoded_once(folder: Path, decoded: list[str]) -> None:
    first = look(folder)
    assert sorted(decoded) == sorted(FILES)
    decoded.clear()
    assert look(folder) == first
    assert decoded == ["none.png"]
    pictures, _ = inspect_all(FILES, folder, PictureCache(folder / "cache"))
    assert pictures["a.png"] == inspect_all(FILES, folder, PictureCache(folder / "other"))[0]["a.png"]


def test_a_changed_picture_is_decoded_again(folder: Path, decoded: list[str]) -> None:
    """Even if its size and its time of modification are the same."""
    first = look(folder)
    before = (folder / "a.png").stat()
    content = bytearray((folder / "a.png").read_bytes())
    Image.new("RGB", (96, 80), "blue").save(folder / "a.png")
    changed = (folder / "a.png").read_bytes()
    (folder / "a.png").write_bytes(changed + bytes(max(0, len(content) - len(changed))))
    os.utime(folder / "a.png", ns=(before.st_atime_ns, before.st_mtime_ns))
    decoded.clear()
    assert look(folder)["a.png"] != first["a.png"]
    assert "a.png" in decoded


def test_a_file_that_just_changed_is_not_remembered(
    folder: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "brandpress.pipeline.spec.picture_cache.time.time_ns", lambda: (folder / "a.png").stat().st_ctime_ns
    )
    look(folder)
    decoded.clear()
    look(folder)
    assert sorted(decoded) == sorted(FILES)


@pytest.mark.parametrize(
    "picture",
    [
        "", "[]", "null", '{"sha256": "x"}', "[" * 100_000,
        '{"sha256": "%s", "width": -1, "height": 80, "transparent": false, "warnings": []}' % ("0" * 64),
        '{"sha256": "%s", "width": 96, "height": 80, "transparent": 0, "warnings": []}' % ("0" * 64),
        '{"sha256": "../../etc", "width": 96, "height": 80, "transparent": false, "warnings": []}',
    ],
)  # fmt: skip
def test_foreign_entries_are_ignored(picture: str, folder: Path, decoded: list[str]) -> None:
    first = look(folder)
    with sqlite3.connect(folder / "cache" / "pictures.sqlite3") as database:
        database.execute("UPDATE seen SET picture = ?", (picture,))
    database.close()
    decoded.clear()
    assert look(folder) == first
    assert sorted(decoded) == sorted(FILES)


@pytest.mark.parametrize("content", [b"", b"not a database, but long enough to be read as one" * 100])
def test_a_foreign_file_is_replaced(content: bytes, folder: Path, decoded: list[str]) -> None:
    (folder / "cache").mkdir()
    (folder / "cache" / "pictures.sqlite3").write_bytes(content)
    first = look(folder)
    decoded.clear()
    assert look(folder) == first
    assert decoded == ["none.png"]


def test_a_cache_that_cannot_be_written_is_no_problem(folder: Path, decoded: list[str]) -> None:
    (folder / "cache").write_text("a file in the folder's place")
    assert look(folder) == look(folder)
