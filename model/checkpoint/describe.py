"""Describes the model that a campaign names: files, family, digest, limits. Loads neither weights nor torch."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from brandpress.model.checkpoint.digest import parts_digest
from brandpress.model.checkpoint.files import read_json
from brandpress.model.checkpoint.hub import INDEX
from brandpress.model.checkpoint.identify import Kind, kind_of, size_of
from brandpress.model.checkpoint.locate import Parts, absolute, locate
from brandpress.model.checkpoint.revision import commit_of, split_revision, with_revision
from brandpress.model.choice import ModelChoice
from brandpress.model.errors import CheckpointError, WeightsChangedError
from brandpress.model.family import FAMILIES, NANO, Family, recognise
from brandpress.model.network.config import shown
from brandpress.model.request import MAX_PIXELS, MAX_REFERENCE_PIXELS, MIN_REFERENCE_PIXELS
from brandpress.model.sampler_version import HOSTED_SAMPLER, SAMPLER
from brandpress.model.sampling_params import DEFAULT_REFERENCE_PIXELS

DEV_CLASS = "Flux2Pipeline"
KV_CLASS = "Flux2KleinKVPipeline"
CLASSES = (DEV_CLASS, "Flux2KleinPipeline", KV_CLASS)
TEXT_LENGTH = 512


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """What plans and records need to know about a model.

    name: as the campaign writes it. choice: what to load, with absolute paths. parts: the files; None for a hosted
    tier. weights_digest: sha256 over all files that affect pixels; for a hosted tier, over its name. steps: sampling
    steps per quality preset; None if the service chooses. guidance: the default scale; None if it can't be chosen.
    distilled: guidance takes no second, unconditional pass, so negative prompts aren't supported. upsamples: the model
    can rewrite prompts. text_layers: None means the family's (see `text.default_layers`). text_length: prompts are cut
    to this number of tokens. reference_pixels: references are scaled down to this area. base_pixels: pictures of more
    than 4 times this area are rendered at it and enlarged; None enlarges none. hosted: rendered by BFL.
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
    base_pixels: int | None = None
    sampler: str = SAMPLER
    hosted: bool = False
    revision: str | None = None


def describe(model: ModelChoice | str, relative_to: Path, *, fetch: bool = False) -> ModelDescription:
    """Describes a model choice; a string is a choice of that base.

    Relative paths are resolved against `relative_to`. fetch: download missing files from the hub. A folder's
    `model_index.json` can override the family's defaults under the names of diffusers' call arguments
    (`num_inference_steps`, `guidance_scale`, `text_encoder_out_layers`, `max_sequence_length`), `reference_pixels` and
    `base_pixels`. Raises CheckpointError that names what is missing and where it was looked for.
    """
    choice = ModelChoice(model) if isinstance(model, str) else model
    named = FAMILIES.get(choice.base)
    if named is not None and named.hosted:
        return describe_hosted(choice, named)
    if choice.region is not None:
        raise CheckpointError(
            f"region {choice.region!r}: only hosted tiers have regions; {choice.base} is rendered on this machine"
        )
    name, choice = split_revision(choice.base)[0], absolute(choice, relative_to)
    parts = locate(choice, fetch=fetch)
    revision = commit_of(parts.root)
    if not Path(choice.base).is_absolute() and name != NANO.name:
        choice = replace(choice, base=with_revision(choice.base, revision))
    index_file = parts.root / INDEX if parts.root is not None else parts.transformer
    index = read_json(index_file) if parts.root is not None else {}
    family = _family(name, parts, index)
    steps = _override(index_file, index, "num_inference_steps", int)
    guidance = _override(index_file, index, "guidance_scale", float)
    return ModelDescription(
        name=name,
        family=family.name,
        choice=choice,
        parts=parts,
        licence=family.licence,
        commercial_use=family.commercial_use,
        weights_digest=_weights_digest(parts, Kind(kv=family.kv, distilled=family.distilled)),
        steps=dict(family.steps or {}) if steps is None else dict.fromkeys(family.steps or {}, steps),
        guidance=family.guidance if guidance is None else guidance,
        max_references=family.max_references,
        kv=family.kv,
        distilled=family.distilled,
        upsamples=_upsamples(parts),
        text_layers=_text_layers(index_file, index),
        text_length=_override(index_file, index, "max_sequence_length", int) or TEXT_LENGTH,
        reference_pixels=_override(index_file, index, "reference_pixels", int) or DEFAULT_REFERENCE_PIXELS,
        base_pixels=_override(index_file, index, "base_pixels", int),
        revision=revision,
    )


def check_unchanged(description: ModelDescription) -> None:
    """Raises WeightsChangedError if a model's files are no longer those that were described, for example because they
    were replaced while they were loaded. Cheap: large files are read again only if their times or inodes changed."""
    parts = description.parts
    if parts is None:
        return
    if _weights_digest(parts, Kind(kv=description.kv, distilled=description.distilled)) != description.weights_digest:
        raise WeightsChangedError(
            f"{parts.root or parts.transformer}: files changed after they were described; run again to use the new ones"
        )


def _weights_digest(parts: Parts, kind: Kind) -> str:
    """Returns the digest of a model's files, and without a folder whose index gives the kind, of the kind, too: there
    only the name of a family or a file tells kinds apart, which render different pictures with the same weights."""
    digest = parts_digest(parts)
    if parts.root is not None:
        return digest
    return hashlib.sha256(f"{digest}\nkind kv={kind.kv} distilled={kind.distilled}".encode()).hexdigest()


def describe_hosted(choice: ModelChoice, family: Family) -> ModelDescription:
    """Describes a hosted tier. Raises CheckpointError for fields that only apply to models with weights."""
    fields = [field for field in ("transformer", "vae", "text_encoder", "loras", "quantise") if getattr(choice, field)]
    if fields:
        raise CheckpointError(f"{family.name} is rendered by BFL; leave out {', '.join(fields)}")
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


MAX_TEXT_LAYERS = 16
RANGES: dict[str, tuple[float, float]] = {
    "num_inference_steps": (1, 1000),
    "guidance_scale": (0, 100),
    "max_sequence_length": (1, 8192),
    "reference_pixels": (MIN_REFERENCE_PIXELS, MAX_REFERENCE_PIXELS),
    "base_pixels": (MIN_REFERENCE_PIXELS, MAX_PIXELS),
}
"""The smallest and the largest value of each field of model_index.json that overrides a default."""


def _override(file: Path, index: dict[str, Any], field: str, kind: type[Number]) -> Number | None:
    """A positive number of model_index.json; None if the field is absent."""
    value = index.get(field)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | kind) or not 0 < value < math.inf:
        expected = "whole number" if kind is int else "number"
        raise CheckpointError(f"{file}: {field}: expected a {expected} above 0, got {shown(value)}")
    lowest, highest = RANGES[field]
    if not lowest <= value <= highest:
        raise CheckpointError(f"{file}: {field}: allowed: {lowest:,} to {highest:,}, got {shown(value)}")
    return kind(value)


def _text_layers(file: Path, index: dict[str, Any]) -> tuple[int, ...] | None:
    layers = index.get("text_encoder_out_layers")
    if layers is None:
        return None
    if not isinstance(layers, list) or not layers or not all(type(layer) is int and layer > 0 for layer in layers):
        raise CheckpointError(
            f"{file}: text_encoder_out_layers: expected a list of numbers from 1, got {shown(layers)}"
        )
    if len(layers) > MAX_TEXT_LAYERS:
        raise CheckpointError(f"{file}: text_encoder_out_layers: at most {MAX_TEXT_LAYERS} layers, got {len(layers)}")
    return tuple(layers)


def _family(name: str, parts: Parts, index: dict[str, Any]) -> Family:
    """The family of a model: the one it names, if the transformer has that size; otherwise the one its files match."""
    if name == NANO.name and not parts.overridden:
        return NANO
    named = FAMILIES.get(name)
    pipeline = index.get("_class_name")
    if parts.root is not None and pipeline not in CLASSES:
        raise CheckpointError(_other_pipeline(parts.root, pipeline))
    size = size_of(parts.transformer, guidance_embeds=pipeline == DEV_CLASS)
    if named is not None and named.size is not None and named.size.heads == size.heads:
        return named
    if named is not None:
        kind = Kind(kv=named.kv, distilled=named.distilled)
    elif pipeline is not None:
        kind = Kind(kv=pipeline == KV_CLASS, distilled=bool(index.get("is_distilled", True)))
    else:
        kind = kind_of(parts.transformer, guidance_embeds=size.guidance_embeds)
    return recognise(**kind._asdict(), **size._asdict())


def _other_pipeline(folder: Path, pipeline: object) -> str:
    name, model = str(pipeline), ""
    if name.startswith("Flux3"):
        model = " (FLUX.3)"
    elif name.startswith("Flux") and not name.startswith("Flux2"):
        model = " (FLUX.1)"
    expected = f"{', '.join(CLASSES[:-1])} or {CLASSES[-1]}"
    return f"{folder / INDEX}: _class_name: expected {expected}, got {pipeline!r}{model}"


def _upsamples(parts: Parts) -> bool:
    """Whether the text encoder can rewrite prompts: only [dev]'s is a complete vision-language model."""
    if parts.text_config is None or not parts.text_encoder.is_dir():
        return False
    return bool(read_json(parts.text_config).get("model_type") == "mistral3")
