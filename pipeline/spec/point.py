"""One point of a campaign's matrix, with one seed."""

from __future__ import annotations

from dataclasses import dataclass

from brandpress.pipeline.spec.size import Size


@dataclass(frozen=True, slots=True)
class Point:
    """Axis -> name, and what follows from it: the size, the rendered prompt and the rendered output name. Points of one
    combination share its `axes`."""

    axes: dict[str, str]
    seed: int
    size: Size
    prompt: str
    name: str
