"""The hub's cache on this machine: what lies in it, and filling it.

huggingface_hub does the work; where the cache is, the token, the endpoint and offline mode are its settings (HF_HOME,
HF_HUB_CACHE, HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE).
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from brandpress.model.checkpoint.files import read_json
from brandpress.model.checkpoint.hub_error import explained
from brandpress.model.checkpoint.transfer import Counter, shown
from brandpress.model.errors import CheckpointError
from brandpress.model.family import FAMILIES

if TYPE_CHECKING:
    from huggingface_hub import DryRunFileInfo

INDEX = "model_index.json"
MODELS = ("transformer", "vae", "text_encoder")
OTHERS = ("tokenizer", "scheduler")
SUFFIXES = ("safetensors", "json", "txt", "jinja", "model")
_SHARD = re.compile(r"-\d+-of-\d+\.safetensors$")


def wanted(parts: Sequence[str]) -> list[str]:
    """What is fetched, with the weights of some parts. A repository may hold its transformer a second time, as one file
    at its root; that isn't."""
    configs = [f"{part}/config.json" for part in MODELS]
    return [INDEX, *configs, *(f"{part}/*.{suffix}" for part in (*parts, *OTHERS) for suffix in SUFFIXES)]


def needed(parts: Sequence[str]) -> list[str]:
    """What of it must be there: other tools leave out files that nothing here reads."""
    weights = [f"{part}/{name}" for part in parts for name in ("*.safetensors", "*.safetensors.index.json")]
    configs = [f"{part}/config.json" for part in MODELS]
    return [INDEX, *configs, *weights, *(f"{part}/*.{suffix}" for part in OTHERS for suffix in SUFFIXES)]


def cached(hub: str, parts: Sequence[str] = MODELS) -> Path | None:
    """The repository's snapshot in the hub's cache; None when it isn't there or not whole. Never asks the net.

    parts: those whose weights are needed. Raises CheckpointError for what can't be a repository's name.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(hub, local_files_only=True, allow_patterns=needed(parts)))
    except HFValidationError as error:
        raise CheckpointError(
            f"{hub!r} can't be a repository of the hub; those are named owner/name, in letters, digits, '-', '_', '.'"
        ) from error
    except LocalEntryNotFoundError:
        return None
    return None if missing(folder, parts) else folder


def missing(folder: Path, parts: Sequence[str] = MODELS) -> str | None:
    """The first file that a snapshot lacks for loading some parts; None when it has all."""
    for name in (INDEX, *(f"{part}/config.json" for part in MODELS)):
        if not (folder / name).is_file():
            return name
    for part in parts:
        if lacking := _missing_weights(folder / part):
            return f"{part}/{lacking}"
    return None if any(file.is_file() for file in (folder / "tokenizer").glob("*.json")) else "tokenizer/tokenizer.json"


def _missing_weights(part: Path) -> str | None:
    for index in sorted(part.glob("*.safetensors.index.json")):
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


def download(hub: str, on_progress: Callable[[int, int], None] | None = None, parts: Sequence[str] = MODELS) -> Path:
    """Fetch a repository, with the weights of some parts, into the hub's cache, and say where it lies; what is whole
    there is left as it is.

    Files that a download has finished before it ended are kept, and two may run at once. on_progress: called with the
    bytes done and in all, one call at a time, from other threads; without it they are shown on stderr. Raises
    CheckpointError, with the next step.
    """
    found = cached(hub, parts)
    if found is not None:
        return found
    if on_progress is None:
        with shown(hub) as show:
            return _fetch(hub, show, parts)
    return _fetch(hub, on_progress, parts)


def _fetch(hub: str, on_progress: Callable[[int, int], None], parts: Sequence[str]) -> Path:
    from huggingface_hub import close_session, snapshot_download

    counter = Counter(on_progress)

    def files() -> list[DryRunFileInfo]:
        return snapshot_download(hub, allow_patterns=wanted(parts), tqdm_class=counter.bar, dry_run=True)

    def fetch() -> str:
        counter.start(_check(hub, files()))
        return snapshot_download(hub, allow_patterns=wanted(parts), tqdm_class=counter.bar)

    # Interrupted, the library would wait for each file in transfer, which may be gigabytes: they are ended from here.
    with explained(hub, download_command(hub)), ThreadPoolExecutor(1) as thread:
        fetched = thread.submit(fetch)
        try:
            folder = Path(fetched.result())
        except KeyboardInterrupt:
            counter.stop()
            close_session()
            raise
    counter.finish()
    if lacking := missing(folder, parts):
        raise CheckpointError(f"{hub} has no {lacking}, and can't be loaded without")
    return folder


def _check(hub: str, files: list[DryRunFileInfo]) -> tuple[int, int]:
    """The bytes that are there already, and all. Raises CheckpointError when the rest has no room."""
    from huggingface_hub import constants
    from rich.filesize import decimal

    if not any(file.filename == INDEX for file in files):
        raise CheckpointError(f"{hub} has no {INDEX}: it isn't in diffusers' layout, and can only be used file by file")
    total = sum(file.file_size or 0 for file in files)
    left = sum(file.file_size or 0 for file in files if file.will_download)
    cache = Path(constants.HF_HUB_CACHE).absolute()
    free = shutil.disk_usage(next(place for place in (cache, *cache.parents) if place.exists())).free
    if left > free:
        raise CheckpointError(
            f"{hub} takes {decimal(left)} more, and {cache} has {decimal(free)} free; make room, or name a folder on "
            "another disk in HF_HUB_CACHE"
        )
    return total - left, total


def download_command(hub: str) -> str:
    """The command that gets a repository."""
    for family in FAMILIES.values():
        if family.hub == hub:
            return f"brandpress models --get {family.name}"
    return f"hf download {hub}"
