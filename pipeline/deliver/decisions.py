"""Decisions of reviewers about delivered pictures, one object for each: `reviews/<sha256 of the asset>.json`.

A decision belongs to a file's content and to the render key that it was made with. It therefore says nothing about the
picture that a changed spec leads to. One that is taken back stays as `withdrawn`, with who did so and when: otherwise,
an older decision that arrives later would be applied.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from pydantic import AwareDatetime, ConfigDict, Field, ValidationError

from brandpress.pipeline.deliver.author import Author
from brandpress.pipeline.deliver.record import JSON, StoredModel
from brandpress.pipeline.store.protocol import Entry, Store, StoreError

REVIEWS = "reviews/"
SCORES = f"{REVIEWS}scores/"
"""What measures say about pictures, see `pipeline/review/stored_scores.py`."""
SCHEMA: Literal["brandpress.decision/1"] = "brandpress.decision/1"
MAX_BYTES = 64 * 1024
MAX_SWAP_ATTEMPTS = 8
THREADS = 16

Verdict = Literal["approved", "rejected", "picked"]
Stored = Literal["approved", "rejected", "picked", "withdrawn"]
_KEY = re.compile(rf"{REVIEWS}([0-9a-f]{{64}})\.json")


class Decision(StoredModel):
    """One decision. name: the output name at that time. also: further names that shared the picture. sha256:
    of the asset. decision: `withdrawn` if the one before was taken back, so that none holds. reason: may be empty. by:
    who decided."""

    omit_default = ("also",)
    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    schema_name: Literal["brandpress.decision/1"] = Field(default=SCHEMA, alias="schema")
    name: str
    render_key: str = Field(pattern="^[0-9a-f]{64}$")
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    decision: Stored
    reason: str = ""
    by: str
    at: AwareDatetime
    also: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All output names of the picture."""
        return (self.name, *self.also)

    def to_json(self) -> bytes:
        """Returns the object's content."""
        return (self.model_dump_json(indent=1) + "\n").encode()

    def withdrawn(self, author: Author) -> Decision:
        """Returns the trace that this decision leaves when it's taken back."""
        changes = {"decision": "withdrawn", "reason": author.reason, "by": author.by, "at": author.at}
        return self.model_copy(update=changes)


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """The object of a picture's decision. decision: may be `withdrawn`; None if there is no object. etag: for
    `swap_decision`."""

    decision: Decision | None = None
    etag: str | None = None

    @property
    def standing(self) -> Decision | None:
        """The decision that holds; None if there is none, or if it was taken back."""
        return None if self.decision is None or self.decision.decision == "withdrawn" else self.decision


def decision_key(sha256: str) -> str:
    """Returns the key of the decision about the asset with this SHA-256."""
    return f"{REVIEWS}{sha256}.json"


def scores_key(sha256: str) -> str:
    """Returns the key of the scores of the asset with this SHA-256."""
    return f"{SCORES}{sha256}.json"


def write_decision(folder: Store, decision: Decision) -> None:
    """Writes a decision; the last writer wins. Raises StoreError."""
    key, data = decision_key(decision.sha256), decision.to_json()
    for _ in range(MAX_SWAP_ATTEMPTS):
        stat = folder.stat(key)
        if folder.replace(key, data, JSON, stat.etag if stat else None):
            return
    raise StoreError(f"{folder.uri}/{key}: others keep changing this decision; run again", "key")


def write_decisions(folder: Store, decisions: Iterable[Decision]) -> None:
    """Writes several decisions at the same time. Raises StoreError."""
    with ThreadPoolExecutor(THREADS) as threads:
        for _ in threads.map(lambda decision: write_decision(folder, decision), decisions):
            pass


def withdraw_decision(folder: Store, decision: Decision, author: Author) -> bool:
    """Takes a decision back, unless another one has replaced it. Returns whether it did. Raises StoreError."""
    stored = read_stored(folder, decision.sha256)
    return stored.decision == decision and swap_decision(folder, decision.withdrawn(author), stored.etag)


def swap_decision(folder: Store, decision: Decision, etag: str | None) -> bool:
    """Writes a decision if the stored object still has this etag (None: if there is none). Returns whether it did.

    Raises StoreError.
    """
    return folder.replace(decision_key(decision.sha256), decision.to_json(), JSON, etag)


def read_stored(folder: Store, sha256: str) -> StoredDecision:
    """Returns what is stored about the asset with this SHA-256. Raises StoreError, also if it isn't valid."""
    stat = folder.stat(decision_key(sha256))
    if stat is None:
        return StoredDecision()
    decision = _read_valid(folder, Entry(decision_key(sha256), stat.bytes, 0.0))
    return StoredDecision() if decision is None else StoredDecision(decision, stat.etag)


def read_decision(folder: Store, sha256: str) -> Decision | None:
    """Returns the decision about the asset with this SHA-256; None if there is none, or if it was taken back.

    Raises StoreError, also if it isn't valid.
    """
    return read_stored(folder, sha256).standing


def read_decisions(folder: Store, replaced: Set[str] = frozenset()) -> Mapping[str, Decision]:
    """Returns the campaign's decisions that hold, keyed by the asset's SHA-256, the latest last.

    replaced: digests of assets that are about to be decided again; their decisions needn't be valid and, if they
    aren't, are left out.
    Costs one listing, and one read for each decision. Other objects below `reviews/` are ignored. Raises StoreError,
    also if one isn't a valid decision: without it, a rejected picture could be published again.
    """
    entries = [entry for entry in folder.entries(REVIEWS) if _KEY.fullmatch(entry.key)]
    if not entries:
        return {}
    with ThreadPoolExecutor(THREADS) as threads:
        read = [decision for decision in threads.map(lambda entry: _read(folder, entry, replaced), entries) if decision]
    standing = (one for one in read if one.decision != "withdrawn")
    return {one.sha256: one for one in sorted(standing, key=lambda one: (one.at, one.sha256))}


def _read(folder: Store, entry: Entry, replaced: Set[str]) -> Decision | None:
    try:
        return _read_valid(folder, entry)
    except StoreError as error:
        if error.scope == "key" and entry.key in map(decision_key, replaced):
            return None
        raise


def _read_valid(folder: Store, entry: Entry) -> Decision | None:
    where = f"{folder.uri}/{entry.key}"
    if entry.bytes > MAX_BYTES:
        raise StoreError(f"{where}: has {entry.bytes:,} bytes, too many for a decision; move the file away", "key")
    data = folder.read(entry.key)
    if data is None:  # deleted since it was listed
        return None
    try:
        decision = Decision.model_validate_json(data)
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, problem["loc"])) or "JSON" for problem in error.errors()}))
        raise StoreError(
            f"{where}: not a valid decision of {SCHEMA} (invalid: {fields}); repeat it with `brandpress reject`, "
            "`approve` or `pick`, or move the file away",
            "key",
        ) from None
    if decision_key(decision.sha256) != entry.key:
        raise StoreError(f"{where}: holds the decision about another picture, {decision.sha256}; move it away", "key")
    return decision
