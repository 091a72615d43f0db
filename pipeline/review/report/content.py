"""What the report says, as values. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from brandpress.pipeline.deliver.manifest import Manifest
from brandpress.pipeline.plan.cost.prices import Prices
from brandpress.pipeline.review.figures import Figure, Outlier, figures, worst
from brandpress.pipeline.review.gate import Thresholds, limit_of
from brandpress.pipeline.review.measure_campaign import MeasuredPicture, by_measure
from brandpress.pipeline.review.measures.measure import Scale
from brandpress.pipeline.review.page.content import ReviewedPictures, verdict_reasons
from brandpress.pipeline.review.report.spending import Taken, taken

BINS = 24
MAX_CAUSES = 10


@dataclass(frozen=True)
class Histogram:
    """How one measure's values are distributed. edges: one more than counts. threshold: of all subjects, if they have
    the same."""

    measure: str
    scale: Scale
    counts: tuple[int, ...]
    edges: tuple[float, ...]
    threshold: float | None


@dataclass(frozen=True)
class WorstPicture:
    """One of the worst pictures, with its worst score."""

    outlier: Outlier
    sha256: str
    asset: str


@dataclass(frozen=True)
class Report:
    """A campaign's report.

    decisions: by kind, with `undecided`. verdicts: by outcome. reasons, gate_reasons, causes: how often reviewers, the
    gate and failures named each, the most frequent first.
    """

    manifest: Manifest
    pictures: int
    decisions: Mapping[str, int]
    reasons: tuple[tuple[str, int], ...]
    verdicts: Mapping[str, int]
    gate_reasons: tuple[tuple[str, int], ...]
    causes: tuple[tuple[str, int], ...]
    figures: tuple[Figure, ...]
    histograms: tuple[Histogram, ...]
    worst: tuple[WorstPicture, ...]
    taken: Taken
    scales: Mapping[str, Scale]


def report_of(
    reviewed: ReviewedPictures, failures: Sequence[Mapping[str, Any]], prices: Prices, count: int = 20
) -> Report:
    """Returns the report of a campaign's pictures. failures: the records of variants that failed. count: of the worst
    pictures, at most."""
    measured = tuple(
        MeasuredPicture(one["name"], one["asset"], one["sha256"], tuple(reviewed.scores.get(one["sha256"], ())))
        for one in reviewed.records
    )
    by_name = {one.name: one for one in measured}
    thresholds = {**reviewed.thresholds, **_gate_thresholds(reviewed)}
    scales = {name: scale for name, scale in reviewed.scales.items() if any(_has(one, name) for one in measured)}
    outliers = worst(measured, scales, thresholds, count)
    decisions = [reviewed.decisions.get(one["sha256"]) for one in reviewed.records]
    counts = Counter("undecided" if one is None else str(one.decision) for one in decisions)
    rejected = [one for one in reviewed.decisions.values() if one.decision == "rejected"]
    return Report(
        manifest=reviewed.manifest,
        pictures=len(reviewed.records),
        decisions={kind: counts[kind] for kind in ("approved", "picked", "rejected", "undecided")},
        reasons=_frequent(one.reason or "without a reason" for one in rejected),
        verdicts=_verdicts(reviewed),
        gate_reasons=_frequent(
            f"{reason['measure']}{' of ' + str(reason['subject']) if reason.get('subject') else ''}"
            for record in reviewed.records
            for reason in verdict_reasons(record)
        ),
        causes=_frequent(str(one.get("cause") or "unknown") for one in failures),
        figures=figures(measured, scales, thresholds),
        histograms=tuple(_histograms(measured, scales, thresholds)),
        worst=tuple(WorstPicture(one, by_name[one.name].sha256, by_name[one.name].asset) for one in outliers),
        taken=taken(reviewed.records, prices),
        scales=scales,
    )


def _has(picture: MeasuredPicture, measure: str) -> bool:
    return any(score.measure == measure and score.value is not None for score in picture.scores)


def _gate_thresholds(reviewed: ReviewedPictures) -> dict[tuple[str, str | None], float]:
    """Returns the thresholds that the gate's reasons name."""
    return {
        (reason["measure"], reason.get("subject")): float(reason["threshold"])
        for record in reviewed.records
        for reason in verdict_reasons(record)
        if isinstance(reason.get("threshold"), int | float)
    }


def _verdicts(reviewed: ReviewedPictures) -> dict[str, int]:
    """Returns outcome -> number of pictures; empty if the gate has judged none."""
    verdicts = (record.get("verdict") for record in reviewed.records)
    counts = Counter(str(one.get("outcome")) for one in verdicts if isinstance(one, Mapping))
    return {outcome: counts[outcome] for outcome in ("pass", "warn", "block")} if counts else {}


def _frequent(texts: Any) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(texts).items(), key=lambda one: (-one[1], one[0]))[:MAX_CAUSES])


def _histograms(
    measured: Sequence[MeasuredPicture], scales: Mapping[str, Scale], thresholds: Thresholds
) -> list[Histogram]:
    values: dict[str, list[float]] = {}
    limits: dict[str, set[float | None]] = {}
    for (measure, subject), scored in by_measure(measured).items():
        values.setdefault(measure, []).extend(score.value for _, score in scored if score.value is not None)
        limits.setdefault(measure, set()).add(limit_of(thresholds, measure, subject))
    histograms = []
    for measure, scale in scales.items():
        counts, edges = np.histogram(np.array(values[measure], np.float64), bins=BINS)
        own = limits[measure]
        threshold = next(iter(own)) if len(own) == 1 else None
        histograms.append(Histogram(measure, scale, tuple(map(int, counts)), tuple(map(float, edges)), threshold))
    return histograms
