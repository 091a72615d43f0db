"""A variant: one picture to make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from brandpress.model.request import MAX_REFERENCE_PIXELS
from brandpress.model.sampling_params import SamplingParams
from brandpress.pipeline.spec.attributes import NO_ATTRIBUTES, Attributes, plain_attributes
from brandpress.pipeline.spec.output_name import EXTENSIONS

KEY_DIGITS = 16
"""How many digits of its render key an asset's name ends with."""

DESCRIPTIVE_FIELDS = ("axes", "attributes", "alt", "sku")
"""What a record says of its variant that decides no pixels, beside names."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference picture of a variant.

    role: the axis that it belongs to (product, character, style). file: the path as written in the brand spec; records
    show it. path: the absolute path. sha256: digest of the file. background: the colour, `#rrggbb`, that a transparent
    picture is flattened onto; None for opaque ones. max_pixels: the area that a larger picture is scaled down to.
    """

    role: str
    file: str
    path: Path
    sha256: str
    background: str | None = None
    max_pixels: int = MAX_REFERENCE_PIXELS

    @property
    def identity(self) -> str:
        """The digest for the render key: of the file, and of the background if there is one."""
        return self.sha256 if self.background is None else f"{self.sha256} on {self.background}"


@dataclass(frozen=True, slots=True)
class Variant(SamplingParams):
    """One picture to make: its name, everything that decides its pixels, and its render key.

    steps, guidance: None where a hosted model chooses them. reference_pixels: None where the model's own area applies.
    reuse: "approximate" only where it makes a difference. attributes: axis -> free fields of its value; they aren't
    part of the render key, and variants share them. alt: the alt text, "" for none; sku: the product's article number,
    "" for none; neither is part of the render key. Variants with the same render key share one picture."""

    name: str
    axes: dict[str, str]
    prompt: str
    references: tuple[Reference, ...]
    width: int
    height: int
    seed: int
    format: str
    render_key: str
    attributes: Attributes = field(default_factory=lambda: NO_ATTRIBUTES)
    alt: str = ""
    sku: str = ""

    def descriptive_fields(self) -> dict[str, Any]:
        """Returns what a record says of the variant that decides no pixels, as JSON has it, beside names."""
        values = (dict(self.axes), plain_attributes(self.attributes), self.alt, self.sku)
        return dict(zip(DESCRIPTIVE_FIELDS, values, strict=True))

    def is_described_by(self, record: Mapping[str, Any]) -> bool:
        """Whether a record, as JSON, has the descriptive fields that the variant has now. Empty ones aren't written."""
        return all(record.get(name, type(value)()) == value for name, value in self.descriptive_fields().items())

    @property
    def asset(self) -> str:
        """The asset's key below the campaign's folder: the output name, and the start of the render key."""
        return f"assets/{self.name}.{self.render_key[:KEY_DIGITS]}.{EXTENSIONS[self.format]}"

    @property
    def reference_set(self) -> tuple[str, ...]:
        """The digests of the references, in order. Variants with equal sets share the cost of encoding them."""
        return tuple(reference.sha256 for reference in self.references)
