"""The digest of a checkpoint: what its render keys carry as the weights."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from brandpress.model.checkpoint.locate import Parts
from brandpress.model.errors import CheckpointError

PARTS = ("transformer", "vae", "text_encoder", "tokenizer", "scheduler")
SUFFIXES = (".safetensors", ".json", ".txt", ".jinja")


def parts_digest(parts: Parts) -> str:
    """The digest of a folder, if nothing of it is replaced; else sha256 over each part's own content and the LoRAs,
    with their scales. Raises CheckpointError for a file that can't be read."""
    if parts.root is not None and not parts.overridden:
        return folder_digest(parts.root)
    return _digest(lambda memory: _mixed(parts, memory))


def folder_digest(folder: Path) -> str:
    """sha256 over the names and digests of all files that decide pixels, in order of name.

    A large file's digest is remembered by its path, size and time of change: 60 GB are read once, not at each plan.
    Raises CheckpointError for a file that can't be read.
    """
    files = [folder / "model_index.json"]
    for part in PARTS:
        files += _deciding(folder / part)
    return _digest(lambda memory: [f"{p.relative_to(folder).as_posix()} {memory.digest(p)}" for p in files])


def _digest(lines: Callable[[_Memory], list[str]]) -> str:
    memory = _Memory()
    try:
        text = "\n".join(lines(memory))
    except OSError as error:
        raise CheckpointError(f"{error.filename} can't be read: {error.strerror}") from error
    memory.save()
    return hashlib.sha256(text.encode()).hexdigest()


def _mixed(parts: Parts, memory: _Memory) -> list[str]:
    lines = [] if parts.root is None else [f"index {memory.digest(parts.root / 'model_index.json')}"]
    named = {"transformer": parts.transformer, "vae": parts.vae, "text_encoder": parts.text_encoder}
    for part, path in (*named.items(), ("tokenizer", parts.tokenizer)):
        files = _deciding(path) if path.is_dir() else [path]
        lines += [f"{part} {file.name if path.is_dir() else ''} {memory.digest(file)}" for file in files]
    return lines + [f"lora {scale!r} {memory.digest(file)}" for file, scale in parts.loras]


def _deciding(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.suffix in SUFFIXES)


class _Memory:
    """Digests of large files, kept in the user's cache folder; a cache that can't be written is done without."""

    smallest = 1 << 20

    def __init__(self) -> None:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        self._path = root / "brandpress" / "digests.json"
        self._fresh: dict[str, str] = {}
        try:
            loaded = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            loaded = {}
        self._known: dict[str, str] = loaded if isinstance(loaded, dict) else {}

    def digest(self, path: Path) -> str:
        real = path.resolve()
        stat = real.stat()
        if stat.st_size < self.smallest:
            return hashlib.sha256(real.read_bytes()).hexdigest()
        key = f"{real}|{stat.st_size}|{stat.st_mtime_ns}"
        if key not in self._known:
            with real.open("rb") as file:
                self._known[key] = self._fresh[key] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._known[key]

    def save(self) -> None:
        if not self._fresh:
            return
        partial = self._path.with_suffix(f".{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            partial.write_text(json.dumps(self._known))
            partial.replace(self._path)
        except OSError:
            with suppress(OSError):
                partial.unlink()
