"""How near a picture's colours are to the brand's palette."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from brandpress.pipeline.review.colours import dominant_colours, nearest
from brandpress.pipeline.review.measures.measure import Scale
from brandpress.pipeline.review.measures.scales import SCALES
from brandpress.pipeline.review.sample import Sample
from brandpress.pipeline.review.score import Score


@dataclass(frozen=True)
class Palette:
    """`palette`: the CIEDE2000 difference of the picture's dominant colours to the palette's nearest, weighted by area.

    0 if the picture has no other colours than the palette's.
    """

    colours: int = 8

    @property
    def scales(self) -> Mapping[str, Scale]:
        """One score per picture."""
        return {"palette": SCALES["palette"]}

    @property
    def identity(self) -> str:
        """Version 1."""
        return f"palette/1 ciede2000 {self.colours}"

    def inputs(self, sample: Sample) -> Any:
        """The palette."""
        return dict(sample.palette)

    def __call__(self, sample: Sample) -> Sequence[Score]:
        """Returns the score, with each dominant colour, its share, its nearest palette colour and the difference."""
        if not sample.palette:
            return [Score("palette", None, reason="the brand has no palette")]
        names = {colour: name for name, colour in sample.palette.items()}
        rows = []
        for one in dominant_colours(sample.picture, self.colours):
            colour, distance = nearest(one.colour, list(names))
            rows.append((one, names[colour], distance))
        value = sum(one.share * distance for one, _, distance in rows)
        evidence = [
            {"colour": one.colour, "share": round(one.share, 3), "nearest": name, "difference": round(distance, 1)}
            for one, name, distance in rows
        ]
        return [Score("palette", value, evidence={"colours": evidence})]
