"""The output of `measure --json` and `calibrate --json`, as plain JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from brandpress.pipeline.review.figures import Figure, Outlier
from brandpress.pipeline.review.measure_campaign import MeasuredCampaign
from brandpress.pipeline.review.score import Score
from brandpress.pipeline.review.suite import Suite

SCHEMA = "brandpress.measures/1"


def measures_json(
    campaign: str,
    folder: str,
    measured: MeasuredCampaign,
    suite: Suite,
    rows: Sequence[Figure],
    outliers: Sequence[Outlier],
    warnings: Sequence[str],
) -> dict[str, Any]:
    """Returns all scores of a campaign, with their figures and the worst pictures. folder: the campaign's URI."""
    return {
        "schema": SCHEMA,
        "campaign": campaign,
        "folder": folder,
        "manifest": measured.manifest,
        "measures": {
            name: {"better": scale.better, "least": scale.least, "most": scale.most, "about": scale.about}
            for name, scale in suite.scales.items()
        },
        "not_installed": dict(suite.missing),
        "figures": [figure_json(row) for row in rows],
        "worst": [
            {
                "name": one.name,
                **_score(one.score),
                "threshold": None if one.threshold is None else round(one.threshold, 4),
                "deviations": round(one.badness, 2),
            }
            for one in outliers
        ],
        "pictures": [
            {
                "name": picture.name,
                "asset": picture.asset,
                "sha256": picture.sha256,
                "scores": [_score(score) for score in picture.scores if score.measure in suite.scales],
            }
            for picture in measured.pictures
        ],
        "broken": list(measured.broken),
        "warnings": list(warnings),
    }


def _score(score: Score) -> dict[str, Any]:
    """Returns a score without the features of its crop, which are only of use to brandpress."""
    values = score.to_json()
    values["evidence"].pop("vector", None)
    return values


def figure_json(row: Figure) -> dict[str, Any]:
    """Returns a figure as plain JSON values."""
    return {
        "measure": row.measure,
        "subject": row.subject,
        "count": row.count,
        "mean": round(row.mean, 4),
        "median": round(row.median, 4),
        "worst": round(row.worst, 4),
        "threshold": None if row.threshold is None else round(row.threshold, 4),
        "missed": row.missed,
    }
