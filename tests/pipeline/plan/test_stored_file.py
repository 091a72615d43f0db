"""Files with a schema: what is recognised, refused and replaced."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

import pytest
from pydantic import Field

from brandpress.model.errors import RequestError
from brandpress.pipeline.plan import stored_file
from brandpress.pipeline.plan.stored_file import StoredFile, is_stored, read_stored, relative_to_file, write_stored


class Note(StoredFile):
    kind: ClassVar[str] = "note"
    SCHEMA: ClassVar[str] = "brandpress.note/1"

    schema_version: Literal["brandpress.note/1"] = Field(default="brandpress.note/1", alias="schema")
    text: str


def test_a_file_is_written_recognised_read_and_replaced(tmp_path: Path) -> None:
    file = tmp_path / "a.note"
    write_stored(file, Note(text="one"))
    assert is_stored(file, Note)
    write_stored(file, Note(text="zwölf"))
    assert read_stored(file, Note) == Note(text="zwölf")
    assert [path.name for path in tmp_path.iterdir()] == ["a.note"]


@pytest.mark.parametrize("content", [b"", b"campaign: spring\n", b'{"schema": "brandpress.plan/1"}', b"\xff\x00"])
def test_other_files_are_neither_recognised_nor_replaced(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_bytes(content)
    assert not is_stored(file, Note)
    with pytest.raises(RequestError, match=r"job\.yaml: exists and isn't a note; choose another file"):
        write_stored(file, Note(text="one"))
    assert file.read_bytes() == content


def test_what_is_no_file_is_not_recognised(tmp_path: Path) -> None:
    assert not is_stored(tmp_path, Note)
    assert not is_stored(tmp_path / "none", Note)
    assert not is_stored(tmp_path / ("x" * 5000), Note)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema": "brandpress.note/2", "text": "x"}', "schema: Input should be 'brandpress.note/1'"),
        ('{"schema": "brandpress.note/1"}', "text: Field required"),
        ('{"schema": "brandpress.note/1", "text": 5}', "text: Input should be a valid string"),
        ('{"schema": "brandpress.note/1", "text": "x", "more": 1}', "more: Extra inputs"),
        ('{"schema": "brandpress.note/1", "text": "x"', "JSON: Invalid JSON"),
        ("[" * 100_000, "JSON: Invalid JSON"),
    ],
)
def test_invalid_files_name_the_field(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "a.note"
    file.write_text(text)
    with pytest.raises(RequestError) as error:
        read_stored(file, Note)
    assert str(error.value).startswith(f"{file}: not a valid note (brandpress.note/1): ")
    assert message in str(error.value)


def test_files_that_cannot_be_read_or_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RequestError, match="can't be read: No such file"):
        read_stored(tmp_path / "none", Note)
    with pytest.raises(RequestError, match="this isn't a file"):
        read_stored(tmp_path, Note)
    with pytest.raises(RequestError, match="can't be written: No such file"):
        write_stored(tmp_path / "none" / "a.note", Note(text="one"))
    monkeypatch.setattr(stored_file, "MAX_BYTES", 10)
    write_stored(tmp_path / "a.note", Note(text="one"))
    with pytest.raises(RequestError, match="longer than 10 bytes"):
        read_stored(tmp_path / "a.note", Note)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    assert relative_to_file(tmp_path / "jobs" / "spring.yaml", tmp_path / "plans" / "a.plan") == "../jobs/spring.yaml"
