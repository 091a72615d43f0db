"""Decisions of reviewers about delivered pictures, one object for each: `reviews/<sha256 of the asset>.json`.

A decision belongs to a file's content and to the render key that it was made with. It therefore says nothing about the
picture that a changed spec leads to. One that is taken back stays as `withdrawn`, with who did so and when: otherwise,
an older decision that arrives later would be applied. Of two decisions, the later one holds, and keeps the other one as
`earlier`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from pydantic import AwareDatetime, ConfigDict, Field, ValidationError

from brandpress.pipeline.deliver.author import Author
from brandpress.pipeline.deliver.record import JSON, StoredModel, invalid_fields
from brandpress.pipeline.store.protocol import Entry, Store, StoreError
from brandpress.pipeline.store.unchanged import Unchanged

REVIEWS = "reviews/"
SCORES = f"{REVIEWS}scores/"
"""What measures say about pictures, see `pipeline/review/stored_scores.py`."""
SCHEMA: Literal["brandpress.decision/1"] = "brandpress.decision/1"
MAX_BYTES = 64 * 1024
MAX_EARLIER = 50
MAX_SWAP_ATTEMPTS = 8
THREADS = 16

Verdict = Literal["approved", "rejected", "picked"]
Stored = Literal["approved", "rejected", "picked", "withdrawn"]
_KNOWN: Unchanged[Decision] = Unchanged()
_KEY = re.compile(rf"{REVIEWS}([0-9a-f]{{64}})\.json")


class EarlierDecision(StoredModel):
    """What was decided about a picture before. by: who decided."""

    decision: Stored
    reason: str = ""
    by: str
    at: AwareDatetime


class Decision(StoredModel):
    """One decision. name: the output name at that time. also: further names that shared the picture. sha256:
    of the asset. decision: `withdrawn` if the one before was taken back, so that none holds. reason: may be empty. by:
    who decided. earlier: what was decided about the picture before, the newest first."""

    omit_default = ("also", "earlier")
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
    earlier: tuple[EarlierDecision, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All output names of the picture."""
        return (self.name, *self.also)

    def to_json(self) -> bytes:
        """Returns the object's content."""
        return (self.model_dump_json(indent=1) + "\n").encode()

    def after(self, before: Decision | None) -> Decision:
        """Returns this decision with the one before it, and what that one had, as `earlier`: as many as the object may
        hold."""
        if before is None:
            return self
        fields = {"decision": before.decision, "reason": before.reason, "by": before.by, "at": before.at}
        earlier = (EarlierDecision.model_validate(fields), *before.earlier)[:MAX_EARLIER]
        decision = self.model_copy(update={"earlier": earlier})
        while decision.earlier and len(decision.to_json()) > MAX_BYTES:
            decision = decision.model_copy(update={"earlier": decision.earlier[:-1]})
        return decision

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
    def in_force(self) -> Decision | None:
        """The decision that holds; None if there is none, or if it was taken back."""
        return None if self.decision is None or self.decision.decision == "withdrawn" else self.decision


def decision_key(sha256: str) -> str:
    """Returns the key of the decision about the asset with this SHA-256."""
    return f"{REVIEWS}{sha256}.json"


def scores_key(sha256: str) -> str:
    """Returns the key of the scores of the asset with this SHA-256."""
    return f"{SCORES}{sha256}.json"


def write_decision(folder: Store, decision: Decision, seen: Decision | None = None) -> Decision | None:
    """Writes a decision, unless somebody has decided later. Returns that later decision; None if this one is written.

    seen: the decision that was known before: it's an earlier one, whatever the clocks say. An object that isn't a valid
    decision is replaced. Raises StoreError.
    """
    for _ in range(MAX_SWAP_ATTEMPTS):
        stored = _read_replaceable(folder, decision.sha256)
        before = stored.decision
        if before is not None and before.at > decision.at and before != seen:
            return before
        if swap_decision(folder, decision, stored):
            return None
    where = f"{folder.uri}/{decision_key(decision.sha256)}"
    raise StoreError(f"{where}: others keep changing this decision; run again", "key")


def write_decisions(
    folder: Store, decisions: Iterable[Decision], seen: Mapping[str, Decision] = MappingProxyType({})
) -> list[Decision]:
    """Writes several decisions at the same time. Returns the later ones of others that kept some from being written.

    seen: SHA-256 of an asset -> the decision that was known before. Raises StoreError.
    """
    with ThreadPoolExecutor(THREADS) as threads:
        later = threads.map(lambda one: write_decision(folder, one, seen.get(one.sha256)), decisions)
        return [one for one in later if one is not None]


def withdraw_decision(folder: Store, decision: Decision, author: Author) -> bool:
    """Takes a decision back, unless another one has replaced it. Returns whether it did. Raises StoreError."""
    stored = read_stored(folder, decision.sha256)
    return stored.decision == decision and swap_decision(folder, decision.withdrawn(author), stored)


def swap_decision(folder: Store, decision: Decision, stored: StoredDecision) -> bool:
    """Writes a decision, with the stored one as `earlier`, if that one is still there. Returns whether it did.

    If the response to an earlier attempt was lost, the decision is already there. Raises StoreError.
    """
    key, data = decision_key(decision.sha256), decision.after(stored.decision).to_json()
    return folder.replace(key, data, JSON, stored.etag) or folder.read(key) == data


def _read_replaceable(folder: Store, sha256: str) -> StoredDecision:
    """Returns what is stored about an asset; without a decision if it isn't a valid one."""
    try:
        return read_stored(folder, sha256)
    except StoreError as error:
        if error.scope != "key":
            raise
    stat = folder.stat(decision_key(sha256))
    return StoredDecision(None, stat.etag if stat else None)


def read_stored(folder: Store, sha256: str) -> StoredDecision:
    """Returns what is stored about the asset with this SHA-256. Raises StoreError, also if it isn't valid."""
    stat = folder.stat(decision_key(sha256))
    if stat is None:
        return StoredDecision()
    decision = _read_valid(folder, Entry(decision_key(sha256), stat.bytes, 0.0))
    return StoredDecision() if decision is None else StoredDecision(decision, stat.etag)


def read_decisions(folder: Store, replaced: Set[str] = frozenset()) -> Mapping[str, Decision]:
    """Returns the campaign's decisions that hold, keyed by the asset's SHA-256, the latest last.

    replaced: digests of assets that are about to be decided again; their decisions needn't be valid and, if they
    aren't, are left out. See `read_all_decisions`. Raises StoreError.
    """
    everything = read_all_decisions(folder, replaced)
    return {sha256: one for sha256, one in everything.items() if one.decision != "withdrawn"}


def read_all_decisions(folder: Store, replaced: Set[str] = frozenset()) -> Mapping[str, Decision]:
    """Returns what `read_decisions` returns, and the decisions that were taken back.

    Costs one listing, and one read for each decision; on S3, only for those that this process hasn't read before. Other
    objects below `reviews/` are ignored. Raises StoreError, also if one isn't a valid decision: without it, a rejected
    picture could be published again.
    """
    entries = [entry for entry in folder.entries(REVIEWS) if _KEY.fullmatch(entry.key)]
    if not entries:
        return {}
    with ThreadPoolExecutor(THREADS) as threads:
        read = [decision for decision in threads.map(lambda entry: _read(folder, entry, replaced), entries) if decision]
    return {one.sha256: one for one in sorted(read, key=lambda one: (one.at, one.sha256))}


def _read(folder: Store, entry: Entry, replaced: Set[str]) -> Decision | None:
    try:
        return _read_valid(folder, entry)
    except StoreError as error:
        if error.scope == "key" and entry.key in map(decision_key, replaced):
            return None
        raise


def _read_valid(folder: Store, entry: Entry) -> Decision | None:
    where = f"{folder.uri}/{entry.key}"
    if (known := _KNOWN.get(where, entry.etag)) is not None:
        return known
    if entry.bytes > MAX_BYTES:
        raise StoreError(f"{where}: has {entry.bytes:,} bytes, too many for a decision; move the file away", "key")
    data = folder.read(entry.key)
    if data is None:  # deleted since it was listed
        return None
    try:
        decision = Decision.model_validate_json(data)
    except ValidationError as error:
        raise StoreError(
            f"{where}: not a valid decision of {SCHEMA} (invalid: {invalid_fields(error)}); repeat it with "
            "`brandpress reject`, `approve` or `pick`, or move the file away",
            "key",
        ) from None
    if decision_key(decision.sha256) != entry.key:
        raise StoreError(f"{where}: holds the decision about another picture, {decision.sha256}; move it away", "key")
    _KNOWN.put(where, entry.etag, data, decision)
    return decision
