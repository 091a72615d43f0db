"""Writes the starter into a folder, without overwriting anything unless asked to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from brandpress.model.errors import RequestError
from brandpress.pipeline.spec.messages import listing
from brandpress.pipeline.spec.starter.drawings import chick, mug

JOB = "jobs/first.yaml"
GITIGNORE = ".gitignore"
_TEXTS = ("specs/acme/brand.yaml", JOB)


@dataclass(frozen=True, slots=True)
class Starter:
    """What was written: paths relative to the folder. kept_gitignore: the folder had a `.gitignore`, which was left as
    it is and doesn't ignore what the job delivers."""

    folder: Path
    written: tuple[str, ...]
    kept_gitignore: bool


def starter_files() -> Mapping[str, bytes]:
    """Returns the files of the starter, keyed by their paths."""
    root = files(__package__).joinpath("files")
    texts = {path: root.joinpath(path).read_bytes() for path in _TEXTS}
    pictures = {"specs/acme/references/mug.png": mug(), "specs/acme/references/chick.png": chick()}
    return texts | pictures


def write_starter(folder: Path, *, force: bool = False) -> Starter:
    """Writes the starter. force: overwrite its files if they exist; never an existing `.gitignore`.

    Raises RequestError, having written nothing, if files exist and `force` isn't set, and if a file can't be written.
    """
    contents = starter_files()
    existing = [path for path in contents if _exists(folder / path)]
    if existing and not force:
        raise RequestError(
            f"{folder}: already has {listing(existing)}; nothing was written. Name another folder, or use --force to "
            "overwrite them"
        )
    try:
        for path, content in contents.items():
            _write(folder / path, content, overwrite=force)
        kept_gitignore = _write_gitignore(folder)
    except OSError as error:
        raise RequestError(f"{folder}: can't write here: {error.strerror}: {error.filename}") from None
    written = tuple(contents) if kept_gitignore is not None else (*contents, GITIGNORE)
    return Starter(folder, written, kept_gitignore=bool(kept_gitignore))


def _write_gitignore(folder: Path) -> bool | None:
    """Writes `.gitignore` if there is none. Returns None if so, otherwise whether the existing one lacks the line."""
    line = files(__package__).joinpath("files/gitignore").read_text().strip()
    file = folder / GITIGNORE
    if not _exists(file):
        _write(file, f"{line}\n".encode(), overwrite=False)
        return None
    lines = file.read_bytes().decode(errors="replace").splitlines()
    return line not in {one.strip().lstrip("/") for one in lines}


def _write(file: Path, content: bytes, *, overwrite: bool) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb" if overwrite else "xb") as opened:
        opened.write(content)


def _exists(file: Path) -> bool:
    return file.is_symlink() or file.exists()
