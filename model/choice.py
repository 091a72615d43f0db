"""The model that a campaign or `Renderer.load` names: a base, and replacements for its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Quantisation = Literal["fp8"]
QUANTISATIONS: tuple[Quantisation, ...] = get_args(Quantisation)


@dataclass(frozen=True, slots=True)
class LoraChoice:
    """A LoRA's file and its scale."""

    file: str
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A base, and replacements for its parts.

    base: a family's name, a folder, a single file or a hub id. transformer, vae, text_encoder: a file or folder that
    replaces this part of the base. quantise: "fp8" stores the blocks' weights in one byte each. region: where a hosted
    tier runs.
    """

    base: str
    transformer: str | None = None
    vae: str | None = None
    text_encoder: str | None = None
    loras: tuple[LoraChoice, ...] = ()
    quantise: str | None = None
    region: str | None = None
