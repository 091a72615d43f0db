"""The digest of a checkpoint: what its render keys carry as the weights."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path

from model.errors import CheckpointError

PARTS = ("transformer", "vae", "text_encoder", "tokenizer", "scheduler")
SUFFIXES = (".safetensors", ".json", ".txt", ".jinja")


def folder_digest(folder: Path) -> str:
    """sha256 over the names and digests of all files that decide pixels, in order of name.

    A large file's digest is remembered by its path, size and time of change: 60 GB are read once, not at each plan.
    Raises CheckpointError for a file that can't be read.
    """
    files = [folder / "model_index.json"]
    for part in PARTS:
        files += sorted(path for path in (folder / part).glob("*") if path.suffix in SUFFIXES)
    memory = _Memory()
    try:
        lines = [f"{path.relative_to(folder).as_posix()} {memory.digest(path)}" for path in files]
    except OSError as error:
        raise CheckpointError(f"{error.filename} can't be read: {error.strerror}") from error
    memory.save()
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


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
