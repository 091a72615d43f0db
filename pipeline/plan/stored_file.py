"""Reads and writes the files that plans leave beside jobs: saved plans and locks, JSON with a schema and a version."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from brandpress.model.errors import RequestError
from brandpress.pipeline.spec.messages import quote

MAX_BYTES = 512 * 1_048_576
START_BYTES = 512
MAX_SHOWN_FIELDS = 5


class StoredFile(BaseModel):
    """The base of such a file. kind: what messages call it. SCHEMA: its first field, by which it is recognised."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    kind: ClassVar[str]
    SCHEMA: ClassVar[str]


_File = TypeVar("_File", bound=StoredFile)


def is_stored(file: Path, kind: type[StoredFile]) -> bool:
    """Returns whether a file begins as this kind of file does. Reads its first bytes only."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            return False
        with file.open("rb") as opened:
            start = opened.read(START_BYTES)
    except (OSError, ValueError):
        return False
    name = kind.SCHEMA.rpartition("/")[0]
    return b"".join(start.split()).startswith(b'{"schema":"' + name.encode() + b"/")


def read_stored(file: Path, kind: type[_File]) -> _File:
    """Returns the content of a file. Raises RequestError if it can't be read, or isn't such a file of this version."""
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise RequestError(f"{file}: this isn't a file; name a {kind.kind}")
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise RequestError(f"{file}: the {kind.kind} can't be read: {_reason(error)}") from None
    if len(data) > MAX_BYTES:
        raise RequestError(f"{file}: longer than {MAX_BYTES:,} bytes; a {kind.kind} isn't that long")
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        shown = [f"{'.'.join(map(str, one['loc'])) or 'JSON'}: {one['msg']}" for one in problems[:MAX_SHOWN_FIELDS]]
        more = f" and {len(problems) - MAX_SHOWN_FIELDS:,} more" if len(problems) > MAX_SHOWN_FIELDS else ""
        raise RequestError(f"{file}: not a valid {kind.kind} ({kind.SCHEMA}): {'; '.join(shown)}{more}") from None


def write_stored(file: Path, content: StoredFile) -> None:
    """Writes a file in one step. Replaces a file of the same kind, but no other. Raises RequestError."""
    if os.path.lexists(file) and not is_stored(file, type(content)):
        raise RequestError(f"{file}: exists and isn't a {content.kind}; choose another file, or delete this one")
    partial = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        try:
            partial.write_text(content.model_dump_json(indent=1, by_alias=True) + "\n", encoding="utf-8")
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise RequestError(f"{file}: the {content.kind} can't be written: {_reason(error)}") from None


def relative_to_file(path: Path, file: Path) -> str:
    """Returns a path relative to a file's folder, with `/`, so that both can move together."""
    return Path(os.path.relpath(path.resolve(), file.parent.resolve())).as_posix()


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or quote(str(error))
