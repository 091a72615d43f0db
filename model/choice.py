"""What a campaign's `model:` or a call of `Renderer.load` names: a base, and what takes the place of its parts."""

from __future__ import annotations

from dataclasses import dataclass

QUANTISATIONS = ("fp8",)


@dataclass(frozen=True, slots=True)
class LoraChoice:
    """A LoRA's file and how strongly it acts."""

    file: str
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """base: a name of the family, a folder, a single file or a hub id. transformer, vae, text_encoder: a file or folder
    in the base's part's place. quantise: "fp8" keeps the blocks' weights in one byte each. region: of a hosted tier.
    """

    base: str
    transformer: str | None = None
    vae: str | None = None
    text_encoder: str | None = None
    loras: tuple[LoraChoice, ...] = ()
    quantise: str | None = None
    region: str | None = None
