"""A record: the JSON beside an asset that says what it is, how it was made, and where it came from."""

from __future__ import annotations

import builtins
import json
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from brandpress.model.sampling_params import ADDED_LATER
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.version import TOOL

if TYPE_CHECKING:
    from brandpress.model.checkpoint.describe import ModelDescription

Status = Literal["done", "failed", "quarantined"]
RECORDS = "records/"
JSON = "application/json"


class _Frozen(BaseModel):
    """`later` names fields that came after the first records: at their defaults they aren't written, so that a record
    from before is written again as it was read."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    later: ClassVar[tuple[str, ...]] = ()

    @model_serializer(mode="wrap")
    def _write(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = write(self)
        fields = type(self).model_fields
        for name in self.later:
            if name in fields and getattr(self, name) == fields[name].default:
                values.pop(name, None)
        return values


class LoraStamp(_Frozen):
    """A LoRA's file name, and how strongly it acts."""

    file: str
    scale: float


class ModelStamp(_Frozen):
    """Which model made a picture. `weights_digest` decides, the name is for people."""

    later = ("quantisation", "loras")

    name: str
    weights_digest: str
    licence: str
    quantisation: str | None = None
    loras: tuple[LoraStamp, ...] = ()


class ReferenceStamp(_Frozen):
    """A reference picture as the brand spec names it, with the digest of its file and, where it's transparent, the
    colour that it was laid on."""

    later = ("background",)

    role: str
    file: str
    sha256: str
    background: str | None = None


class Record(_Frozen):
    """One variant of a campaign. `asset`, `sha256` and `bytes` are None unless it's done; `cause` is None if it is.

    steps, guidance: None where the service chose. prompt_upsampled: the prompt as the model rewrote it.
    strikes: workers that were lost over it. traceback: `module:line function`, a line each, where something was raised.
    reference_pixels: None for the model's own area. reuse: "approximate" where the picture isn't quite the exact one.
    cost: in the service's credits. timings: seconds per stage. cache: hit (1) or miss (0) per kind. host: device,
    torch, driver.
    """

    later = (*ADDED_LATER, "prompt_upsampled", "strikes", "traceback", "cost")

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
    negative_prompt: str = ""
    prompt_upsampled: str | None = None
    seed: int
    steps: int | None
    guidance: float | None
    model: ModelStamp
    references: tuple[ReferenceStamp, ...] = ()
    reference_pixels: int | None = None
    reuse: str = "exact"
    axes: dict[str, str] = Field(default_factory=dict)
    attempts: int = 1
    strikes: int = 0
    cause: str | None = None
    traceback: str | None = None
    cost: float | None = None
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


def stamp_of(model: ModelDescription) -> ModelStamp:
    """How records tell of a model."""
    return ModelStamp(
        name=model.name,
        weights_digest=model.weights_digest,
        licence=model.licence,
        quantisation=model.choice.quantise,
        loras=tuple(LoraStamp(file=PurePath(lora.file).name, scale=lora.scale) for lora in model.choice.loras),
    )


def new_record(
    variant: Variant, model: ModelStamp, status: Status, *, cause: str | None = None, strikes: int = 0
) -> Record:
    """The record of one attempt at `variant`, made now, without what only its rendering can say."""
    return Record(
        name=variant.name,
        status=status,
        render_key=variant.render_key,
        width=variant.width,
        height=variant.height,
        format=variant.format,
        prompt=variant.prompt,
        seed=variant.seed,
        model=model,
        references=tuple(
            ReferenceStamp(
                role=reference.role, file=reference.file, sha256=reference.sha256, background=reference.background
            )
            for reference in variant.references
        ),
        axes=dict(variant.axes),
        cause=cause,
        strikes=strikes,
        created=_now(),
        **{name: value for name, value in variant.sampling_values().items() if name in Record.model_fields},
    )


def _now() -> datetime:
    """To the millisecond, which tells two attempts apart."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
