"""The sampling parameters that a caller may set. A new one is a field here, plus the code that uses it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

REUSES = ("exact", "approximate")

DEFAULT_REFERENCE_PIXELS = 1024 * 1024
"""The area that larger reference pictures are scaled down to, unless the model or the request sets another."""

ALWAYS_WRITTEN = frozenset({"steps", "guidance"})
"""Parameters that render keys and records always contain. The others are written only if they are set, so that adding a
parameter leaves existing keys and records unchanged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingParams:
    """How a picture is sampled. Requests, variants and render keys inherit these fields.

    - steps, guidance: None means the default of the checkpoint's family.
    - negative_prompt: what guidance leads away from; for models that aren't distilled.
    - reference_pixels: the area that larger references are scaled down to; None means the model's default, usually
      1024x1024.
    - upsample: rewrite the prompt first with the model's own language model, if it has one.
    - reuse: "exact" computes everything that would change the picture. "approximate" reuses the keys and values of
      references from an earlier step and skips some steps of a long schedule (see `inference.step_cache`).
    """

    steps: int | None = None
    guidance: float | None = None
    negative_prompt: str = ""
    reference_pixels: int | None = None
    upsample: bool = False
    reuse: str = "exact"

    def sampling_values(self) -> dict[str, Any]:
        """Returns the sampling parameters keyed by name, without the fields that a subclass adds."""
        return {name: getattr(self, name) for name in _NAMES}


_NAMES = tuple(field.name for field in fields(SamplingParams))

ADDED_LATER = tuple(name for name in _NAMES if name not in ALWAYS_WRITTEN)
"""Parameters that are written only if they are set."""
