"""What the check renders: model sizes, pictures and references, and the operations they need at least."""

from __future__ import annotations

from dataclasses import dataclass, replace

from brandpress.model.family import FAMILIES, TextEncoderSize, TransformerSize
from brandpress.model.network.transformer import TransformerConfig
from brandpress.model.request import SIZE_MULTIPLE
from tests.model.layout import config_of

TEXT = 512


@dataclass(frozen=True)
class Case:
    """One square picture. references: how many, each square with `reference_side`. text: tokens of the prompt."""

    model: str
    side: int
    steps: int
    references: int = 0
    reference_side: int = 1024
    text: int = TEXT
    reduced: bool = False

    @property
    def kv(self) -> bool:
        return FAMILIES[self.model].kv

    @property
    def size(self) -> TransformerSize:
        size = FAMILIES[self.model].size
        assert size is not None, self.model
        return TransformerSize(1, 2, 1, 96, size.guidance_embeds) if self.reduced else size

    @property
    def text_encoder(self) -> TextEncoderSize:
        size = FAMILIES[self.model].text_encoder
        assert size is not None, self.model
        if not self.reduced:
            return size
        return replace(size, layers=(1, 2, 3), depth=3, width=32, inner=64, heads=1, kv_heads=1, vocabulary=1400)

    @property
    def config(self) -> TransformerConfig:
        return config_of(self.size)

    @property
    def grid(self) -> tuple[int, int]:
        return (self.side // SIZE_MULTIPLE,) * 2

    @property
    def reference_grid(self) -> tuple[int, int]:
        return (self.reference_side // SIZE_MULTIPLE,) * 2

    @property
    def target_tokens(self) -> int:
        return self.grid[0] * self.grid[1]

    @property
    def reference_tokens(self) -> int:
        return self.references * self.reference_grid[0] * self.reference_grid[1]

    def operations(self) -> tuple[float, float]:
        """Floating point operations of one step: of matrix products, of attention. References of KV models are only
        attended to."""
        rows = self.target_tokens + self.text + (0 if self.kv else self.reference_tokens)
        keys = self.target_tokens + self.text + self.reference_tokens
        blocks = self.size.double + self.size.single
        return 26.0 * rows * self.size.width**2 * blocks, 4.0 * rows * keys * self.size.width * blocks

    def floor(self, products: float, fp8: bool = False) -> float:
        """Seconds of all steps at `products` bf16 operations per second; fp8 products take half the time."""
        multiply, attend = self.operations()
        return self.steps * (multiply / (2 if fp8 else 1) + attend) / products

    def tiny(self) -> Case:
        """The same case, small enough for a CPU."""
        return replace(self, side=64, steps=2, reference_side=64, text=16, reduced=True)

    def __str__(self) -> str:
        references = f", {self.references} references of {self.reference_side}²" if self.references else ""
        return f"{self.model.removeprefix('flux.2-')} {self.side}²{references}, {self.steps} steps"


KLEIN_4B = Case("flux.2-klein-4b", 1024, 4)
KLEIN_9B_KV = Case("flux.2-klein-9b-kv", 2048, 4, references=4)
DEV = Case("flux.2-dev", 1024, 20, references=3)
