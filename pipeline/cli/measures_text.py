"""The output of `measure` and `calibrate` as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from brandpress.pipeline.cli.text import first_lines, plural, printable
from brandpress.pipeline.review.calibration.calibrate import SubjectCalibration
from brandpress.pipeline.review.figures import Figure, Outlier
from brandpress.pipeline.review.measure_campaign import MeasuredCampaign
from brandpress.pipeline.review.measures.measure import Scale
from brandpress.pipeline.review.score import Score
from brandpress.pipeline.spec.quality_gate import CALIBRATABLE


def measures_lines(
    measured: MeasuredCampaign, scales: Mapping[str, Scale], rows: Sequence[Figure], outliers: Sequence[Outlier]
) -> Iterator[str]:
    """`measure`: a table of figures, then the worst pictures."""
    yield f"{plural(len(measured.pictures), 'picture')} of {measured.manifest}"
    header = ("measure", "subject", "scores", "mean", "median", "worst", "threshold", "missed")
    cells = [header, *map(_cells, rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for row in cells:
        columns = (
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(columns).rstrip()
    for name, scale in scales.items():
        yield f"{name}: {scale.about}; {scale.better} is better"
    if without := [name for name in CALIBRATABLE if any(row.measure == name and row.threshold is None for row in rows)]:
        yield f"no thresholds for {' and '.join(without)} of some subjects; `brandpress calibrate` computes them"
    if outliers:
        yield f"the worst {plural(len(outliers), 'picture')}:"
    for one in outliers:
        bound = "" if one.threshold is None else f", threshold {one.threshold:.3g}"
        yield printable(f"{one.name}: {_score(one.score)}{bound} ({one.badness:.1f} deviations)")


def _cells(row: Figure) -> tuple[str, ...]:
    numbers = (row.mean, row.median, row.worst)
    threshold = ("", "") if row.threshold is None else (f"{row.threshold:.3g}", f"{row.missed:,}")
    return (row.measure, row.subject or "", f"{row.count:,}", *(f"{number:.3g}" for number in numbers), *threshold)


def _score(score: Score) -> str:
    subject = f" of {score.subject}" if score.subject else ""
    value = "none" if score.value is None else f"{score.value:.3g}"
    return f"{score.measure}{subject} {value}{_evidence(score)}"


def _evidence(score: Score) -> str:
    """Returns the part of a score's evidence that says most to people."""
    if score.measure == "text":
        return "".join(f', asked "{one["asked"]}", read "{one["nearest"]}"' for one in score.evidence["copy"])
    if score.measure == "duplicate":
        return f" bits from {score.evidence['nearest']}"
    return ""


def unmeasured_lines(broken: Sequence[str]) -> Iterator[str]:
    """`measure`: the pictures that couldn't be measured, and their number."""
    yield from first_lines(broken)
    if broken:
        yield f"{plural(len(broken), 'picture')} not measured; `brandpress verify` checks all pictures"


def calibration_lines(results: Sequence[SubjectCalibration], path: Path, drawing: Path) -> Iterator[str]:
    """`calibrate`: each subject's thresholds, and the files."""
    for one in results:
        limits = (
            f"{name} {result.threshold:.3g}" + ("" if result.separated else " (overlaps with other subjects)")
            for name, result in one.measures.items()
        )
        yield f"{one.subject}: {', '.join(limits)}"
    yield f"thresholds: {path}"
    yield f"drawing: {drawing}"
