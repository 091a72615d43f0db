"""Lists the files of a checkpoint that its loaders may read. The weights digest covers exactly these."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from brandpress.model.checkpoint.files import check_inside
from brandpress.model.checkpoint.locate import Parts
from brandpress.model.checkpoint.lora_config import config_beside
from brandpress.model.checkpoint.weights import weight_files
from brandpress.model.errors import CheckpointError

PARTS = ("transformer", "vae", "text_encoder", "tokenizer", "scheduler")
SUFFIXES = (".json", ".txt", ".jinja", ".model", ".tiktoken")
"""Of all files but weights: configs, vocabularies, chat templates."""
TEMPLATES = "additional_chat_templates"

Entry = tuple[str, Path]
"""What a file is for, with its name unless the user chose the file itself, and its path."""


def folder_files(folder: Path) -> list[Path]:
    """Returns the files of a folder in diffusers' layout. Raises CheckpointError for a link that leads out of it."""
    files = [folder / "model_index.json"]
    for part in PARTS:
        files += part_files(folder / part)
    for file in files:
        check_inside(file, folder)
    return files


def part_files(folder: Path) -> list[Path]:
    """Returns the weights, configs and other files of a part's folder, sorted by name."""
    files = {path for path in folder.glob("*") if path.suffix in SUFFIXES}
    try:
        files |= set(weight_files(folder))
    except CheckpointError:  # incomplete; the loader says so
        files |= set(folder.glob("*.safetensors"))
    return sorted(files) + sorted((folder / TEMPLATES).glob("*.jinja"))


def files_of(parts: Parts) -> Iterator[Entry]:
    """Yields the files of a model with replaced parts."""
    root = parts.root
    if root is not None:
        yield "index", root / "model_index.json"
    for role, path in (
        ("transformer", parts.transformer),
        ("vae", parts.vae),
        ("text_encoder", parts.text_encoder),
        ("tokenizer", parts.tokenizer),
    ):
        if path.is_dir():
            for file in part_files(path):
                check_inside(file, root if root is not None and path.parent == root else path)
                yield f"{role} {file.name}", file
        else:
            yield f"{role} ", path
            config = parts.text_config if role == "text_encoder" else _base_config(root, role)
            if config is not None:
                yield f"{role} config", config
    for file, scale in parts.loras:
        yield f"lora {scale!r}", file
        if (config := config_beside(file)) is not None:
            yield "lora config", config


def _base_config(root: Path | None, role: str) -> Path | None:
    """The config that a single file's sizes are completed from: the one of the part that it replaces."""
    config = None if root is None else root / role / "config.json"
    return config if config is not None and config.is_file() else None
