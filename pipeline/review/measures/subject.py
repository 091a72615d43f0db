"""Whether a picture shows its characters and products as their references do: their shape, and their colours."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from brandpress.pipeline.review.colours import ColourShare, difference, dominant_colours
from brandpress.pipeline.review.features.finder import Sighting, find, scene_map
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
MAX_TEMPLATES = 64
"""References whose templates are kept: about 9 MB for one of a megapixel."""
SEE_THROUGH = 12.0
"""CIEDE2000 difference up to which what is seen through a hole is taken for the scene behind it."""


@dataclass(frozen=True)
class SubjectLikeness:
    """`subject`: the mean cosine similarity of a subject's features and those of its best crop, 1 if they are equal.
    `colour`: how much the colours of the crop differ from the reference's, in CIEDE2000, weighted by area.

    The crop has the place, size and direction in which any of the references matches best. Where the reference may have
    holes through which the scene is seen, colours are compared with and without them, and the smaller difference
    counts. Both are likeness in a strict sense: a subject that turns its back or stands in coloured light differs.
    """

    network: FeatureNetwork
    _templates: OrderedDict[str, ReferenceTemplates] = field(default_factory=OrderedDict, repr=False, compare=False)
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    @property
    def scales(self) -> Mapping[str, Scale]:
        """Two scores per subject."""
        return {name: SCALES[name] for name in ("subject", "colour")}

    @property
    def identity(self) -> str:
        """Version 3, and the network."""
        return f"subject/3 {self.network.name}"

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
        """Returns the templates of a reference. Those of the last MAX_TEMPLATES references are kept."""
        with self._lock:
            known = self._templates.get(reference.sha256)
            if known is not None:
                self._templates.move_to_end(reference.sha256)
                return known
        computed = ReferenceTemplates.of(self.network, reference.picture)
        with self._lock:
            self._templates[reference.sha256] = computed
            while len(self._templates) > MAX_TEMPLATES:
                self._templates.popitem(last=False)
        return computed


def _scores(picture: Image.Image, subject: Subject, sighting: Sighting, cutouts: Sequence[Image.Image]) -> list[Score]:
    evidence = {
        "box": [round(edge, 4) for edge in sighting.box],
        "mirrored": sighting.mirrored,
        "reference": subject.references[sighting.reference].sha256,
    }
    crop = _Crop.of(picture, sighting)
    if len(cutouts) > 1 and not crop.shows_through_holes(cutouts, _colours_outside(picture, sighting)):
        cutouts = cutouts[:1]
    readings = [crop.colours(cutout) for cutout in cutouts]
    expected, shown = min(readings, key=lambda reading: colour_distance(*reading))
    colours = {
        "expected": [[one.colour, round(one.share, 3)] for one in expected],
        "shown": [[one.colour, round(one.share, 3)] for one in shown],
    }
    return [
        Score("subject", sighting.similarity, subject.label, evidence=evidence | {"vector": packed(sighting.vector)}),
        Score("colour", colour_distance(expected, shown), subject.label, evidence=evidence | colours),
    ]


@dataclass(frozen=True)
class _Crop:
    """The square of a picture where it shows a reference best, CROP_SIDE pixels a side.

    inside: the pixels that belong to the picture. mirrored: as the reference is shown.
    """

    pixels: Image.Image
    inside: NDArray[np.bool_]
    mirrored: bool

    @classmethod
    def of(cls, picture: Image.Image, sighting: Sighting) -> _Crop:
        size, box = (CROP_SIDE, CROP_SIDE), _pixel_box(picture, sighting)
        pixels, inside = (
            one.crop(box).resize(size, Image.Resampling.BOX) for one in (picture, Image.new("L", picture.size, 255))
        )
        return cls(pixels, np.asarray(inside) == 255, sighting.mirrored)

    def colours(self, cutout: Image.Image) -> tuple[tuple[ColourShare, ...], tuple[ColourShare, ...]]:
        """Returns the dominant colours of the reference and of the crop where it should show the reference."""
        mask = alpha_in_box(cutout, CROP_SIDE, self.mirrored) & self.inside
        opaque = np.asarray(cutout.getchannel("A")) > 127
        return (
            dominant_colours(cutout, COLOURS, _or_all(opaque)),
            dominant_colours(self.pixels, 2 * COLOURS, _or_all(mask)),
        )

    def shows_through_holes(self, cutouts: Sequence[Image.Image], scene: Sequence[ColourShare]) -> bool:
        """Whether the picture has colours of its scene where the reference may have holes. Otherwise these are painted,
        as a white shirt's fabric is on a white ground. cutouts: without holes, and with them."""
        covered, opaque = (alpha_in_box(cutout, CROP_SIDE, self.mirrored) for cutout in cutouts)
        holes = covered & ~opaque & self.inside
        if not holes.any() or not scene:
            return True
        return _distance(dominant_colours(self.pixels, COLOURS, holes), scene) <= SEE_THROUGH


def _colours_outside(picture: Image.Image, sighting: Sighting) -> tuple[ColourShare, ...]:
    """Returns the colours of a picture outside of the sighting's square; none if it fills the picture."""
    left, top, right, bottom = (max(0, edge) for edge in _pixel_box(picture, sighting))
    outside = np.ones((picture.height, picture.width), np.bool_)
    outside[top:bottom, left:right] = False
    return dominant_colours(picture, 2 * COLOURS, outside) if outside.any() else ()


def _pixel_box(picture: Image.Image, sighting: Sighting) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = sighting.box
    return round(x0 * picture.width), round(y0 * picture.height), round(x1 * picture.width), round(y1 * picture.height)


def _or_all(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Returns the mask, or one of all pixels if it's empty."""
    return mask if mask.any() else np.ones_like(mask)


def colour_distance(expected: Sequence[ColourShare], shown: Sequence[ColourShare]) -> float:
    """Returns the mean of two CIEDE2000 differences, weighted by shares: of each expected colour to the nearest shown
    one, and of each shown colour to the nearest expected one."""
    return (_distance(expected, shown) + _distance(shown, expected)) / 2


def _distance(colours: Sequence[ColourShare], others: Sequence[ColourShare]) -> float:
    """Returns the mean CIEDE2000 difference of each colour to the nearest other one, weighted by shares."""
    return sum(one.share * min(difference(one.colour, other.colour) for other in others) for one in colours)
