"""A record: the JSON beside an asset that says what it is, how it was made, and where it came from."""

from __future__ import annotations

import builtins
import json
from datetime import UTC, datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from pipeline.plan.variant import Variant
from pipeline.version import TOOL

Status = Literal["done", "failed", "quarantined"]
RECORDS = "records/"
JSON = "application/json"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ModelStamp(_Frozen):
    """Which model made a picture. `weights_digest` decides, the name is for people."""

    name: str
    weights_digest: str
    licence: str


class ReferenceStamp(_Frozen):
    """A reference picture as the brand spec names it, with the digest of its file."""

    role: str
    file: str
    sha256: str


class Record(_Frozen):
    """One variant of a campaign. `asset`, `sha256` and `bytes` are None unless it's done; `cause` is None if it is.

    timings: seconds per stage. cache: hit (1) or miss (0) per kind. host: device, torch, driver.
    """

    name: str
    status: Status
    render_key: str
    asset: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    width: int
    height: int
    format: str
    prompt: str
    seed: int
    steps: int
    guidance: float
    model: ModelStamp
    references: tuple[ReferenceStamp, ...] = ()
    axes: dict[str, str] = Field(default_factory=dict)
    attempts: int = 1
    cause: str | None = None
    timings: dict[str, float] = Field(default_factory=dict)
    cache: dict[str, int] = Field(default_factory=dict)
    host: dict[str, str] = Field(default_factory=dict)
    tool: str = TOOL
    created: AwareDatetime

    @property
    def key(self) -> str:
        """Where the record lies in the campaign's folder."""
        return record_key(self.render_key)

    def to_json(self) -> builtins.bytes:
        """One line of JSON, UTF-8, without the line's end; parsing and writing it again gives the same bytes."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":")).encode()


def record_key(render_key: str) -> str:
    """The key of a render key's record in the campaign's folder."""
    return f"{RECORDS}{render_key}.json"


def new_record(
    variant: Variant, model: ModelStamp, status: Status, attempts: int = 1, cause: str | None = None
) -> Record:
    """The record of `variant`, made now, without what only its rendering can say."""
    return Record(
        name=variant.name,
        status=status,
        render_key=variant.render_key,
        width=variant.width,
        height=variant.height,
        format=variant.format,
        prompt=variant.prompt,
        seed=variant.seed,
        steps=variant.steps,
        guidance=variant.guidance,
        model=model,
        references=tuple(
            ReferenceStamp(role=reference.role, file=reference.file, sha256=reference.sha256)
            for reference in variant.references
        ),
        axes=dict(variant.axes),
        attempts=attempts,
        cause=cause,
        created=datetime.now(UTC).replace(microsecond=0),
    )
