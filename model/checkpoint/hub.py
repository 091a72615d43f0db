"""Repositories in the Hugging Face cache on this machine: look one up, or download it.

huggingface_hub does the work. The cache, token, endpoint and offline mode are its own settings (HF_HOME, HF_HUB_CACHE,
HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from brandpress.model.checkpoint.files import read_json
from brandpress.model.checkpoint.hub_error import explained
from brandpress.model.checkpoint.known_words import FILE as KNOWN_WORDS
from brandpress.model.checkpoint.weights import chosen_index
from brandpress.model.errors import CheckpointError
from brandpress.model.family import FAMILIES
from brandpress.model.user_cache import user_cache

if TYPE_CHECKING:
    from huggingface_hub import DryRunFileInfo

    from brandpress.model.checkpoint.transfer import Counter

INDEX = "model_index.json"
MODELS = ("transformer", "vae", "text_encoder")
CONFIGS = (INDEX, *(f"{part}/config.json" for part in MODELS))
SUFFIXES = ("safetensors", "json", "txt", "jinja", "model", "tiktoken")
REQUIRED_SUFFIXES = (
    "safetensors",
    "safetensors.index.json",
    "safetensors.index.*.json",
)  # other tools leave out files that nothing here reads
OTHERS = (KNOWN_WORDS, *(f"{part}/*.{suffix}" for part in ("tokenizer", "scheduler") for suffix in SUFFIXES))
_SHARD = re.compile(r"-\d+-of-\d+\.safetensors$")


def _patterns(parts: Sequence[str], suffixes: Sequence[str]) -> list[str]:
    """The files of a repository, with those of some parts. Excludes a copy of the transformer at its root."""
    return [*CONFIGS, *(f"{part}/*.{suffix}" for part in parts for suffix in suffixes), *OTHERS]


def cached(hub: str, parts: Sequence[str] = MODELS, revision: str | None = None) -> Path | None:
    """The repository's snapshot in the cache; None if it is missing or incomplete. Never accesses the network.

    parts: those whose weights are required. revision: default: the main branch as it was last downloaded. Raises
    CheckpointError for an invalid repository name.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        patterns = _patterns(parts, REQUIRED_SUFFIXES)
        folder = Path(snapshot_download(hub, revision=revision, local_files_only=True, allow_patterns=patterns))
    except HFValidationError as error:
        raise CheckpointError(
            f"{hub!r} is not a valid Hugging Face repository name; write owner/name, using letters, digits, '-', '_' "
            "and '.'"
        ) from error
    except LocalEntryNotFoundError:
        return None
    except RuntimeError:
        if user_cache() is not None:
            raise
        return None  # a user without a home folder has no cache
    return None if _missing_file(folder, parts) else folder


def _missing_file(folder: Path, parts: Sequence[str]) -> str | None:
    """The first file that a snapshot lacks; None if it is complete.

    The library can only check a snapshot against its listing, which older versions of it didn't keep.
    """
    for name in CONFIGS:
        if not (folder / name).is_file():
            return name
    for part in parts:
        if weights := _missing_weights(folder / part):
            return f"{part}/{weights}"
    return None if any(file.is_file() for file in (folder / "tokenizer").glob("*.json")) else "tokenizer/tokenizer.json"


def _missing_weights(part: Path) -> str | None:
    try:
        index = chosen_index(part)
    except CheckpointError:  # several variants; the loader says so
        return None
    if index is not None:
        try:
            shards = read_json(index).get("weight_map")
        except CheckpointError:
            return index.name
        if not isinstance(shards, dict) or not shards:
            return index.name
        return next((name for name in sorted(map(str, shards.values())) if not (part / name).is_file()), None)
    files = [file for file in part.glob("*.safetensors") if file.is_file()]
    if any(_SHARD.search(file.name) for file in files):
        return "*.safetensors.index.json"
    return None if files else "*.safetensors"


def download(
    hub: str,
    on_progress: Callable[[int, int], None] | None = None,
    parts: Sequence[str] = MODELS,
    revision: str | None = None,
) -> Path:
    """Download a repository into the cache and return its snapshot folder; a complete snapshot is returned as it is.

    Files that an interrupted download completed are kept, and two downloads can run at the same time. parts: those
    whose weights are downloaded. on_progress: called with the bytes downloaded and the total, one call at a time, from
    other threads; without it, progress is shown on stderr. Raises CheckpointError with the next step.
    """
    from brandpress.model.checkpoint.transfer import Counter, shown

    snapshot = cached(hub, parts, revision)
    if snapshot is None and user_cache() is None and "HF_HOME" not in os.environ:
        raise CheckpointError(
            f"{hub} can't be downloaded: this user has no home folder; set HF_HOME to a folder for it"
        )
    if snapshot is None:
        with nullcontext(on_progress) if on_progress else shown(hub) as report:
            snapshot = _fetch(hub, Counter(report), parts, revision)
    return snapshot


def _fetch(hub: str, counter: Counter, parts: Sequence[str], revision: str | None) -> Path:
    from huggingface_hub import close_session, snapshot_download

    patterns = _patterns(parts, SUFFIXES)

    def fetch() -> str:
        files = snapshot_download(hub, revision=revision, allow_patterns=patterns, tqdm_class=counter.bar, dry_run=True)
        counter.start(*_check_files(hub, files))
        return snapshot_download(hub, revision=revision, allow_patterns=patterns, tqdm_class=counter.bar)

    # On Ctrl-C the library would first finish the files in transfer, which may be gigabytes; this aborts them.
    with explained(hub, download_command(hub, revision)), ThreadPoolExecutor(1) as thread:
        future = thread.submit(fetch)
        try:
            folder = Path(future.result())
        except KeyboardInterrupt:
            counter.stop()
            close_session()
            raise
    counter.finish()
    if name := _missing_file(folder, parts):
        raise CheckpointError(f"{hub} has no {name}, which is needed to load it")
    return folder


def _check_files(hub: str, files: list[DryRunFileInfo]) -> tuple[int, int]:
    """The bytes that are already cached, and the total. Raises CheckpointError if the rest doesn't fit on the disk."""
    from huggingface_hub import constants
    from rich.filesize import decimal

    if not any(file.filename == INDEX for file in files):
        raise CheckpointError(
            f"{hub} has no {INDEX}, so it isn't in diffusers' layout; download its file and name that instead"
        )
    total = sum(file.file_size or 0 for file in files)
    remaining = sum(file.file_size or 0 for file in files if file.will_download)
    cache = Path(constants.HF_HUB_CACHE).absolute()
    free = shutil.disk_usage(next(place for place in (cache, *cache.parents) if place.exists())).free
    if remaining > free:
        raise CheckpointError(
            f"{hub} needs {decimal(remaining)} more, but {cache} has {decimal(free)} free; free up space, or set "
            "HF_HUB_CACHE to a folder on another disk"
        )
    return total - remaining, total


def download_command(hub: str, revision: str | None = None) -> str:
    """The shell command that downloads a repository."""
    if revision is not None:
        return f"hf download {hub} --revision {revision}"
    for family in FAMILIES.values():
        if family.hub == hub:
            return f"brandpress models --get {family.name}"
    return f"hf download {hub}"
