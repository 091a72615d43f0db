"""The FLUX.2 family as a table: what each model is made of, how it samples, and on which terms. No torch here.

Sources: the model cards, `model_index.json` and `config.json` of black-forest-labs' repositories, and of the text
encoders' (mistralai/Mistral-Small-3.2-24B-Instruct-2506, Qwen/Qwen3-4B, Qwen/Qwen3-8B); docs.bfl.ai for hosted tiers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DISTILLED_STEPS = {"preview": 4, "standard": 4, "final": 4}
FULL_STEPS = {"preview": 6, "standard": 20, "final": 50}
NON_COMMERCIAL = "FLUX Non-Commercial License"
DEV_LICENCE = "FLUX [dev] Non-Commercial License"
SERVICE_TERMS = "FLUX API Service Terms"
UNKNOWN_LICENCE = "unknown: see the checkpoint's model card"
KEY_VARIABLE = "BFL_API_KEY"
REGIONS = ("global", "eu", "us")
FLEX_STEPS, FLEX_GUIDANCE = (1, 50), (1.5, 10.0)
"""Of hosted tiers: the account's key in the environment, where they can run, and what [flex] leaves to choose."""

HEAD_SIZE = 128
LATENT_CHANNELS = 128
AUTOENCODER_PARAMETERS = 84_046_115

Precision = Literal["bf16", "fp8", "nvfp4"]
BLOCK_BYTES: dict[Precision, float] = {"bf16": 2.0, "fp8": 1.0, "nvfp4": 0.5 + 1 / 16}
"""Bytes of one weight of the blocks' linear layers; all else is bf16. nvfp4 has a one-byte scale for 16 weights."""


@dataclass(frozen=True, slots=True)
class TransformerSize:
    """double, single: how many blocks of each stream. text_width: of an embedded token of the prompt."""

    double: int
    single: int
    heads: int
    text_width: int
    guidance_embeds: bool = False

    @property
    def width(self) -> int:
        return self.heads * HEAD_SIZE

    @property
    def block_parameters(self) -> int:
        """Weights of the linear layers inside of the blocks: what quantised files store in fewer bits."""
        return self.width**2 * (26 * self.double + 13 * self.single)

    @property
    def parameters(self) -> int:
        """All weights: blocks, their query and key norms, embedders, shared modulations, the last layer."""
        embedders = (2 if self.guidance_embeds else 1) * (256 * self.width + self.width**2)
        tokens = self.width * (2 * LATENT_CHANNELS + self.text_width)
        norms = HEAD_SIZE * (4 * self.double + 2 * self.single)
        return self.block_parameters + norms + embedders + tokens + 17 * self.width**2

    def weight_bytes(self, precision: Precision) -> int:
        """Bytes of the weights, with the blocks' linear layers in a precision and the rest in bf16."""
        rest = self.parameters - self.block_parameters
        return int(self.block_parameters * BLOCK_BYTES[precision]) + 2 * rest


@dataclass(frozen=True, slots=True)
class TextEncoderSize:
    """A language model of which the hidden states of three `layers` are used: nothing above the last is loaded."""

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
        """The weights that are loaded: token embeddings and the layers up to the last one used."""
        attention = 2 * self.width * HEAD_SIZE * (self.heads + self.kv_heads)
        norms = 2 * self.width + (2 * HEAD_SIZE if self.kind == "qwen3" else 0)
        layer = attention + 3 * self.width * self.inner + norms
        return self.vocabulary * self.width + max(self.layers) * layer


MISTRAL = TextEncoderSize("Mistral-Small-3.2-24B", "mistral3", (10, 20, 30), 40, 5120, 32768, 32, 8, 131_072, 1e9, 1e-5)
QWEN3_4B = TextEncoderSize("Qwen3-4B", "qwen3", (9, 18, 27), 36, 2560, 9728, 32, 8, 151_936, 1e6, 1e-6)
QWEN3_8B = TextEncoderSize("Qwen3-8B", "qwen3", (9, 18, 27), 36, 4096, 12_288, 32, 8, 151_936, 1e6, 1e-6)
DEV_SIZE = TransformerSize(8, 48, 48, 15_360, guidance_embeds=True)
KLEIN_4B_SIZE = TransformerSize(5, 20, 24, 7_680)
KLEIN_9B_SIZE = TransformerSize(8, 24, 32, 12_288)


@dataclass(frozen=True, slots=True)
class Family:
    """One model of the family.

    steps: sampling steps of each quality preset, None where the service chooses. guidance: the default scale, None
    where there is none to choose. hub: the repository that holds the weights in diffusers' layout, None for what ships
    with this package and for hosted tiers. endpoint: the path of a hosted tier. kv: references attend to references
    only. distilled: guidance isn't done by a second, unconditional pass (as [klein base] needs it).
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
        return self.endpoint is not None


DEV = Family("flux.2-dev", DEV_LICENCE, False, FULL_STEPS, 4.0, "black-forest-labs/FLUX.2-dev", DEV_SIZE, MISTRAL)
KLEIN = (
    Family(
        "flux.2-klein-4b",
        "Apache-2.0",
        True,
        DISTILLED_STEPS,
        hub="black-forest-labs/FLUX.2-klein-4B",
        size=KLEIN_4B_SIZE,
        text_encoder=QWEN3_4B,
    ),
    Family(
        "flux.2-klein-9b",
        NON_COMMERCIAL,
        False,
        DISTILLED_STEPS,
        hub="black-forest-labs/FLUX.2-klein-9B",
        size=KLEIN_9B_SIZE,
        text_encoder=QWEN3_8B,
    ),
    Family(
        "flux.2-klein-9b-kv",
        NON_COMMERCIAL,
        False,
        DISTILLED_STEPS,
        hub="black-forest-labs/FLUX.2-klein-9b-kv",
        size=KLEIN_9B_SIZE,
        text_encoder=QWEN3_8B,
        kv=True,
    ),
    Family(
        "flux.2-klein-base-4b",
        "Apache-2.0",
        True,
        FULL_STEPS,
        4.0,
        hub="black-forest-labs/FLUX.2-klein-base-4B",
        size=KLEIN_4B_SIZE,
        text_encoder=QWEN3_4B,
        distilled=False,
    ),
    Family(
        "flux.2-klein-base-9b",
        NON_COMMERCIAL,
        False,
        FULL_STEPS,
        4.0,
        hub="black-forest-labs/FLUX.2-klein-base-9B",
        size=KLEIN_9B_SIZE,
        text_encoder=QWEN3_8B,
        distilled=False,
    ),
)
NANO = Family("nano", "Apache-2.0", True, {"preview": 4, "standard": 4, "final": 8}, kv=True)
HOSTED = (
    Family("flux.2-pro", SERVICE_TERMS, True, None, None, max_references=8, endpoint="flux-2-pro"),
    Family("flux.2-max", SERVICE_TERMS, True, None, None, max_references=8, endpoint="flux-2-max"),
    Family("flux.2-flex", SERVICE_TERMS, True, FULL_STEPS, 4.5, max_references=8, endpoint="flux-2-flex"),
)
FAMILIES = {family.name: family for family in (NANO, DEV, *KLEIN, *HOSTED)}


def recognise(kv: bool, distilled: bool, heads: int, guidance_embeds: bool = False) -> Family:
    """The family of a checkpoint by what its files say; one of no known size is `custom`, its licence unknown."""
    asked = (kv, distilled, heads, guidance_embeds)
    for family in (DEV, *KLEIN):
        size = family.size
        if size is not None and (family.kv, family.distilled, size.heads, size.guidance_embeds) == asked:
            return family
    full = guidance_embeds or not distilled
    steps, guidance = (FULL_STEPS, 4.0) if full else (DISTILLED_STEPS, 1.0)
    return Family("custom", UNKNOWN_LICENCE, False, steps, guidance, kv=kv, distilled=distilled)
