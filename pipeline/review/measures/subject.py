"""Whether a picture shows its characters and products as their references do: their shape, and their colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from brandpress.pipeline.review.colours import ColourShare, difference, dominant_colours
from brandpress.pipeline.review.features.finder import Box, Sighting, find, scene_map
from brandpress.pipeline.review.features.network import FeatureNetwork
from brandpress.pipeline.review.features.template import ReferenceTemplates, alpha_in_box
from brandpress.pipeline.review.measures.measure import Scale
from brandpress.pipeline.review.measures.scales import SCALES
from brandpress.pipeline.review.sample import ReferencePicture, Sample, Subject
from brandpress.pipeline.review.score import Score
from brandpress.pipeline.review.vector import packed

COLOURS = 6
"""Dominant colours of a subject that are compared."""
CROP_SIDE = 128
"""Pixels of the crop whose colours are compared."""


@dataclass(frozen=True)
class SubjectLikeness:
    """`subject`: the mean cosine similarity of a subject's features and those of its best crop, 1 if they are equal.
    `colour`: how much the colours of the crop differ from the reference's, in CIEDE2000, weighted by area.

    The crop has the place, size and direction in which any of the references matches best. Where the reference may have
    holes, colours are compared with and without them, and the smaller difference counts. Both are likeness in a strict
    sense: a subject that turns its back, or that stands in coloured light, differs.
    """

    network: FeatureNetwork
    templates: dict[str, ReferenceTemplates] = field(default_factory=dict, repr=False, compare=False)

    @property
    def scales(self) -> Mapping[str, Scale]:
        """Two scores per subject."""
        return {name: SCALES[name] for name in ("subject", "colour")}

    @property
    def identity(self) -> str:
        """Version 2, and the network."""
        return f"subject/2 {self.network.name}"

    def inputs(self, sample: Sample) -> Any:
        """The digests of the references."""
        return [[one.label, [reference.sha256 for reference in one.references]] for one in sample.subjects]

    def __call__(self, sample: Sample) -> Sequence[Score]:
        """Returns two scores per subject, with the crop, the nearest reference's digest and the features."""
        if not sample.subjects:
            return [Score(name, None, reason="the variant has no character or product") for name in self.scales]
        scene = scene_map(self.network, sample.picture)
        scores = []
        for subject in sample.subjects:
            if not subject.references:
                reason = f"{subject.label} has no references"
                scores += [Score(name, None, subject.label, reason) for name in self.scales]
                continue
            references = [self.templates_of(reference) for reference in subject.references]
            sighting = find(scene, references)
            scores += _scores(sample.picture, subject, sighting, references[sighting.reference].cutouts)
        return scores

    def templates_of(self, reference: ReferencePicture) -> ReferenceTemplates:
        """Returns the templates of a reference, which are computed once per process."""
        if reference.sha256 not in self.templates:
            self.templates[reference.sha256] = ReferenceTemplates.of(self.network, reference.picture)
        return self.templates[reference.sha256]


def _scores(picture: Image.Image, subject: Subject, sighting: Sighting, cutouts: Sequence[Image.Image]) -> list[Score]:
    evidence = {
        "box": [round(edge, 4) for edge in sighting.box],
        "mirrored": sighting.mirrored,
        "reference": subject.references[sighting.reference].sha256,
    }
    readings = [_colours(picture, sighting.box, cutout, sighting.mirrored) for cutout in cutouts]
    expected, shown = min(readings, key=lambda reading: colour_distance(*reading))
    colours = {
        "expected": [[one.colour, round(one.share, 3)] for one in expected],
        "shown": [[one.colour, round(one.share, 3)] for one in shown],
    }
    return [
        Score("subject", sighting.similarity, subject.label, evidence=evidence | {"vector": packed(sighting.vector)}),
        Score("colour", colour_distance(expected, shown), subject.label, evidence=evidence | colours),
    ]


def _colours(
    picture: Image.Image, box: Box, cutout: Image.Image, mirrored: bool
) -> tuple[tuple[ColourShare, ...], tuple[ColourShare, ...]]:
    """Returns the dominant colours of the reference and of the crop where it should show the reference."""
    left, top, right, bottom = (
        round(edge * side) for edge, side in zip(box, (picture.width, picture.height) * 2, strict=True)
    )
    crop = picture.crop((left, top, right, bottom)).resize((CROP_SIDE, CROP_SIDE), Image.Resampling.BOX)
    inside = Image.new("L", picture.size, 255).crop((left, top, right, bottom)).resize(crop.size, Image.Resampling.BOX)
    mask = alpha_in_box(cutout, CROP_SIDE, mirrored) & (np.asarray(inside) == 255)
    opaque = np.asarray(cutout.getchannel("A")) > 127
    return dominant_colours(cutout, COLOURS, _or_all(opaque)), dominant_colours(crop, 2 * COLOURS, _or_all(mask))


def _or_all(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Returns the mask, or one of all pixels if it's empty."""
    return mask if mask.any() else np.ones_like(mask)


def colour_distance(expected: Sequence[ColourShare], shown: Sequence[ColourShare]) -> float:
    """Returns the mean of two CIEDE2000 differences, weighted by shares: of each expected colour to the nearest shown
    one, and of each shown colour to the nearest expected one."""
    missing = sum(one.share * min(difference(one.colour, other.colour) for other in shown) for one in expected)
    extra = sum(one.share * min(difference(one.colour, other.colour) for other in expected) for one in shown)
    return (missing + extra) / 2
