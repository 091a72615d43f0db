"""Decisions about pictures as reviewers send them, from the review page or a file, and what becomes of each.

A picture is named by its SHA-256 and its output name. A decision about a picture that has changed since, or about which
somebody decided later, is refused; the others are applied. Of several at the same time, too, the latest one counts:
each is written only if what it was compared with is still there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from brandpress.pipeline.deliver.author import Author, now
from brandpress.pipeline.deliver.choose import Picture, published_pictures
from brandpress.pipeline.deliver.decisions import (
    MAX_SWAP_ATTEMPTS,
    THREADS,
    Decision,
    StoredDecision,
    decision_key,
    read_stored,
    swap_decision,
)
from brandpress.pipeline.spec.messages import closest, quote
from brandpress.pipeline.store.protocol import Store, StoreError

Wish = Literal["approved", "rejected", "withdrawn"]
"""`withdrawn` takes the present decision back."""
State = Literal["applied", "unchanged", "refused"]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A decision that a reviewer wants. at: when it was made. seen: when the decision was made that the reviewer saw
    before; it's an earlier one, whatever the clocks say."""

    name: str
    sha256: str
    decision: Wish
    by: str
    at: datetime
    reason: str = ""
    seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a proposal. why: why it was refused. decision: what holds about the picture now."""

    proposal: Proposal
    state: State
    why: str = ""
    decision: Decision | None = None


@dataclass(frozen=True)
class PublishedPictures:
    """The published pictures of a campaign. by_digest: SHA-256 -> all pictures with this content. by_name: name ->
    SHA-256."""

    by_digest: Mapping[str, Sequence[Picture]]
    by_name: Mapping[str, str]

    @classmethod
    def of(cls, pictures: Iterable[Picture]) -> PublishedPictures:
        """Returns the pictures in order."""
        by_digest: dict[str, list[Picture]] = {}
        by_name: dict[str, str] = {}
        for picture in pictures:
            by_digest.setdefault(picture.sha256, []).append(picture)
            by_name[picture.name] = picture.sha256
        return cls(by_digest, by_name)

    def refusal(self, proposal: Proposal) -> str:
        """Returns why there is no such picture; "" if there is."""
        if proposal.sha256 in self.by_digest:
            names = sorted(picture.name for picture in self.by_digest[proposal.sha256])
            if proposal.name in names:
                return ""
            return (
                f"the SHA-256 {proposal.sha256[:12]}… is that of {', '.join(map(quote, names))}, not of "
                f"{quote(proposal.name)}; correct one of them"
            )
        if proposal.name in self.by_name:
            now_there, before = self.by_name[proposal.name][:12], proposal.sha256[:12]
            return f"the picture has changed since: it was {before}…, and is {now_there}… now; look at it again"
        near = closest(proposal.name, self.by_name)
        return f"no picture of the name {quote(proposal.name)} is published" + (
            f"; did you mean {near}?" if near else ""
        )


def apply(folder: Store, proposals: Sequence[Proposal]) -> tuple[Answer, ...]:
    """Writes the decisions that can be applied, several at the same time, and returns what became of each, in order.

    Of several about one picture, the last one counts. Raises NothingPublishedError and StoreError.
    """
    pictures = PublishedPictures.of(published_pictures(folder))
    valid = ((number, one) for number, one in enumerate(proposals) if not pictures.refusal(one))
    last = {proposal.sha256: number for number, proposal in valid}

    def answer(numbered: tuple[int, Proposal]) -> Answer:
        number, proposal = numbered
        superseded = last.get(proposal.sha256, number) > number and not pictures.refusal(proposal)
        return _superseded(proposal) if superseded else apply_one(folder, pictures, proposal)

    with ThreadPoolExecutor(THREADS) as threads:
        return tuple(threads.map(answer, enumerate(proposals)))


def apply_one(folder: Store, pictures: PublishedPictures, proposal: Proposal) -> Answer:
    """Writes one decision, unless it must be refused, and returns what became of it. Raises StoreError."""
    if why := pictures.refusal(proposal):
        return Answer(proposal, "refused", why)
    proposal = replace(proposal, at=min(proposal.at, now()))
    for _ in range(MAX_SWAP_ATTEMPTS):
        stored = read_stored(folder, proposal.sha256)
        answer, decision = _compared(stored, proposal, pictures.by_digest[proposal.sha256])
        if decision is None or swap_decision(folder, decision, stored):
            return answer
    key = decision_key(proposal.sha256)
    raise StoreError(f"{folder.uri}/{key}: others keep changing this decision; run again", "key")


def _compared(
    stored: StoredDecision, proposal: Proposal, pictures: Sequence[Picture]
) -> tuple[Answer, Decision | None]:
    """Returns what becomes of a proposal, and the object to write; None if nothing changes."""
    before, current = stored.decision, stored.in_force
    if before is not None and before.at > proposal.at and before.at != proposal.seen:
        why = f"{before.by} decided later, {before.at:%Y-%m-%d %H:%M} UTC: {before.decision}"
        return Answer(proposal, "refused", why, current), None
    if current is not None and current.decision == "picked":
        why = "the picture is picked; take that back first: brandpress pick --undo"
        return Answer(proposal, "refused", why, current), None
    if proposal.decision == "withdrawn":
        if current is None:
            return Answer(proposal, "unchanged"), None
        return Answer(proposal, "applied"), current.withdrawn(Author(proposal.by, proposal.reason, proposal.at))
    if current is not None and (current.decision, current.reason) == (proposal.decision, proposal.reason):
        return Answer(proposal, "unchanged", decision=current), None
    decision = _decision(proposal, pictures)
    return Answer(proposal, "applied", decision=decision), decision


def _superseded(proposal: Proposal) -> Answer:
    return Answer(proposal, "refused", "the file decides about this picture again, further down")


def _decision(proposal: Proposal, pictures: Sequence[Picture]) -> Decision:
    named = next((picture for picture in pictures if picture.name == proposal.name), pictures[0])
    return Decision.model_validate(
        {
            "name": named.name,
            "render_key": named.render_key,
            "sha256": named.sha256,
            "decision": proposal.decision,
            "reason": proposal.reason,
            "by": proposal.by,
            "at": proposal.at,
            "also": sorted({picture.name for picture in pictures} - {named.name}),
        }
    )
