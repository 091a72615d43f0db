"""What a campaign's `model:` names: where it lies, what it is, its digest. Loads no weights and no torch."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from brandpress.model.checkpoint.digest import parts_digest
from brandpress.model.checkpoint.files import read_json
from brandpress.model.checkpoint.identify import kind_of, size_of
from brandpress.model.checkpoint.locate import INDEX, Parts, absolute, locate
from brandpress.model.choice import ModelChoice
from brandpress.model.errors import CheckpointError
from brandpress.model.family import FAMILIES, NANO, Family, recognise
from brandpress.model.request import DEFAULT_REFERENCE_PIXELS
from brandpress.model.sampler_version import HOSTED_SAMPLER, SAMPLER

DEV_CLASS = "Flux2Pipeline"
KV_CLASS = "Flux2KleinKVPipeline"
CLASSES = (DEV_CLASS, "Flux2KleinPipeline", KV_CLASS)
TEXT_LENGTH = 512


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """A model as plans and records know it.

    name: as it was asked for. choice: what to load, its paths absolute. parts: where its parts lie, None for a hosted
    tier. weights_digest: sha256 over all files that decide pixels; of a hosted tier, over its name. steps: sampling
    steps per quality preset; None where the service chooses. guidance: the default scale; None where there is none to
    choose. distilled: no second, unconditional pass, so a negative prompt has no place. upsamples: it can rewrite
    prompts. text_layers: None means the family's (see `text.default_layers`). text_length: tokens that a prompt is cut
    at. reference_pixels: the area that references are scaled down to. hosted: BFL renders it.
    """

    name: str
    family: str
    choice: ModelChoice
    parts: Parts | None
    licence: str
    commercial_use: bool
    weights_digest: str
    steps: dict[str, int] | None
    guidance: float | None
    max_references: int
    kv: bool
    distilled: bool
    upsamples: bool = False
    text_layers: tuple[int, ...] | None = None
    text_length: int = TEXT_LENGTH
    reference_pixels: int = DEFAULT_REFERENCE_PIXELS
    sampler: str = SAMPLER
    hosted: bool = False


def describe(model: ModelChoice | str, relative_to: Path, *, fetch: bool = False) -> ModelDescription:
    """Describe a choice; a bare text is a choice of that base.

    Relative paths are taken from `relative_to`. fetch: download what's on the hub and not in its cache. A folder's
    `model_index.json` may override what the family says, by the names that diffusers gives its call's arguments:
    `num_inference_steps`, `guidance_scale`, `text_encoder_out_layers`, `max_sequence_length`; and `reference_pixels`.
    Raises CheckpointError, saying what is missing and where it is looked for.
    """
    asked = ModelChoice(model) if isinstance(model, str) else model
    named = FAMILIES.get(asked.base)
    if named is not None and named.hosted:
        return _hosted(asked, named)
    if asked.region is not None:
        raise CheckpointError(f"region {asked.region!r}: only hosted tiers have one; {asked.base} is rendered here")
    choice = absolute(asked, relative_to)
    parts = locate(choice, fetch=fetch)
    where = parts.root / INDEX if parts.root is not None else parts.transformer
    index = read_json(where) if parts.root is not None else {}
    family = _family(asked.base, parts, index)
    steps = _override(where, index, "num_inference_steps", int)
    guidance = _override(where, index, "guidance_scale", float)
    return ModelDescription(
        name=asked.base,
        family=family.name,
        choice=choice,
        parts=parts,
        licence=family.licence,
        commercial_use=family.commercial_use,
        weights_digest=parts_digest(parts),
        steps=dict(family.steps or {}) if steps is None else dict.fromkeys(family.steps or {}, steps),
        guidance=family.guidance if guidance is None else guidance,
        max_references=family.max_references,
        kv=family.kv,
        distilled=family.distilled,
        upsamples=_upsamples(parts),
        text_layers=_layers(where, index),
        text_length=_override(where, index, "max_sequence_length", int) or TEXT_LENGTH,
        reference_pixels=_override(where, index, "reference_pixels", int) or DEFAULT_REFERENCE_PIXELS,
    )


def _hosted(choice: ModelChoice, family: Family) -> ModelDescription:
    given = [field for field in ("transformer", "vae", "text_encoder", "loras", "quantise") if getattr(choice, field)]
    if given:
        raise CheckpointError(f"{family.name} is rendered by BFL: {', '.join(given)} can't be chosen for it")
    return ModelDescription(
        name=family.name,
        family=family.name,
        choice=choice,
        parts=None,
        licence=family.licence,
        commercial_use=family.commercial_use,
        weights_digest=hashlib.sha256(f"hosted {family.endpoint}".encode()).hexdigest(),
        steps=dict(family.steps) if family.steps else None,
        guidance=family.guidance,
        max_references=family.max_references,
        kv=False,
        distilled=True,
        upsamples=family.name == "flux.2-flex",
        text_length=32_000,
        sampler=HOSTED_SAMPLER,
        hosted=True,
    )


Number = TypeVar("Number", int, float)


def _override(where: Path, index: dict[str, Any], field: str, kind: type[Number]) -> Number | None:
    """A positive number of the index; None where the index says nothing."""
    value = index.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | kind) or not 0 < value < math.inf:
        what = "whole number" if kind is int else "number"
        raise CheckpointError(f"{where}: {field} is {value!r}; it must be a {what} above 0")
    return kind(value)


def _layers(where: Path, index: dict[str, Any]) -> tuple[int, ...] | None:
    layers = index.get("text_encoder_out_layers")
    if layers is None:
        return None
    if not isinstance(layers, list) or not layers or not all(type(layer) is int and layer > 0 for layer in layers):
        raise CheckpointError(f"{where}: text_encoder_out_layers is {layers!r}; it must be a list of layers from 1 on")
    return tuple(layers)


def _family(name: str, parts: Parts, index: dict[str, Any]) -> Family:
    """The family of a base: of its name where that is one and the transformer has its size, else by what it holds."""
    if name == NANO.name and not parts.overridden:
        return NANO
    named = FAMILIES.get(name)
    kind = index.get("_class_name")
    if parts.root is not None and kind not in CLASSES:
        raise CheckpointError(_other_pipeline(parts.root, kind))
    heads, guided = size_of(parts.transformer, guided=kind == DEV_CLASS)
    if named is not None and named.size is not None and named.size.heads == heads:
        return named
    if named is not None:
        kv, distilled = named.kv, named.distilled
    elif kind is not None:
        kv, distilled = kind == KV_CLASS, bool(index.get("is_distilled", True))
    else:
        kv, distilled = kind_of(parts.transformer, guided)
    return recognise(kv, distilled, heads, guided)


def _other_pipeline(folder: Path, kind: object) -> str:
    said = str(kind)
    what = f"model_index.json says {kind!r}"
    if said.startswith("Flux3"):
        what += ", which is FLUX.3"
    elif said.startswith("Flux") and not said.startswith("Flux2"):
        what += ", which is FLUX.1"
    return f"{folder}: {what}; FLUX.2 folders say {', '.join(CLASSES[:-1])} or {CLASSES[-1]}"


def _upsamples(parts: Parts) -> bool:
    """Whether the text encoder is a whole language model that can see: [dev]'s."""
    if parts.text_config is None or not parts.text_encoder.is_dir():
        return False
    return bool(read_json(parts.text_config).get("model_type") == "mistral3")
