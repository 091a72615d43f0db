"""Scores of a campaign's pictures for people who review it: measured now, or as they are stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from brandpress.pipeline.review.calibration.file import calibration_path, read_calibration, usable_thresholds
from brandpress.pipeline.review.gate import Thresholds
from brandpress.pipeline.review.measure_campaign import measure_campaign
from brandpress.pipeline.review.score import Score
from brandpress.pipeline.review.score_cache import ScoreCache
from brandpress.pipeline.review.suite import load_suite
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.store.protocol import Store


@dataclass(frozen=True)
class FreshScores:
    """SHA-256 -> scores, and the thresholds of the brand's calibration that apply to them."""

    scores: Mapping[str, Sequence[Score]]
    thresholds: Thresholds = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def measure_now(
    folder: Store, campaign: Campaign, on_picture: Callable[[int, int], None] = lambda done, total: None
) -> FreshScores:
    """Measures the latest manifest's pictures with all measures whose packages are installed, as `measure` does.

    on_picture: called with the numbers of pictures done and of all. Raises StoreError.
    """
    suite = load_suite()
    thresholds: Thresholds = {}
    warnings = list(dict.fromkeys(suite.missing.values()))
    if suite.likeness is not None:
        stored = read_calibration(calibration_path(campaign.brand))
        usable = usable_thresholds(stored, campaign.brand, suite.likeness.identity)
        thresholds, warnings = usable.thresholds, [*warnings, *usable.warnings]
    cache = ScoreCache.of_user()
    measured = measure_campaign(folder, campaign.brand, suite.measures, suite.comparisons, cache, on_picture)
    scores = {
        picture.sha256: tuple(score for score in picture.scores if score.measure in suite.scales)
        for picture in measured.pictures
    }
    return FreshScores(scores, thresholds, tuple(warnings))
