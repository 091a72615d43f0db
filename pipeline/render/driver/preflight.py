"""The driver's side of the preflight: the token in the store, and what every node is compared with."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from brandpress.pipeline.plan.variant import Reference, Variant
from brandpress.pipeline.render.events import WorkerLoaded
from brandpress.pipeline.render.worker.preflight import Preflight, sampler_version, version_refusal
from brandpress.pipeline.render.worker.reference import read_unchanged
from brandpress.pipeline.store.folder import PREFLIGHT
from brandpress.pipeline.store.protocol import Store, StoreError
from brandpress.pipeline.store.retry import RetryingStore, RetryPolicy
from brandpress.pipeline.version import VERSION

MAX_REFERENCES = 16
"""How many references a node opens at most before it starts."""

TEXT = "text/plain"
RETRY_SECONDS = 20.0


@contextmanager
def preflight(
    folder: Store, variants: Iterable[Variant], *, hosted: bool, warn: Callable[[str], None]
) -> Iterator[Preflight]:
    """Writes a token into the campaign's folder, yields what workers check, and deletes the token.

    warn: receives a message if the token can't be deleted. Raises StoreError.
    """
    folder = RetryingStore(folder, RetryPolicy(RETRY_SECONDS))
    run = secrets.token_hex(16)
    key, content = f"{PREFLIGHT}{run}", run.encode()
    folder.create(key, content, TEXT)
    try:
        yield Preflight(key, content, VERSION, sampler_version(hosted=hosted), references_of(variants))
    finally:
        try:
            folder.delete(key)
        except StoreError as error:
            warn(f"{key}, which only this run needed, is left in the store: {error}")
        _remove_empty_folders(Path(folder.uri))


def references_of(variants: Iterable[Variant]) -> tuple[Reference, ...]:
    """Returns one reference of each folder, in the order in which they are needed, unless this machine lacks it, too.

    Nodes share folders, not files, so that one stands for all. A file that has changed here fails its variants only.
    """
    chosen: dict[Path, Reference] = {}
    visited: set[tuple[str, ...]] = set()
    for variant in variants:
        if variant.reference_set in visited or len(chosen) >= MAX_REFERENCES:
            continue
        visited.add(variant.reference_set)
        for reference in variant.references:
            if reference.path.parent not in chosen and _is_here(reference):
                chosen[reference.path.parent] = reference
    return tuple(chosen.values())


def refusal_of(loaded: WorkerLoaded, expected: Preflight, weights_digest: str) -> str | None:
    """Returns why a worker that has loaded its model can't be used; None if it can."""
    name = loaded.hostname or loaded.worker
    if refusal := version_refusal(expected, name, loaded.version, loaded.sampler):
        return refusal
    if loaded.weights_digest and loaded.weights_digest != weights_digest:
        return (
            f"worker on {name} has loaded other weights than planned (digest {loaded.weights_digest[:12]}…, planned "
            f"{weights_digest[:12]}…): put the same files on all nodes, and run again if they have changed here"
        )
    return None


def _is_here(reference: Reference) -> bool:
    with suppress(OSError):
        return read_unchanged(reference.path, reference.sha256) is not None
    return False


def _remove_empty_folders(campaign: Path) -> None:
    """Removes what an otherwise empty store was given for the token. Does nothing on S3, which has no folders."""
    for path in (campaign / PREFLIGHT, campaign):
        with suppress(OSError):
            path.rmdir()
