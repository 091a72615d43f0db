"""The output of `report --json`, as plain JSON values."""

from __future__ import annotations

from typing import Any

from brandpress.pipeline.review.measures_json import figure_json
from brandpress.pipeline.review.report.content import Report

SCHEMA = "brandpress.report/1"


def report_json(report: Report, file: str, broken: list[str], warnings: list[str]) -> dict[str, Any]:
    """Returns the report's numbers. file: where the report was written."""
    return {
        "schema": SCHEMA,
        "campaign": report.manifest.campaign,
        "manifest": report.manifest.number,
        "file": file,
        "counts": report.manifest.counts.model_dump(mode="json"),
        "decisions": dict(report.decisions),
        "rejections": [{"reason": reason, "pictures": count} for reason, count in report.reasons],
        "verdicts": dict(report.verdicts),
        "gate_reasons": [{"reason": reason, "pictures": count} for reason, count in report.gate_reasons],
        "failures": [{"cause": cause, "variants": count} for cause, count in report.causes],
        "figures": [figure_json(row) for row in report.figures],
        "worst": [
            {
                "name": one.outlier.name,
                "sha256": one.sha256,
                "measure": one.outlier.score.measure,
                "subject": one.outlier.score.subject,
                "value": one.outlier.score.value,
                "threshold": one.outlier.threshold,
                "deviations": round(one.outlier.badness, 2),
            }
            for one in report.worst
        ],
        "devices": [
            {
                "device": one.device,
                "pictures": one.pictures,
                "seconds": round(one.seconds, 1),
                "median": round(one.median, 2),
                "money": None if one.money is None else round(one.money, 4),
                "credits": one.credits,
            }
            for one in report.taken.devices
        ],
        "money": None if report.taken.money is None else round(report.taken.money, 4),
        "currency": report.taken.currency,
        "broken": broken,
        "warnings": warnings,
    }
