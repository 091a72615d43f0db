"""Checks a tokenizer's files before a library reads them. No torch here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from brandpress.model.checkpoint.chat_template import ChatTemplate
from brandpress.model.checkpoint.files import MAX_JSON_DEPTH, check_regular, other_content, read_bytes, read_json
from brandpress.model.errors import CheckpointError

TOKENIZER, CONFIG = "tokenizer.json", "tokenizer_config.json"
VOCABULARIES = (("vocab.json", "merges.txt"), ("tekken.json",), ("tokenizer.model",))
"""Files that a tokenizer can be made from if there is no tokenizer.json."""
MAX_TOKENIZER_BYTES = 128 << 20
MAX_PATTERN = 4096
MAX_MODEL_BYTES = 64 << 20

_QUANTIFIED_GROUP = re.compile(r"\)(?:[*+]|\{\d*,?\d*\})")
_VARIABLE = re.compile(r"[*+]|\{\d*,\d*\}")
_EXTENDED = re.compile(r"\(\?[a-zA-Z-]*x[a-zA-Z-]*[:)]")
"""`(?x)`: blanks don't count, so that a group and its repetition needn't be neighbours."""


def check_tokenizer(folder: Path) -> None:
    """Raises CheckpointError if a tokenizer's files are missing, invalid or dangerous, or if it has no chat template.

    Dangerous are patterns that can take exponential time: a repeated group with a repetition or alternatives in it.
    """
    if not folder.is_dir():
        raise CheckpointError(f"{folder} is missing; it should hold the tokenizer")
    for file in sorted(folder.iterdir()):
        if file.suffix in (".json", ".jinja", ".txt", ".model"):
            check_regular(file)
    if (folder / CONFIG).exists():
        read_json(folder / CONFIG)
    file = folder / TOKENIZER
    if file.exists():
        stat = file.stat()
        if reason := _problem(file, stat.st_size, stat.st_mtime_ns, stat.st_ino):
            raise CheckpointError(f"{file} {reason}")
    elif not any(all((folder / name).is_file() for name in names) for names in VOCABULARIES):
        raise CheckpointError(f"{folder} holds no tokenizer; expected {TOKENIZER}, or vocab.json and merges.txt")
    ChatTemplate(folder)


@lru_cache(maxsize=8)
def _problem(file: Path, size: int, modified: int, inode: int) -> str | None:
    """What is wrong with a tokenizer.json; None if nothing is. Cached, because real ones have ten megabytes."""
    content = read_bytes(file, MAX_TOKENIZER_BYTES)
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        return other_content(content) or f"is not valid JSON: {error}"
    if not isinstance(value, dict):
        return f"holds a JSON {type(value).__name__}; expected an object"
    value.pop("added_tokens", None)
    model = value.get("model")
    if isinstance(model, dict):
        value["model"] = {key: item for key, item in model.items() if key not in ("vocab", "merges")}
    for pattern in _patterns(value, 0):
        if len(pattern) > MAX_PATTERN or _is_exponential(pattern):
            return f"has a pattern that can take for ever to match, which isn't allowed: {pattern[:80]!r}"
    return None


def _patterns(value: Any, depth: int) -> Iterator[str]:
    if depth > MAX_JSON_DEPTH:
        return
    if isinstance(value, dict):
        if isinstance(value.get("Regex"), str):
            yield value["Regex"]
        for item in value.values():
            yield from _patterns(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _patterns(item, depth + 1)


def _is_exponential(pattern: str) -> bool:
    """Whether a repeated group has a repetition or alternatives in it: `(a+)+`, `(a|a){25}`. Also for `(?x)`, in which
    groups can't be told that simply."""
    plain = re.sub(r"\\.", "x", re.sub(r"\[(?:\\.|[^\]\\])*\]", "x", pattern))
    if _EXTENDED.search(plain):
        return True
    for match in _QUANTIFIED_GROUP.finditer(plain):
        depth, start = 0, match.start()
        while start >= 0:
            depth += {")": 1, "(": -1}.get(plain[start], 0)
            if depth == 0:
                break
            start -= 1
        group = plain[start + 1 : match.start()]
        if _VARIABLE.search(group) or "|" in group or "?" in group.removeprefix("?:"):
            return True
    return False
