"""Opens the files of a checkpoint, which strangers wrote: regular files inside its folder, of a limited size."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

from brandpress.model.errors import CheckpointError

MAX_JSON_BYTES = 8 << 20
"""Of a config or an index. The largest published ones have less than a megabyte; parsing takes 40 times the size."""
MAX_JSON_DEPTH = 64
MAX_TEXT_BYTES = 1 << 20
"""Of a chat template."""
SNIFFED_BYTES = 512

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def read_json(path: Path) -> dict[str, Any]:
    """Returns the JSON object in a file. Raises CheckpointError if it is missing or contains something else."""
    content = read_bytes(path, MAX_JSON_BYTES)
    try:
        value = json.loads(content)
        _check_depth(value)
    except (ValueError, RecursionError) as error:
        reason = other_content(content) or f"is not valid JSON: {error}"
        raise CheckpointError(f"{path} {reason}") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: expected a JSON object, got a {type(value).__name__}")
    return value


def read_text(path: Path) -> str:
    """Returns the text in a file. Raises CheckpointError if it is missing, too large or not UTF-8."""
    content = read_bytes(path, MAX_TEXT_BYTES)
    if reason := other_content(content):
        raise CheckpointError(f"{path} {reason}")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path} is not text in UTF-8: {error.reason} at byte {error.start}") from error


def read_bytes(path: Path, max_bytes: int) -> bytes:
    """Returns the content of a file. Raises CheckpointError if it is missing, too large or not a regular file."""
    check_regular(path)
    try:
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror}") from error
    if len(content) > max_bytes:
        raise CheckpointError(f"{path} is larger than {max_bytes:,} bytes, the limit for this kind of file")
    return content


def check_regular(path: Path) -> None:
    """Raises CheckpointError unless a path leads to a regular file. Never opens anything else, which could block."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} is missing") from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} can't be read: {getattr(error, 'strerror', None) or error}") from error
    if not stat.S_ISREG(mode):
        kind = next((name for test, name in _KINDS if test(mode)), "not a file")
        raise CheckpointError(f"{path} is {kind}; expected a regular file")


def check_inside(path: Path, root: Path) -> None:
    """Raises CheckpointError if a symbolic link leads out of a checkpoint's folder.

    The links of a snapshot in the Hugging Face cache lead to the blobs of the same repository, which is allowed.
    """
    allowed = root.resolve()
    for folder in (allowed, *allowed.parents):
        if folder.parent.name == "snapshots":
            allowed = folder.parent.parent
            break
    target = Path(os.path.realpath(path))
    if not target.is_relative_to(allowed):
        raise CheckpointError(f"{path} is a symbolic link to {target}, which is outside {root}; use a copy of the file")


def other_content(start: bytes) -> str | None:
    """What a file is by its first bytes, if it is none of a checkpoint's: `is a Git LFS pointer…`; otherwise None."""
    head = start[:SNIFFED_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n")
    lower = head.lower()
    if head.startswith(b"version https://git-lfs.github.com/"):
        return "is a Git LFS pointer, not the file itself; run `git lfs pull` in its repository"
    if lower.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml", b"<!--")):
        return "is a web page, not the file itself; download it again"
    if head.startswith(b"PK\x03\x04"):
        return "is a zip archive or a pickle of PyTorch, which can run code when it is opened; use a .safetensors file"
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return "is a pickle, which can run code when it is opened; use a .safetensors file"
    if head.startswith(b"GGUF"):
        return "is a GGUF file, which isn't supported; use a .safetensors file"
    return None


def _check_depth(value: object) -> None:
    """Raises ValueError if containers nest too deeply for code that recurses into them."""
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_JSON_DEPTH:
            raise ValueError(f"it nests more than {MAX_JSON_DEPTH} levels deep")
        containers = [item for item in level if isinstance(item, dict | list)]
        level = [child for item in containers for child in (item.values() if isinstance(item, dict) else item)]
