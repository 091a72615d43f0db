"""The measures by name: which there are, and how they are loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from brandpress.model.errors import RequestError
from brandpress.pipeline.review.extras import MissingPackageError, require
from brandpress.pipeline.review.features.network import FeatureNetwork
from brandpress.pipeline.review.measures.duplicate import Duplicate, Fingerprint
from brandpress.pipeline.review.measures.ground import GroundAndFill
from brandpress.pipeline.review.measures.measure import Comparison, Measure, Scale
from brandpress.pipeline.review.measures.noise import Noise
from brandpress.pipeline.review.measures.palette import Palette
from brandpress.pipeline.review.measures.safe import Safe, load_detector
from brandpress.pipeline.review.measures.spread import Spread
from brandpress.pipeline.review.measures.subject import SubjectLikeness
from brandpress.pipeline.review.measures.text import Text, load_reader
from brandpress.pipeline.spec.messages import allowed, closest, quote

NAMES = ("noise", "palette", "ground", "fill", "text", "duplicate", "subject", "colour", "spread", "safe")
"""All measures, in the order of their output."""


@dataclass(frozen=True)
class Suite:
    """The measures that run. names: the scores that are wanted. missing: measure -> why it can't run here."""

    names: tuple[str, ...]
    measures: tuple[Measure, ...]
    comparisons: tuple[Comparison, ...]
    missing: Mapping[str, str]

    @property
    def scales(self) -> Mapping[str, Scale]:
        """Name -> scale of all wanted scores."""
        computed: tuple[Measure | Comparison, ...] = (*self.measures, *self.comparisons)
        own = {name: scale for one in computed for name, scale in one.scales.items()}
        return {name: own[name] for name in self.names if name in own}

    @property
    def likeness(self) -> SubjectLikeness | None:
        """The measure of subjects, if it runs."""
        return next((one for one in self.measures if isinstance(one, SubjectLikeness)), None)


def load_suite(only: Sequence[str] = (), features: Path | None = None) -> Suite:
    """Returns the measures with these names; without any, all whose packages are installed.

    features: a folder with the weights of a vision transformer; EfficientNet-lite0 by default. Raises RequestError for
    an unknown name or folder, and MissingPackageError if a named measure can't run.
    """
    for name in only:
        if name not in NAMES:
            near = closest(name, NAMES)
            hint = f"; did you mean {near}?" if near else ""
            raise RequestError(f"--only {name}: {quote(name)} isn't a measure; {allowed(NAMES)}{hint}")
    loaders: dict[tuple[str, ...], Callable[[], tuple[Measure, tuple[Comparison, ...]]]] = {
        ("noise",): lambda: (Noise(), ()),
        ("palette",): lambda: (_needing("coloraide", "palette", Palette()), ()),
        ("ground", "fill"): lambda: (_needing("scipy.ndimage", "ground", GroundAndFill()), ()),
        ("text",): lambda: (_needing("rapidfuzz", "text", Text(load_reader())), ()),
        ("duplicate",): lambda: (_needing("imagehash", "duplicate", Fingerprint()), (Duplicate(),)),
        ("subject", "colour", "spread"): lambda: (SubjectLikeness(load_network(features)), (Spread(),)),
        ("safe",): lambda: (Safe(load_detector()), ()),
    }
    measures: list[Measure] = []
    comparisons: list[Comparison] = []
    missing: dict[str, str] = {}
    for names, load in loaders.items():
        if only and not set(names) & set(only):
            continue
        try:
            measure, compared = load()
        except MissingPackageError as error:
            if only:
                raise
            missing |= dict.fromkeys(names, str(error))
            continue
        measures.append(measure)
        comparisons += [one for one in compared if not only or set(one.scales) & set(only)]
    names_run = tuple(name for name in NAMES if name not in missing and (not only or name in only))
    return Suite(names_run, tuple(measures), tuple(comparisons), missing)


def load_network(features: Path | None = None) -> FeatureNetwork:
    """Returns the network for `subject`. Raises MissingPackageError, and RequestError for a wrong folder."""
    require("scipy.ndimage", "subject", "review")
    require("coloraide", "colour", "review")
    if features is None:
        from brandpress.pipeline.review.features.efficientnet import EfficientNetLite

        return EfficientNetLite.load()
    from brandpress.pipeline.review.features.transformer import VisionTransformer

    return VisionTransformer.load(features)


def _needing(module: str, name: str, measure: Measure) -> Measure:
    """Returns the measure if its package can be imported. Raises MissingPackageError."""
    require(module, name, "review")
    return measure
