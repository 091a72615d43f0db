"""One picture to make, as the plan hands it to the renderer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from brandpress.model.sampling_params import SamplingParams


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference picture of a variant. `role` is the axis it comes from (product, character, style), `file` the path
    as the brand spec writes it (what a record shows), `path` where it lies, `sha256` the digest of the file, and
    `background` the colour, `#rrggbb`, on which a transparent picture is laid (None: it's opaque)."""

    role: str
    file: str
    path: Path
    sha256: str
    background: str | None = None

    @property
    def identity(self) -> str:
        """What the model sees of it, for the render key."""
        return self.sha256 if self.background is None else f"{self.sha256} on {self.background}"


@dataclass(frozen=True, slots=True)
class Variant(SamplingParams):
    """One picture to make: its name, everything that decides its pixels, and its render key.

    steps, guidance: None where a hosted model chooses them. reference_pixels: None where the model's own area applies.
    reuse: "approximate" only where it makes a difference."""

    name: str
    axes: dict[str, str]
    prompt: str
    references: tuple[Reference, ...]
    width: int
    height: int
    seed: int
    format: str
    render_key: str

    @property
    def asset(self) -> str:
        """The asset's key below the campaign's folder: readable, and fingerprinted by the render key."""
        return f"assets/{self.name}.{self.render_key[:8]}.{EXTENSIONS[self.format]}"

    @property
    def reference_set(self) -> tuple[str, ...]:
        """The ordered digests of the references: variants with equal sets share their cost."""
        return tuple(reference.sha256 for reference in self.references)


EXTENSIONS = {"png": "png", "jpeg": "jpg", "webp": "webp"}
