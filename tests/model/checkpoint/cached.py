"""Checkpoints without weights, in folders and in the Hugging Face cache: the files that `describe` reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_folder(folder: Path, heads: int = 24, **index: Any) -> Path:
    """Writes the files that `describe` reads; it loads no weights."""
    for part in ("transformer", "vae", "text_encoder", "tokenizer", "scheduler"):
        (folder / part).mkdir(parents=True)
    for part in ("transformer", "vae", "text_encoder"):
        (folder / part / "config.json").write_text(json.dumps({"num_attention_heads": heads}))
        (folder / part / "model.safetensors").write_bytes(b"weights")
    (folder / "tokenizer" / "tokenizer.json").write_text("{}")
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "Flux2KleinPipeline"} | index))
    return folder


def cached_on_hub(cache: Path, hub: str, **index: Any) -> Path:
    """Writes a repository into the cache, laid out as `hf download` does."""
    repository = cache / f"models--{hub.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    return write_folder(repository / "snapshots" / ("0" * 40), **index)
