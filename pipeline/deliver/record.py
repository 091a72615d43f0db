"""Records: the JSON file that belongs to an asset, with what it shows, how it was rendered, and by which model."""

from __future__ import annotations

import builtins
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from brandpress.model.sampling_params import ADDED_LATER
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.version import TOOL

if TYPE_CHECKING:
    from brandpress.model.checkpoint.describe import ModelDescription

Status = Literal["done", "failed", "quarantined"]
RECORDS = "records/"
JSON = "application/json"


class StoredModel(BaseModel):
    """The base of everything stored as JSON. Fields of later versions are ignored.

    omit_default: fields that aren't written if they have their default value. Fields added after the first
    release belong here, so that an older record is written exactly as it was read.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    omit_default: ClassVar[tuple[str, ...]] = ()

    @model_serializer(mode="wrap")
    def _serialize(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = serialize(self)
        fields = type(self).model_fields
        for name in self.omit_default:
            if name in fields and getattr(self, name) == fields[name].default:
                values.pop(name, None)
        return values


def invalid_fields(error: ValidationError) -> str:
    """Returns the fields that aren't valid, for messages; `JSON` if the text isn't JSON at all."""
    return ", ".join(sorted({".".join(map(str, problem["loc"])) or "JSON" for problem in error.errors()}))


class LoraStamp(StoredModel):
    """A LoRA: its file name and its scale."""

    file: str
    scale: float


class ModelStamp(StoredModel):
    """The model that rendered a picture. `weights_digest` identifies it; the name is for people.

    revision: the commit of a model from the Hugging Face hub. sampler: version of the sampling code; empty in older
    records.
    """

    omit_default = ("revision", "quantisation", "loras", "sampler")

    name: str
    weights_digest: str
    licence: str
    revision: str | None = None
    quantisation: str | None = None
    loras: tuple[LoraStamp, ...] = ()
    sampler: str = ""


class ReferenceStamp(StoredModel):
    """A reference picture: its role, its file as the brand spec names it, and the SHA-256 of the file.

    background: the colour behind a transparent picture.
    """

    omit_default = ("background",)

    role: str
    file: str
    sha256: str
    background: str | None = None


class Record(StoredModel):
    """One variant of a campaign. `asset`, `sha256` and `bytes` are None unless it's done; `cause` is None if it's done.

    enlarged_from: the size that the model rendered, as WIDTHxHEIGHT, if the picture was enlarged from it. steps,
    guidance: None if the hosted service chose them. prompt_upsampled: the prompt as the model rewrote it.
    reference_pixels: None for the model's default area. reuse: "approximate" if caching may have changed the picture
    slightly. attributes: axis -> the free fields of its value. alt: the alt text. sku: the product's article number.
    same_picture_as: in manifests, the variant whose record the picture has; only name, asset, axes, references,
    attributes, alt and sku are its own. verdict: in manifests, what the quality gate says about the picture.
    gate_attempts: in manifests, the variant's pictures that the gate blocked, in their order. strikes: number of
    workers that died while rendering it. signed_by: SHA-256 of the certificate that signed the file. traceback:
    `module:line function`, one per line. stale: in manifests, whether the picture is one of an earlier version of the
    job. cost: credits of the hosted service. timings: seconds per stage.
    cache: hit (1) or miss (0) per kind of cache. host: device, torch, driver.
    """

    omit_default = (
        *ADDED_LATER,
        "enlarged_from",
        "prompt_upsampled",
        "strikes",
        "traceback",
        "cost",
        "stale",
        "attributes",
        "alt",
        "sku",
        "same_picture_as",
        "signed_by",
        "verdict",
        "gate_attempts",
    )

    name: str
    status: Status
    render_key: str
    asset: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    width: int
    height: int
    enlarged_from: str | None = None
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
    attributes: dict[str, dict[str, Any]] = {}
    alt: str = ""
    sku: str = ""
    same_picture_as: str | None = None
    signed_by: str | None = None
    verdict: dict[str, Any] | None = None
    gate_attempts: tuple[dict[str, Any], ...] = ()
    attempts: int = 1
    strikes: int = 0
    cause: str | None = None
    traceback: str | None = None
    cost: float | None = None
    stale: bool = False
    timings: dict[str, float] = Field(default_factory=dict)
    cache: dict[str, int] = Field(default_factory=dict)
    host: dict[str, str] = Field(default_factory=dict)
    tool: str = TOOL
    created: AwareDatetime

    @property
    def key(self) -> str:
        """The record's key in the campaign's folder."""
        return record_key(self.render_key)

    def to_json(self) -> builtins.bytes:
        """Returns one line of JSON (UTF-8, without a newline). Parsing and writing it again returns the same bytes."""
        return to_line(self.model_dump(mode="json"))


MANIFEST_ONLY: Mapping[str, Any] = MappingProxyType(
    {name: Record.model_fields[name].default for name in ("stale", "same_picture_as", "verdict", "gate_attempts")}
)
"""The fields that are set only in manifests, with the values that they have in all other records."""


def to_line(fields: dict[str, Any]) -> builtins.bytes:
    """Returns a record's fields as one line of JSON (UTF-8, without a newline)."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def record_key(render_key: str) -> str:
    """Returns the key of the record of `render_key` in the campaign's folder."""
    return f"{RECORDS}{render_key}.json"


def stamp_of(model: ModelDescription) -> ModelStamp:
    """Returns the stamp of `model` for records."""
    return ModelStamp(
        name=model.name,
        weights_digest=model.weights_digest,
        licence=model.licence,
        revision=model.revision,
        quantisation=model.choice.quantise,
        loras=tuple(LoraStamp(file=PurePath(lora.file).name, scale=lora.scale) for lora in model.choice.loras),
        sampler=model.sampler,
    )


def reference_stamps(variant: Variant) -> tuple[ReferenceStamp, ...]:
    """Returns the references of a variant for its record."""
    return tuple(
        ReferenceStamp(
            role=reference.role, file=reference.file, sha256=reference.sha256, background=reference.background
        )
        for reference in variant.references
    )


def new_record(
    variant: Variant, model: ModelStamp, status: Status, *, cause: str | None = None, strikes: int = 0
) -> Record:
    """Returns the record of one attempt at `variant`, created now, without the results of rendering."""
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
        references=reference_stamps(variant),
        **variant.descriptive_fields(),
        cause=cause,
        strikes=strikes,
        created=_now(),
        **{name: value for name, value in variant.sampling_values().items() if name in Record.model_fields},
    )


def _now() -> datetime:
    """Returns the current time to the millisecond, which is precise enough to distinguish two attempts."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
