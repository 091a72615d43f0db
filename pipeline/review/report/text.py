"""Numbers of a report as people read them."""

from __future__ import annotations

from collections.abc import Iterator

from brandpress.pipeline.review.report.content import Report
from brandpress.pipeline.review.report.spending import DeviceTime, Taken


def number(value: float | None) -> str:
    """`0.123`, and `-` for none."""
    return "-" if value is None else f"{value:.3g}"


def duration(seconds: float) -> str:
    """`7.2 s`, `3 min 12 s`, `2 h 5 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def money(amount: float | None, currency: str) -> str:
    """`4.20 USD`, and `-` for none."""
    return "-" if amount is None else f"{amount:,.2f} {currency}"


def headline(report: Report) -> list[tuple[str, str]]:
    """Returns the numbers that the report begins with: value, meaning."""
    counts, decisions = report.manifest.counts, report.decisions
    rows = [
        (f"{counts.done:,} of {counts.planned:,}", "pictures done"),
        (f"{decisions['approved'] + decisions['picked']:,}", "approved"),
        (f"{decisions['rejected']:,}", "rejected"),
        (f"{decisions['undecided']:,}", "to decide"),
    ]
    if report.verdicts:
        rows.append((f"{report.verdicts['block']:,}", "blocked by the quality gate"))
    if counts.failed:
        rows.append((f"{counts.failed:,}", "failed"))
    rows.append((duration(report.taken.seconds), "in the model"))
    if report.taken.money is not None:
        rows.append((money(report.taken.money, report.taken.currency), f"at prices of {report.taken.as_of}"))
    return rows


def device_cells(one: DeviceTime, taken: Taken) -> tuple[str, ...]:
    """Returns the cells of a device's row: device, pictures, time, median, money."""
    charged = f" ({one.credits:,.0f} credits)" if one.credits else ""
    amount = money(one.money, taken.currency) + charged
    return one.device, f"{one.pictures:,}", duration(one.seconds), duration(one.median), amount


DEVICE_HEAD = ("device", "pictures", "time in the model", "median", "cost")
FIGURE_HEAD = ("measure", "subject", "scores", "mean", "median", "worst", "threshold", "missed")
WORST_HEAD = ("picture", "measure", "value", "threshold", "deviations")


def figure_rows(report: Report) -> Iterator[tuple[str, ...]]:
    """Yields the rows of the table of figures."""
    for row in report.figures:
        missed = "-" if row.threshold is None else f"{row.missed:,}"
        values = (row.mean, row.median, row.worst, row.threshold)
        yield row.measure, row.subject or "all", f"{row.count:,}", *map(number, values), missed


def worst_rows(report: Report) -> Iterator[tuple[str, ...]]:
    """Yields the rows of the worst pictures."""
    for one in report.worst:
        outlier = one.outlier
        subject = f" of {outlier.score.subject}" if outlier.score.subject else ""
        cells = (number(outlier.score.value), number(outlier.threshold), f"{outlier.badness:.1f}")
        yield outlier.name, f"{outlier.score.measure}{subject}", *cells


def count_tables(report: Report) -> list[tuple[str, tuple[tuple[str, int], ...]]]:
    """Returns title and rows of the tables of counts that have rows."""
    tables = [
        ("Why pictures were rejected", report.reasons),
        ("What the quality gate found", report.gate_reasons),
        ("Why variants failed", report.causes),
    ]
    return [(title, rows) for title, rows in tables if rows]


NO_SCORES = "No scores are stored yet; run this command with --measure to measure the pictures now."
