"""Near-duplicates in a campaign, by the perceptual hashes of its pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from brandpress.pipeline.review.extras import require
from brandpress.pipeline.review.measures.measure import Scale
from brandpress.pipeline.review.measures.scales import SCALES
from brandpress.pipeline.review.sample import Sample
from brandpress.pipeline.review.score import Score

BITS = 64
_ROWS = 256
"""Pictures that are compared with all others at a time, which bounds the memory."""


@dataclass(frozen=True)
class Fingerprint:
    """`fingerprint`: the picture's perceptual hash, as evidence; it has no value of its own."""

    @property
    def scales(self) -> Mapping[str, Scale]:
        """Only a basis of comparisons."""
        return {}

    @property
    def identity(self) -> str:
        """Version 1."""
        return "fingerprint/1 phash 64"

    def inputs(self, sample: Sample) -> Any:
        """Nothing but the picture."""
        return None

    def __call__(self, sample: Sample) -> Sequence[Score]:
        """Returns the score with the hash of 64 bits in hex. Raises MissingPackageError without imagehash."""
        text = str(require("imagehash", "duplicate", "review").phash(sample.picture))
        return [Score("fingerprint", None, reason="compared within the campaign", evidence={"hash": text})]


@dataclass(frozen=True)
class Duplicate:
    """`duplicate`: the number of bits, of 64, in which the hash differs from that of the nearest other picture."""

    @property
    def scales(self) -> Mapping[str, Scale]:
        """One score per picture."""
        return {"duplicate": SCALES["duplicate"]}

    @property
    def needs(self) -> str:
        """The hashes."""
        return "fingerprint"

    def __call__(self, scores: Mapping[str, Sequence[Score]]) -> Mapping[str, Sequence[Score]]:
        """Returns picture -> its score, with the nearest other picture's name."""
        names = [name for name, own in scores.items() if own]
        if len(names) < 2:
            return {name: [Score("duplicate", None, reason="the campaign has no other picture")] for name in names}
        hashes = np.array([list(bytes.fromhex(scores[name][0].evidence["hash"])) for name in names], np.uint8)
        signs = 2 * np.unpackbits(hashes, axis=1).astype(np.float32) - 1
        result: dict[str, Sequence[Score]] = {}
        for first in range(0, len(names), _ROWS):
            distances = (BITS - signs[first : first + _ROWS] @ signs.T) / 2
            for row, bits in enumerate(distances):
                bits[first + row] = BITS + 1
                other = int(bits.argmin())
                evidence = {"nearest": names[other]}
                result[names[first + row]] = [Score("duplicate", float(bits[other]), evidence=evidence)]
        return result
