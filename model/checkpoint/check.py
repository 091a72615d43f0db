"""Checks all parts of a model by their headers and configs, in a second for any size. No torch here.

What passes here loads: names, shapes and formats of all tensors, the fit of the parts to each other, the tokenizer with
its chat template, and the LoRAs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from brandpress.model.checkpoint import bfl, bfl_vae
from brandpress.model.checkpoint.bfl import Origin
from brandpress.model.checkpoint.chat_template import ChatTemplate
from brandpress.model.checkpoint.conform import check_tensors
from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.checkpoint.locate import Parts
from brandpress.model.checkpoint.lora_header import read_layers
from brandpress.model.checkpoint.lora_names import Target
from brandpress.model.checkpoint.needed import autoencoder_shapes, transformer_shapes, trunk_shapes
from brandpress.model.checkpoint.part_config import autoencoder_config_of, check_channels, transformer_config_of
from brandpress.model.checkpoint.scheduler import check_scheduler
from brandpress.model.checkpoint.shapes import count_levels
from brandpress.model.checkpoint.stored import Stored
from brandpress.model.checkpoint.tokenizer import check_tokenizer
from brandpress.model.checkpoint.trunk import (
    check_layers,
    check_prompt_width,
    is_mistral,
    layers_of,
    trunk_prefix,
    trunk_size,
)
from brandpress.model.checkpoint.weights import open_weights
from brandpress.model.errors import CheckpointError
from brandpress.model.network.chat import MISTRAL_OPTIONS, QWEN3_OPTIONS, mistral_messages, qwen3_messages
from brandpress.model.network.config import TransformerConfig

Field = tuple[str | int, ...]
PROBE = "a red mug"


@dataclass(frozen=True, slots=True)
class PartProblem:
    """What is wrong with a part. field: the field of `model:` that names it, if it is replaced."""

    field: Field
    message: str


def check_model(description: ModelDescription) -> list[PartProblem]:
    """Returns the problems of a model's parts, at most one for each. Empty for hosted tiers."""
    parts = description.parts
    if parts is None:
        return []
    problems: list[PartProblem] = []
    target: list[TransformerConfig] = []

    def check(field: Field, run: Callable[[], object]) -> None:
        try:
            run()
        except CheckpointError as error:
            problems.append(PartProblem(field, str(error)))

    check(("transformer",), lambda: target.append(_check_transformer(parts)))
    check(("vae",), lambda: _check_autoencoder(parts))
    check(("text_encoder",), lambda: _check_text_encoder(description, parts))
    check(("text_encoder",), lambda: _check_prompts(description, parts))
    check((), lambda: check_scheduler(parts.root))
    for number, (file, _) in enumerate(parts.loras if target else ()):
        check(("loras", number, "file"), partial(_check_lora, file, target[0]))
    return problems


def _check_transformer(parts: Parts) -> TransformerConfig:
    stored = Stored(open_weights(parts.transformer))
    layout, config = transformer_config_of(parts, stored)
    check_tensors(transformer_shapes(config), stored, bfl.tensor_origin if layout == "bfl" else Origin)
    return config


def _check_autoencoder(parts: Parts) -> None:
    stored = Stored(open_weights(parts.vae, "vae"))
    layout, config = autoencoder_config_of(parts, stored)
    levels = count_levels(stored, layout)
    origin: Callable[[str], Origin] = Origin
    if layout == "bfl":
        origin = lambda name: bfl_vae.tensor_origin(name, levels)  # noqa: E731
    check_tensors(autoencoder_shapes(config), stored, origin)
    check_channels(parts, config)


def _check_text_encoder(description: ModelDescription, parts: Parts) -> None:
    weights = open_weights(parts.text_encoder, "text_encoder")
    prefix = trunk_prefix(weights)
    size, qwen = trunk_size(description, parts)
    layers = description.text_layers or layers_of(qwen, size.depth)
    check_layers(layers, size.depth)
    needed = trunk_shapes(size, max(layers))
    check_tensors(needed, Stored(weights), lambda name: Origin(prefix + name), partial=True)
    check_prompt_width(parts, size.width, len(layers))


def _check_prompts(description: ModelDescription, parts: Parts) -> None:
    """Checks the tokenizer, and renders a prompt with its chat template."""
    check_tokenizer(parts.tokenizer)
    mistral = is_mistral(description, parts)
    messages, options = (mistral_messages, MISTRAL_OPTIONS) if mistral else (qwen3_messages, QWEN3_OPTIONS)
    (text,) = ChatTemplate(parts.tokenizer).render([messages(PROBE)], **options)
    if PROBE not in text:
        raise CheckpointError(f"{parts.tokenizer}: its chat template leaves out the prompt; it is for another model")


def _check_lora(file: Path, config: TransformerConfig) -> None:
    linears = {
        name.removesuffix(".weight"): (shape[0], shape[1])
        for name, shape in transformer_shapes(config).items()
        if len(shape) == 2
    }
    read_layers(file, Target(config, linears))
