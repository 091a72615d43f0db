"""A campaign's `model:` field: a name, or a base model with replaced parts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from brandpress.model.choice import QUANTISATIONS, LoraChoice, ModelChoice, Quantisation
from brandpress.model.family import REGIONS
from brandpress.pipeline.spec.fields import Fields, Text, as_pydantic, parse_choice, plain_text, reader
from brandpress.pipeline.spec.messages import kind, quote
from brandpress.pipeline.spec.problem import WrongValueError

MAX_LORAS = 16
MAX_SCALE = 10


def parse_scale(value: object) -> float:
    """Returns the strength of a LoRA. Raises WrongValueError."""
    rule = f"allowed: {-MAX_SCALE} to {MAX_SCALE}"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise WrongValueError(f"must be a number, not {kind(value)}", rule)
    if not -MAX_SCALE <= value <= MAX_SCALE:
        raise WrongValueError(f"{quote(value)} is out of range", rule)
    return float(value)


class Lora(Fields):
    """A LoRA's file and its strength."""

    file: Text = Field(description="file: style.safetensors")
    scale: Annotated[float, reader(parse_scale)] = 1.0


def check_count(loras: tuple[Lora, ...]) -> tuple[Lora, ...]:
    """Returns the LoRAs if there aren't too many of them."""
    if len(loras) > MAX_LORAS:
        raise as_pydantic(WrongValueError(f"has {len(loras)} LoRAs", f"allowed: at most {MAX_LORAS}"))
    return loras


class Composition(Fields):
    """A base model, and the files or folders that replace its parts."""

    base: Text = Field(description="base: flux.2-dev")
    transformer: Text | None = None
    vae: Text | None = None
    text_encoder: Text | None = None
    loras: Annotated[tuple[Lora, ...], AfterValidator(check_count)] = ()
    quantise: Annotated[Quantisation, reader(parse_choice(QUANTISATIONS))] | None = None
    region: Annotated[Literal["global", "eu", "us"], reader(parse_choice(REGIONS))] | None = None


def parse_model_name(value: object) -> str:
    """Returns the name, folder, file or hub id of a plain `model:`. Raises WrongValueError."""
    if not isinstance(value, str):
        raise WrongValueError(f"must be text or a mapping, not {kind(value)}", "write nano, or {base: flux.2-dev}")
    return plain_text(value)


ModelField = Annotated[
    Annotated[str, reader(parse_model_name), Tag("name")] | Annotated[Composition, Tag("composition")],
    Discriminator(lambda value: "composition" if isinstance(value, (dict, Composition)) else "name"),
]


def choice_of(model: str | Composition) -> ModelChoice:
    """Returns the model choice, with paths as written in the file."""
    if isinstance(model, str):
        return ModelChoice(model)
    return ModelChoice(
        base=model.base,
        transformer=model.transformer,
        vae=model.vae,
        text_encoder=model.text_encoder,
        loras=tuple(LoraChoice(lora.file, lora.scale) for lora in model.loras),
        quantise=model.quantise,
        region=model.region,
    )
