"""The FLUX.2 family: each model's architecture, sampling defaults and licence. No torch here.

Sources: the model cards, `model_index.json` and `config.json` of black-forest-labs' repositories, and of the text
encoders' (mistralai/Mistral-Small-3.2-24B-Instruct-2506, Qwen/Qwen3-4B, Qwen/Qwen3-8B); docs.bfl.ai for hosted tiers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

DISTILLED_STEPS = {"preview": 4, "standard": 4, "final": 4}
FULL_STEPS = {"preview": 6, "standard": 20, "final": 50}
NON_COMMERCIAL = "FLUX Non-Commercial License"
DEV_LICENCE = "FLUX [dev] Non-Commercial License"
SERVICE_TERMS = "FLUX API Service Terms"
UNKNOWN_LICENCE = "unknown: see the checkpoint's model card"
KEY_VARIABLE = "BFL_API_KEY"
REGIONS = ("global", "eu", "us")
FLEX_STEPS, FLEX_GUIDANCE = (1, 50), (1.5, 10.0)
"""For hosted tiers: the environment variable of the API key, the regions, and the ranges that [flex] allows."""

HEAD_SIZE = 128
LATENT_CHANNELS = 128

Precision = Literal["bf16", "fp8", "nvfp4"]
BLOCK_BYTES: dict[Precision, float] = {"bf16": 2.0, "fp8": 1.0, "nvfp4": 0.5 + 1 / 16}
"""Bytes per weight of the blocks' linear layers; the rest is bf16. nvfp4 has a one-byte scale per 16 weights."""


@dataclass(frozen=True, slots=True)
class TransformerSize:
    """double, single: number of double-stream and single-stream blocks. text_width: width of a prompt's embeddings."""

    double: int
    single: int
    heads: int
    text_width: int
    guidance_embeds: bool = False

    @property
    def width(self) -> int:
        """Width of the hidden states."""
        return self.heads * HEAD_SIZE

    @property
    def block_parameters(self) -> int:
        """Number of weights in the blocks' linear layers, which quantised files store in fewer bits."""
        return self.width**2 * (26 * self.double + 13 * self.single)

    @property
    def parameters(self) -> int:
        """Total number of weights: blocks, query and key norms, embedders, shared modulations, last layer."""
        embedders = (2 if self.guidance_embeds else 1) * (256 * self.width + self.width**2)
        tokens = self.width * (2 * LATENT_CHANNELS + self.text_width)
        norms = HEAD_SIZE * (4 * self.double + 2 * self.single)
        return self.block_parameters + norms + embedders + tokens + 17 * self.width**2

    def weight_bytes(self, precision: Precision) -> int:
        """Bytes of all weights, with the blocks' linear layers in `precision` and the rest in bf16."""
        rest = self.parameters - self.block_parameters
        return int(self.block_parameters * BLOCK_BYTES[precision]) + 2 * rest


@dataclass(frozen=True, slots=True)
class TextEncoderSize:
    """A language model. Prompts are embedded by the hidden states of `layers`. Layers above the last aren't loaded."""

    name: str
    kind: Literal["mistral3", "qwen3"]
    layers: tuple[int, ...]
    depth: int
    width: int
    inner: int
    heads: int
    kv_heads: int
    vocabulary: int
    rope_theta: float
    eps: float

    @property
    def parameters(self) -> int:
        """Number of weights that are loaded: token embeddings and the layers up to the last one used."""
        attention = 2 * self.width * HEAD_SIZE * (self.heads + self.kv_heads)
        norms = 2 * self.width + (2 * HEAD_SIZE if self.kind == "qwen3" else 0)
        layer = attention + 3 * self.width * self.inner + norms
        return self.vocabulary * self.width + max(self.layers) * layer


MISTRAL = TextEncoderSize(
    name="Mistral-Small-3.2-24B",
    kind="mistral3",
    layers=(10, 20, 30),
    depth=40,
    width=5120,
    inner=32_768,
    heads=32,
    kv_heads=8,
    vocabulary=131_072,
    rope_theta=1e9,
    eps=1e-5,
)
QWEN3_4B = TextEncoderSize(
    name="Qwen3-4B",
    kind="qwen3",
    layers=(9, 18, 27),
    depth=36,
    width=2560,
    inner=9728,
    heads=32,
    kv_heads=8,
    vocabulary=151_936,
    rope_theta=1e6,
    eps=1e-6,
)
QWEN3_8B = replace(QWEN3_4B, name="Qwen3-8B", width=4096, inner=12_288)
DEV_SIZE = TransformerSize(8, 48, 48, 15_360, guidance_embeds=True)
KLEIN_4B_SIZE = TransformerSize(5, 20, 24, 7_680)
KLEIN_9B_SIZE = TransformerSize(8, 24, 32, 12_288)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One model of the family.

    steps: sampling steps per quality preset; None if the service chooses. guidance: the default scale; None if it can't
    be chosen. hub: the repository with the weights in diffusers' layout; None for nano, which ships with the package,
    and for hosted tiers. kv: references attend only to references, so their keys and values can be cached. distilled:
    guidance takes no second, unconditional pass (unlike [klein base]). endpoint: the API path of a hosted tier.
    """

    name: str
    licence: str
    commercial_use: bool
    steps: dict[str, int] | None
    guidance: float | None = 1.0
    hub: str | None = None
    size: TransformerSize | None = None
    text_encoder: TextEncoderSize | None = None
    kv: bool = False
    distilled: bool = True
    max_references: int = 10
    endpoint: str | None = None

    @property
    def hosted(self) -> bool:
        """Whether BFL renders it on its servers."""
        return self.endpoint is not None


DEV = Family(
    name="flux.2-dev",
    licence=DEV_LICENCE,
    commercial_use=False,
    steps=FULL_STEPS,
    guidance=4.0,
    hub="black-forest-labs/FLUX.2-dev",
    size=DEV_SIZE,
    text_encoder=MISTRAL,
)
KLEIN_4B = Family(
    name="flux.2-klein-4b",
    licence="Apache-2.0",
    commercial_use=True,
    steps=DISTILLED_STEPS,
    hub="black-forest-labs/FLUX.2-klein-4B",
    size=KLEIN_4B_SIZE,
    text_encoder=QWEN3_4B,
)
KLEIN_9B = Family(
    name="flux.2-klein-9b",
    licence=NON_COMMERCIAL,
    commercial_use=False,
    steps=DISTILLED_STEPS,
    hub="black-forest-labs/FLUX.2-klein-9B",
    size=KLEIN_9B_SIZE,
    text_encoder=QWEN3_8B,
)
_BASE: dict[str, Any] = {"steps": FULL_STEPS, "guidance": 4.0, "distilled": False}
KLEIN = (
    KLEIN_4B,
    KLEIN_9B,
    replace(KLEIN_9B, name="flux.2-klein-9b-kv", hub="black-forest-labs/FLUX.2-klein-9b-kv", kv=True),
    replace(KLEIN_4B, name="flux.2-klein-base-4b", hub="black-forest-labs/FLUX.2-klein-base-4B", **_BASE),
    replace(KLEIN_9B, name="flux.2-klein-base-9b", hub="black-forest-labs/FLUX.2-klein-base-9B", **_BASE),
)
NANO = Family(
    name="nano",
    licence="Apache-2.0",
    commercial_use=True,
    steps={"preview": 4, "standard": 4, "final": 8},
    kv=True,
)
PRO = Family(
    name="flux.2-pro",
    licence=SERVICE_TERMS,
    commercial_use=True,
    steps=None,
    guidance=None,
    max_references=8,
    endpoint="flux-2-pro",
)
HOSTED = (
    PRO,
    replace(PRO, name="flux.2-max", endpoint="flux-2-max"),
    replace(PRO, name="flux.2-flex", endpoint="flux-2-flex", steps=FULL_STEPS, guidance=4.5),
)
FAMILIES = {family.name: family for family in (NANO, DEV, *KLEIN, *HOSTED)}


def recognise(*, kv: bool, distilled: bool, heads: int, guidance_embeds: bool) -> Family:
    """Returns the family with these properties of a checkpoint; if none has them, `custom` with an unknown licence."""
    properties = (kv, distilled, heads, guidance_embeds)
    for family in (DEV, *KLEIN):
        size = family.size
        if size is not None and (family.kv, family.distilled, size.heads, size.guidance_embeds) == properties:
            return family
    full = guidance_embeds or not distilled
    return Family(
        name="custom",
        licence=UNKNOWN_LICENCE,
        commercial_use=False,
        steps=FULL_STEPS if full else DISTILLED_STEPS,
        guidance=4.0 if full else 1.0,
        kv=kv,
        distilled=distilled,
    )
