"""The report as one HTML file without a script: tables, histograms in SVG, and the worst pictures."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from html import escape
from importlib.resources import files

from brandpress.pipeline.review.report.content import Histogram, Report, WorstPicture
from brandpress.pipeline.review.report.text import (
    DEVICE_HEAD,
    FIGURE_HEAD,
    NO_SCORES,
    count_tables,
    device_cells,
    figure_rows,
    headline,
    number,
)

_WIDTH, _HEIGHT, _BASE = 320, 92, 74

Thumbnail = Callable[[str], bytes | None]
"""Returns the WebP file of the picture with this SHA-256; None if it has none."""


def report_html(report: Report, thumbnail: Thumbnail = lambda sha256: None) -> bytes:
    """Returns the document. It loads nothing: thumbnails are part of it."""
    manifest, style = report.manifest, _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    created = f"{manifest.created:%d %B %Y, %H:%M} UTC"
    facts = f"{manifest.brand} · {manifest.model.name} · manifest {manifest.number} · {created}"
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(manifest.campaign)} · report</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f"<header><h1>{escape(manifest.campaign)}</h1><p>{escape(facts)}</p></header>\n<main>\n",
        '<ul class="headline">',
        *(f"<li><b>{escape(value)}</b> {escape(meaning)}</li>" for value, meaning in headline(report)),
        "</ul>\n",
    ]
    if report.verdicts:
        rows = [(outcome, f"{count:,}") for outcome, count in report.verdicts.items()]
        parts += [_section("Quality gate", _table(("outcome", "pictures"), rows))]
    if report.figures:
        drawings = "".join(f"<figure>{_svg(one)}</figure>" for one in report.histograms)
        content = f'<div class="histograms">{drawings}</div>{_table(FIGURE_HEAD, figure_rows(report), "figures")}'
        parts += [_section("Measures", content)]
    else:
        parts += [_section("Measures", f"<p>{escape(NO_SCORES)}</p>")]
    if report.worst:
        pictures = "".join(_worst(one, thumbnail) for one in report.worst)
        parts += [_section(f"The worst {len(report.worst)}", f'<ol class="worst">{pictures}</ol>')]
    for title, counts in count_tables(report):
        parts += [_section(title, _table(("reason", "pictures"), ((name, f"{count:,}") for name, count in counts)))]
    devices = _table(DEVICE_HEAD, (device_cells(one, report.taken) for one in report.taken.devices))
    parts += [_section("Time and cost", devices), "</main>\n</body>\n</html>\n"]
    return "".join(parts).encode("utf-8", "replace")


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "") -> str:
    top = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    table = f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="table {kind}" tabindex="0">{table}</div>'


def _worst(one: WorstPicture, thumbnail: Thumbnail) -> str:
    data, outlier = thumbnail(one.sha256), one.outlier
    source = f"data:image/webp;base64,{base64.b64encode(data).decode()}" if data else ""
    image = f'<img src="{source}" alt="">' if source else '<span class="blank"></span>'
    subject = f" of {outlier.score.subject}" if outlier.score.subject else ""
    bound = "" if outlier.threshold is None else f", threshold {number(outlier.threshold)}"
    value = f"{outlier.score.measure}{subject} {number(outlier.score.value)}{bound}"
    return f"<li>{image}<b>{escape(outlier.name)}</b><span>{escape(value)}</span></li>"


def _svg(histogram: Histogram) -> str:
    """Returns the drawing of a histogram; the threshold is a dashed line."""
    title = f"{histogram.measure}, {histogram.scale.better} is better"
    parts = list(_bars(histogram))
    low, high = histogram.edges[0], histogram.edges[-1]
    if histogram.threshold is not None and low <= histogram.threshold <= high:
        x = (histogram.threshold - low) / ((high - low) or 1.0) * _WIDTH
        parts.append(f'<line class="limit" x1="{x:.1f}" y1="16" x2="{x:.1f}" y2="{_BASE}"/>')
    label = f"{title}: {sum(histogram.counts):,} scores from {number(low)} to {number(high)}"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">'
        f'<text x="0" y="11" class="name">{escape(title)}</text>{"".join(parts)}'
        f'<line x1="0" y1="{_BASE}" x2="{_WIDTH}" y2="{_BASE}" class="base"/>'
        f'<text x="0" y="{_HEIGHT - 4}">{number(low)}</text>'
        f'<text x="{_WIDTH}" y="{_HEIGHT - 4}" text-anchor="end">{number(high)}</text></svg>'
    )


def _bars(histogram: Histogram) -> Iterator[str]:
    most, step = max(histogram.counts), _WIDTH / len(histogram.counts)
    for at, count in enumerate(histogram.counts):
        if count:
            height = max(1.5, (_BASE - 20) * count / most)
            yield (
                f'<rect x="{at * step + 1:.1f}" y="{_BASE - height:.1f}" width="{step - 2:.1f}" height="{height:.1f}" '
                'rx="1.5"/>'
            )


@cache
def _style() -> str:
    return files(__package__).joinpath("report.css").read_text("utf-8")
