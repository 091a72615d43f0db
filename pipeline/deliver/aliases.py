"""Aliases: copies of the published pictures under names that stay, `latest/<name>.<extension>`.

They follow `latest.json` after each publication and each rollback, one by one, so that for a moment some are new and
others old. `aliases.json` says what each of them is; it's written last, so that an interrupted update is made up for by
the next one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pydantic_core import from_json

from brandpress.pipeline.deliver.clean import refuse_nested
from brandpress.pipeline.deliver.encode import CONTENT_TYPES
from brandpress.pipeline.deliver.manifest import read_fields, read_latest
from brandpress.pipeline.deliver.record import JSON
from brandpress.pipeline.spec.output_name import EXTENSIONS
from brandpress.pipeline.store.overwrite import overwrite
from brandpress.pipeline.store.protocol import Store, sha256_hex

ALIASES = "latest/"
INDEX = "aliases.json"
COPY_THREADS = 8
MAX_ROUNDS = 3
"""How often an update starts again because another run has published or updated in the meantime."""


@dataclass(frozen=True, slots=True)
class AliasUpdate:
    """The keys of the aliases that were written and removed, and the assets that are missing or damaged."""

    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Picture:
    asset: str
    sha256: str
    format: str


def alias_key(name: str, format: str) -> str:
    """Returns the key of the alias of a picture with this output name."""
    return f"{ALIASES}{name}.{EXTENSIONS[format]}"


def check_aliases(folder: Store) -> None:
    """Raises NestedCampaignError if another campaign lies among the aliases."""
    refuse_nested(folder, folder.list(ALIASES))


def update_aliases(folder: Store) -> AliasUpdate:
    """Makes the aliases those of the latest manifest: writes what is new, then removes those of earlier ones.

    What somebody else changed is written again if it's gone; its content isn't compared. Other objects below `latest/`
    stay. Raises StoreError, and NestedCampaignError if another campaign lies there.
    """
    update = AliasUpdate()
    written: set[str] = set()
    for _ in range(MAX_ROUNDS):
        latest = read_latest(folder)
        if latest is None:
            return update
        pictures = {
            alias_key(fields["name"], fields["format"]): _Picture(fields["asset"], fields["sha256"], fields["format"])
            for fields in read_fields(folder, latest, "variants")
            if fields["asset"] is not None and fields["format"] in EXTENSIONS
        }
        update, is_listed = _update(folder, pictures, written)
        written.update(update.written)
        again = read_latest(folder)
        if is_listed and again is not None and again.pointer == latest.pointer:
            return update
    return update


def _update(folder: Store, pictures: Mapping[str, _Picture], rewritten: Set[str]) -> tuple[AliasUpdate, bool]:
    """Returns what was updated, and whether the index lists it: False if another run has changed the index.

    rewritten: aliases that may be newer or older than the index says, because an earlier round wrote them while another
    run wrote the index.
    """
    stat = folder.stat(INDEX)
    index = _read_index(folder)
    existing = {folder.canonical(key): key for key in folder.list(ALIASES)}
    refuse_nested(folder, existing.values())
    kept = {
        key
        for key, picture in pictures.items()
        if index.get(key) == picture.sha256 and key not in rewritten and folder.canonical(key) in existing
    }
    new = [(key, picture) for key, picture in pictures.items() if key not in kept]
    with ThreadPoolExecutor(COPY_THREADS) as threads:
        copied = list(threads.map(lambda pair: _copy(folder, *pair), new))
        withdrawn = set(map(folder.canonical, index.keys() | rewritten)) - set(map(folder.canonical, pictures))
        removed = sorted(existing[canonical] for canonical in withdrawn & existing.keys())
        list(threads.map(folder.delete, removed))
    written = {key for (key, _), done in zip(new, copied, strict=True) if done}
    digests = {key: picture.sha256 if key in kept | written else index.get(key) for key, picture in pictures.items()}
    now = {key: sha256 for key, sha256 in sorted(digests.items()) if sha256 is not None}
    is_listed = True
    if now != index:
        content = json.dumps({"schema": "brandpress.aliases/1", "aliases": now}, indent=1).encode()
        is_listed = folder.replace(INDEX, content, JSON, stat.etag if stat else None)
    lost = sorted(picture.asset for (_, picture), done in zip(new, copied, strict=True) if not done)
    return AliasUpdate(tuple(sorted(written)), tuple(removed), tuple(lost)), is_listed


def _copy(folder: Store, key: str, picture: _Picture) -> bool:
    """Writes an asset to its alias. Returns False if the asset is missing or damaged: the alias stays as it is."""
    data = folder.read(picture.asset)
    if data is None or sha256_hex(data) != picture.sha256:
        return False
    overwrite(folder, key, data, CONTENT_TYPES[picture.format])
    return True


def _read_index(folder: Store) -> dict[str, str]:
    """Returns alias -> SHA-256 of its content; {} if there is no index that can be read."""
    try:
        content = from_json(folder.read(INDEX) or b"{}")
    except ValueError:
        return {}
    aliases = content.get("aliases") if isinstance(content, dict) else None
    return {key: value for key, value in aliases.items() if isinstance(value, str)} if isinstance(aliases, dict) else {}
