"""What a measure is: one protocol for measures of a picture, and one for those that compare a campaign's pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from brandpress.pipeline.review.sample import Sample
from brandpress.pipeline.review.score import Better, Score


@dataclass(frozen=True)
class Scale:
    """How to read a measure's values: which direction is better, the range, and what the number is.

    poor: a score beyond it is poor whatever the other pictures' are; None if only a comparison tells.
    """

    better: Better
    least: float
    most: float
    about: str
    poor: float | None = None


class Measure(Protocol):
    """A measure of single pictures. The same sample always gets the same scores."""

    @property
    def scales(self) -> Mapping[str, Scale]:
        """Name of each score that it computes -> its scale."""

    @property
    def identity(self) -> str:
        """Names the method, its version and its model. Scores of another identity aren't comparable."""

    def inputs(self, sample: Sample) -> Any:
        """Returns what decides the scores besides the picture's file, as JSON values, for caching."""

    def __call__(self, sample: Sample) -> Sequence[Score]:
        """Returns the scores of a sample. One that doesn't apply has no value and a reason."""


class Comparison(Protocol):
    """A measure that compares the pictures of a campaign by the evidence of another measure's scores."""

    @property
    def scales(self) -> Mapping[str, Scale]:
        """As in Measure."""

    @property
    def needs(self) -> str:
        """The measure whose scores it reads."""

    def __call__(self, scores: Mapping[str, Sequence[Score]]) -> Mapping[str, Sequence[Score]]:
        """Returns picture's name -> scores, from the picture's name -> scores of the measure `needs`."""
