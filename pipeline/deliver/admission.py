"""What a manifest may list: what the quality gate passes and, if the job's policy asks for it, people have approved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any, Literal

from pydantic_core import from_json

from brandpress.pipeline.deliver.decisions import read_decisions
from brandpress.pipeline.deliver.record import Record, to_line
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.gated import Attempt, GateState
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.spec.publication import needs_approval
from brandpress.pipeline.store.protocol import Store

Withheld = Literal["unchecked", "dropped", "failed", "unapproved"]
"""Why a done picture isn't listed. unchecked: the gate hasn't judged it. dropped, failed: it's blocked, and no retry is
left. unapproved: nobody has approved it."""

BLOCKED = "the quality gate blocks it"
_OF_GATE = ("verdict", "gate_attempts")
_REJECTED: Mapping[str, Withheld] = {"drop": "dropped", "fail": "failed"}
_ORDER = {name: position for position, name in enumerate(Record.model_fields)}


@dataclass(frozen=True, slots=True)
class Admission:
    """gate: None without a quality gate. approved: the SHA-256 of approved pictures; None if they needn't be. rejected:
    that of rejected ones."""

    gate: GateState | None = None
    approved: Set[str] | None = None
    rejected: Set[str] = frozenset()

    @classmethod
    def of(cls, folder: Store, plan: Plan) -> Admission:
        """Returns what may be listed of a decided plan. Raises StoreError."""
        approving = needs_approval(plan.campaign.job.publish)
        if plan.gate is None and not approving:
            return cls()
        decisions = read_decisions(folder).values()
        accepted = frozenset(one.sha256 for one in decisions if one.decision in ("approved", "picked"))
        rejected = frozenset(one.sha256 for one in decisions if one.decision == "rejected")
        return cls(plan.gate, accepted if approving else None, rejected)

    @property
    def restricts(self) -> bool:
        """Whether it may withhold anything."""
        return self.gate is not None or self.approved is not None

    def withheld(self, name: str, sha256: str | None) -> Withheld | None:
        """Returns why the picture of the variant with this name isn't listed; None if it is."""
        if self.gate is not None:
            if self.gate.is_pending(name, sha256):
                return "unchecked"
            if (consequence := self.gate.rejected_as(name)) is not None:
                return _REJECTED[consequence]
        return "unapproved" if self.approved is not None and sha256 not in self.approved else None

    def may_stay(self, fields: Mapping[str, Any], withheld: Withheld | None = None) -> bool:
        """Whether an earlier picture may stay listed as stale until the variant's own picture is. withheld: why that
        isn't listed; None if it isn't rendered. A rejected picture doesn't stay if nothing will replace it."""
        if withheld == "failed" and fields.get("sha256") in self.rejected:
            return False
        if self.approved is not None and fields.get("sha256") not in self.approved:
            return False
        gate = self.gate
        return gate is None or gate.on_fail == "flag" or fields["render_key"] not in gate.blocked

    def listed(self, line: bytes, name: str, attempts: Mapping[str, bytes]) -> bytes:
        """Returns a record's line with what the gate says about it. attempts: lines of records by render key."""
        if self.gate is None:
            return line
        verdict, blocked = self.gate.verdict(name), self.gate.attempts(name)
        added: dict[str, Any] = {}
        if verdict is not None:
            added["verdict"] = verdict.to_json()
        if blocked:
            added["gate_attempts"] = [_attempt_json(one, attempts.get(one.variant.render_key)) for one in blocked]
        return _ordered(from_json(line) | added) if added else line

    def failure(self, variant: Variant, line: bytes, attempts: Mapping[str, bytes]) -> bytes:
        """Returns the line of a variant that counts as failed because the gate blocks it."""
        fields = from_json(self.listed(line, variant.name, attempts))
        nothing = dict.fromkeys(("asset", "sha256", "bytes"))
        failed = {"name": variant.name, "status": "failed", "cause": self.cause(variant.name), **nothing}
        return _ordered(fields | failed)

    def cause(self, name: str) -> str:
        """Returns why the gate blocks a variant."""
        verdict = self.gate.verdict(name) if self.gate else None
        return f"{BLOCKED}: {verdict.text}" if verdict else BLOCKED


UNRESTRICTED = Admission()


def withheld_pictures(
    variants: Iterable[Variant], done: Mapping[str, bytes], admission: Admission
) -> dict[str, Withheld]:
    """Returns name of a done variant -> why its picture isn't listed. done: lines of records by render key."""
    if not admission.restricts:
        return {}
    lines = ((variant.name, done.get(variant.render_key)) for variant in variants)
    reasons = {name: admission.withheld(name, from_json(line)["sha256"]) for name, line in lines if line is not None}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def without_verdict(line: bytes) -> bytes:
    """Returns a line of a manifest as its record has it, without what the gate said."""
    if not any(f'"{name}":'.encode() in line for name in _OF_GATE):
        return line
    return to_line({name: value for name, value in from_json(line).items() if name not in _OF_GATE})


def _ordered(fields: Mapping[str, Any]) -> bytes:
    """Returns a record's line, its fields in the order in which records have them."""
    return to_line(dict(sorted(fields.items(), key=lambda item: _ORDER.get(item[0], len(_ORDER)))))


def _attempt_json(attempt: Attempt, line: bytes | None) -> dict[str, Any]:
    record = from_json(line) if line is not None else {}
    return {
        "render_key": attempt.variant.render_key,
        "seed": attempt.variant.seed,
        "asset": record.get("asset"),
        "sha256": record.get("sha256"),
        **{name: value for name, value in attempt.verdict.to_json().items() if name != "review"},
    }
