"""The report as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from brandpress.pipeline.review.report.content import Histogram, Report
from brandpress.pipeline.review.report.text import (
    DEVICE_HEAD,
    FIGURE_HEAD,
    NO_SCORES,
    WORST_HEAD,
    count_tables,
    device_cells,
    figure_rows,
    headline,
    number,
    worst_rows,
)

_BARS = " ▁▂▃▄▅▆▇█"
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#@!~&])")


def report_markdown(report: Report) -> str:
    """Returns the report as GitHub's Markdown. Histograms are bars of text."""
    manifest = report.manifest
    lines = [
        f"# {text(manifest.campaign)}: report",
        "",
        f"{text(manifest.brand)} · {text(manifest.model.name)} · manifest {manifest.number} · "
        f"{manifest.created:%Y-%m-%d %H:%M} UTC",
        "",
        *(f"- **{text(value)}** {text(meaning)}" for value, meaning in headline(report)),
        "",
    ]
    if report.verdicts:
        lines += ["## Quality gate", "", *_table(("outcome", "pictures"), _counts(report.verdicts.items())), ""]
    lines += ["## Measures", ""]
    if report.figures:
        lines += [*_table(FIGURE_HEAD, figure_rows(report)), ""]
        lines += [*_table(("measure", "least", "distribution", "most", "better"), map(_bars, report.histograms)), ""]
        lines += [f"- {text(name)}: {text(scale.about)}" for name, scale in report.scales.items()]
        lines.append("")
    else:
        lines += [NO_SCORES, ""]
    if report.worst:
        lines += [f"## The worst {len(report.worst)}", "", *_table(WORST_HEAD, worst_rows(report)), ""]
    for title, rows in count_tables(report):
        lines += [f"## {title}", "", *_table(("reason", "pictures"), _counts(rows)), ""]
    lines += ["## Time and cost", ""]
    lines += [*_table(DEVICE_HEAD, (device_cells(one, report.taken) for one in report.taken.devices)), ""]
    return "\n".join(lines)


def text(value: str) -> str:
    """Returns text that Markdown shows as it is, in one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(value.split()))


def _bars(histogram: Histogram) -> tuple[str, ...]:
    most = max(histogram.counts)
    bars = "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] for count in histogram.counts)
    least, highest = number(histogram.edges[0]), number(histogram.edges[-1])
    return histogram.measure, least, bars.replace(" ", "·"), highest, histogram.scale.better


def _counts(rows: Iterable[tuple[str, int]]) -> Iterable[tuple[str, str]]:
    return ((name, f"{count:,}") for name, count in rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *([text(cell) for cell in row] for row in rows)]
    return ["| " + " | ".join(cells) + " |" for cells in lines]
