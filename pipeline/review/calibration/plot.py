"""The drawing of a calibration: each subject's own scores and the others', with the threshold, as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from xml.sax.saxutils import escape

from brandpress.pipeline.review.calibration.calibrate import SubjectCalibration
from brandpress.pipeline.review.calibration.threshold import Calibrated
from brandpress.pipeline.review.measures.measure import Scale

OWN, OTHERS, LIMIT, INK, FAINT = "#1a7f5a", "#c2410c", "#1b1f23", "#1b1f23", "#57606a"
_NAME, _AXIS, _ROW, _TOP, _GAP = 190, 330, 34, 92, 40


def calibration_svg(brand: str, subjects: Sequence[SubjectCalibration], scales: Mapping[str, Scale]) -> str:
    """Returns the drawing: a row per subject, a column per measure; own scores above the line, others below it."""
    names = list(subjects[0].measures) if subjects else []
    width = _NAME + len(names) * (_AXIS + _GAP) + _GAP
    height = _TOP + _ROW * len(subjects) + 24
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text(20, 28, f"Calibration of {brand}", INK, size=18),
        _text(20, 48, "pictures of the subject", OWN),
        _text(170, 48, "pictures of others", OTHERS),
        _text(300, 48, "| threshold", LIMIT),
    ]
    for column, name in enumerate(names):
        left = _NAME + column * (_AXIS + _GAP)
        results = [one.measures[name] for one in subjects]
        values = [value for one in results for value in (*one.own, *one.others, one.threshold)]
        low, high = min(values), max(values)
        span = (high - low) or 1.0
        title = f"{name} ({scales[name].better} is better)"
        lines += [
            _text(left, _TOP - 22, title, INK),
            _text(left, _TOP - 6, f"{low:.3g}", FAINT),
            _text(left + _AXIS, _TOP - 6, f"{high:.3g}", FAINT, "end"),
        ]
        for row, result in enumerate(results):
            lines += _row(result, left, _TOP + row * _ROW + _ROW / 2, low, span)
    for row, one in enumerate(subjects):
        lines.append(_text(20, _TOP + row * _ROW + _ROW / 2 + 4, one.subject, INK))
    return "\n".join([*lines, "</svg>", ""])


def _row(result: Calibrated, left: float, middle: float, low: float, span: float) -> Iterator[str]:
    def x(value: float) -> float:
        return left + (value - low) / span * _AXIS

    yield f'<line x1="{left}" y1="{middle}" x2="{left + _AXIS}" y2="{middle}" stroke="#d8dee4"/>'
    for values, colour, offset in ((result.own, OWN, -5), (result.others, OTHERS, 5)):
        for value in values:
            yield f'<circle cx="{x(value):.1f}" cy="{middle + offset}" r="3" fill="{colour}" fill-opacity="0.45"/>'
    at = x(result.threshold)
    dashes = "" if result.separated else ' stroke-dasharray="3 2"'
    ends = f'x1="{at:.1f}" y1="{middle - 13}" x2="{at:.1f}" y2="{middle + 13}"'
    yield f'<line {ends} stroke="{LIMIT}" stroke-width="1.5"{dashes}/>'


def _text(x: float, y: float, text: str, colour: str, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x}" y="{y}" fill="{colour}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'
