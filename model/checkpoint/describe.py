"""What a campaign's `model:` names: where it lies, what it is, its digest. Loads no weights and no torch."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from model.choice import ModelChoice
from model.checkpoint.digest import folder_digest
from model.errors import CheckpointError
from model.family import FAMILIES, NANO, Family, recognise
from model.sampler_version import SAMPLER

NANO_FOLDER = Path(__file__).parent.parent / "nano" / "weights"
KLEIN_CLASSES = ("Flux2KleinPipeline", "Flux2KleinKVPipeline")
REFERENCE_PIXELS = 1024 * 1024
TEXT_LENGTH = 512


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """A model as plans and records know it.

    name: as it was asked for. choice: what to load, its paths absolute. weights_digest: sha256 over all files that
    decide pixels; of a hosted tier, over its name. steps: sampling steps per quality preset; None where the service
    chooses. guidance: the default scale; None where there is none to choose. distilled: no second, unconditional pass,
    so a negative prompt has no place. upsamples: it can rewrite prompts. text_layers: None means the family's (see
    `folder.default_layers`). text_length: tokens that a prompt is cut at. reference_pixels: the area that references are
    scaled down to. hosted: BFL renders it.
    """

    name: str
    family: str
    choice: ModelChoice
    folder: Path
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
    reference_pixels: int = REFERENCE_PIXELS
    sampler: str = SAMPLER
    hosted: bool = False


def describe(model: str, relative_to: Path) -> ModelDescription:
    """Describe a name of the family, a hub id in the local cache, or a folder in diffusers' layout.

    A relative folder is taken from `relative_to`. `model_index.json` may override what the family says, by the names
    that diffusers gives its call's arguments: `num_inference_steps`, `guidance_scale`, `text_encoder_out_layers`,
    `max_sequence_length`; and `reference_pixels`. Raises CheckpointError, saying what is missing and where it is
    looked for.
    """
    folder = locate(model, relative_to)
    index = read_json(folder / "model_index.json")
    kind = index.get("_class_name")
    if kind not in KLEIN_CLASSES:
        raise CheckpointError(
            f"{folder}: model_index.json says {kind!r}; FLUX.2 [klein] folders say {' or '.join(KLEIN_CLASSES)}"
        )
    family = _family(model, folder, index)
    where = folder / "model_index.json"
    steps = _override(where, index, "num_inference_steps", int)
    guidance = _override(where, index, "guidance_scale", float)
    return ModelDescription(
        name=model,
        family=family.name,
        folder=folder,
        licence=family.licence,
        commercial_use=family.commercial_use,
        weights_digest=folder_digest(folder),
        steps=dict(family.steps) if steps is None else dict.fromkeys(family.steps, steps),
        guidance=family.guidance if guidance is None else guidance,
        max_references=family.max_references,
        kv=family.kv,
        distilled=family.distilled,
        text_layers=_layers(where, index),
        text_length=_override(where, index, "max_sequence_length", int) or TEXT_LENGTH,
        reference_pixels=_override(where, index, "reference_pixels", int) or REFERENCE_PIXELS,
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


def locate(model: str, relative_to: Path) -> Path:
    """The folder that `model` names. Raises CheckpointError when there is none."""
    if model == NANO.name:
        return NANO_FOLDER
    family = FAMILIES.get(model)
    hub = family.hub if family else None
    folder = Path(model) if Path(model).is_absolute() else relative_to / model
    if hub is None and (folder / "model_index.json").is_file():
        return folder.resolve()
    if hub is None and folder.is_dir():
        raise CheckpointError(f"{folder}: no model_index.json; a checkpoint folder is laid out as diffusers saves it")
    if hub is None and model.count("/") == 1 and not model.startswith((".", "/")):
        hub = model
    if hub is None:
        names = ", ".join(FAMILIES)
        raise CheckpointError(f"model {model!r} is neither a folder nor a known name; known names: {names}")
    return _cached(hub)


def _cached(hub: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(hub, local_files_only=True))
    except HFValidationError as error:
        raise CheckpointError(f"model {hub!r} is neither a folder nor a possible name of a hub repository") from error
    except LocalEntryNotFoundError as error:
        raise CheckpointError(
            f"{hub} is not in the hub's cache on this machine; get it with `hf download {hub}`, or name a folder"
        ) from error


def _family(model: str, folder: Path, index: dict[str, Any]) -> Family:
    if folder == NANO_FOLDER:
        return NANO
    if model in FAMILIES:
        return FAMILIES[model]
    heads = read_json(folder / "transformer" / "config.json").get("num_attention_heads", 0)
    return recognise(
        kv=index["_class_name"] == "Flux2KleinKVPipeline", distilled=bool(index.get("is_distilled", True)), heads=heads
    )


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object. Raises CheckpointError when the file is missing or holds something else."""
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} is missing") from error
    except OSError as error:
        raise CheckpointError(f"{path} can't be read: {error.strerror}") from error
    except ValueError as error:
        raise CheckpointError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path} holds a {type(value).__name__}; a JSON object is needed")
    return value
