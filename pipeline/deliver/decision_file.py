"""Reads `decisions.yaml`, the decisions that a reviewer downloads from the review page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field

from brandpress.model.redaction import redacted
from brandpress.pipeline.deliver.author import MAX_BY, MAX_REASON, now
from brandpress.pipeline.deliver.decision_lines import Line, read_long_file
from brandpress.pipeline.deliver.proposal import Proposal, Wish
from brandpress.pipeline.spec.fields import Fields, Slug, Text, plain_text, reader
from brandpress.pipeline.spec.messages import kind, quote
from brandpress.pipeline.spec.problem import Problem, SpecError, WrongValueError
from brandpress.pipeline.spec.schema import validate_fields
from brandpress.pipeline.spec.yaml_file import read_yaml

SCHEMA: Literal["brandpress.decision-file/1"] = "brandpress.decision-file/1"
MAX_PROBLEMS = 1_000
_DIGEST = re.compile("[0-9a-f]{64}")


def parse_digest(value: object) -> str:
    """Returns a SHA-256 in hex. Raises WrongValueError."""
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise WrongValueError(f"{kind(value)} isn't a SHA-256", "allowed: 64 digits of 0-9 and a-f, in quotes")
    return value


def parse_time(value: object) -> datetime:
    """Returns a time with its zone; a time without one is in UTC. Raises WrongValueError."""
    try:
        time = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise WrongValueError(f"{quote(value)} isn't a time", "allowed: as in 2026-11-27T14:05:00Z") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def parse_by(value: object) -> str:
    """Returns who decided, without what looks like a credential. Raises WrongValueError."""
    return redacted(plain_text(value, MAX_BY))


def parse_reason(value: object) -> str:
    """Returns a reason, which may be empty, without what looks like a credential. Raises WrongValueError."""
    return "" if value == "" else redacted(plain_text(value, MAX_REASON))


class WrittenDecision(Fields):
    """A decision in the file. at, by: default: those of the file."""

    name: Text = Field(description="name: mug/beach-s0")
    sha256: Annotated[str, reader(parse_digest)] = Field(description="sha256: the picture's, from the manifest")
    decision: Wish = Field(description="decision: approved")
    reason: Annotated[str, reader(parse_reason)] = ""
    by: Annotated[str, reader(parse_by)] | None = None
    at: Annotated[datetime, reader(parse_time)] | None = None


class DecisionFile(Fields):
    """The content of the file. by: who decided, where a decision doesn't say it."""

    schema_name: Literal["brandpress.decision-file/1"] = Field(default=SCHEMA, alias="schema")
    campaign: Slug = Field(description="campaign: spring")
    by: Annotated[str, reader(parse_by)] | None = None
    at: Annotated[datetime, reader(parse_time)] | None = None
    decisions: tuple[WrittenDecision, ...] = Field(description="decisions: [...]")


def read_decision_file(path: Path, campaign: str, by: str) -> tuple[Proposal, ...]:
    """Returns the decisions in a file, in order. campaign: the one that they must be about. by: who decided, where the
    file doesn't say it. Raises SpecError with the places of all mistakes."""
    if long := read_long_file(path):
        return _long_file(path, *long, campaign, by)
    document = read_yaml(path)
    fields = validate_fields(document, DecisionFile)
    problems = list(fields.problems)
    values: dict[str, Any] = fields.values
    if values.get("campaign", campaign) != campaign:
        problems.append(document.problem(("campaign",), *_other_campaign(values["campaign"], campaign)))
    if all_problems := document.all_problems(problems):
        raise SpecError(all_problems)
    time = values["at"] or now()
    return tuple(
        Proposal(one.name, one.sha256, one.decision, one.by or values["by"] or by, one.at or time, one.reason)
        for one in values["decisions"]
    )


def _long_file(
    path: Path, head: Mapping[str, str], lines: Sequence[Line], campaign: str, by: str
) -> tuple[Proposal, ...]:
    """Returns the decisions of a file that was read line by line. Raises SpecError, for the first thousand mistakes."""
    problems: list[Problem] = []

    def read(number: int, values: Mapping[str, str], name: str, parse: Callable[[object], Any], otherwise: Any) -> Any:
        try:
            return parse(values[name]) if name in values else otherwise
        except WrongValueError as error:
            problems.append(Problem(str(path), number, 1, f"{name}: {error.what}", error.allowed, error.suggestion))

    if head.get("campaign") != campaign:
        problems.append(Problem(str(path), 1, 1, *_other_campaign(head.get("campaign", ""), campaign)))
    if head.get("schema", SCHEMA) != SCHEMA:
        problems.append(Problem(str(path), 1, 1, f"schema: {quote(head['schema'])}", f"allowed: {SCHEMA}"))
    file_by, file_at = read(1, head, "by", parse_by, by), read(1, head, "at", parse_time, now())
    proposals = []
    for number, values in lines:
        name, sha256 = read(number, values, "name", plain_text, ""), read(number, values, "sha256", parse_digest, "")
        decision, at = read(number, values, "decision", parse_wish, ""), read(number, values, "at", parse_time, file_at)
        reason = read(number, values, "reason", parse_reason, "")
        if len(problems) >= MAX_PROBLEMS:
            break
        proposals.append(Proposal(name, sha256, decision, file_by, at, reason))
    if problems:
        raise SpecError(problems)
    return tuple(proposals)


def parse_wish(value: object) -> str:
    """Returns a decision. Raises WrongValueError."""
    if value not in get_args(Wish):
        raise WrongValueError(f"{quote(str(value))} isn't a decision", f"allowed: {', '.join(get_args(Wish))}")
    return str(value)


def _other_campaign(written: str, campaign: str) -> tuple[str, str]:
    """Returns what is wrong with decisions about another campaign, and what is allowed."""
    return f"these decisions are about the campaign {quote(written)}", f"the job's is {quote(campaign)}"
