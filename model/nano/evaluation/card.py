"""The table of the model card, from an evaluation's report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# label, goal, and the figures' places in the report; STEPS stands for the first number of steps
STEPS = "steps"
ROWS: tuple[tuple[str, str, tuple[tuple[str, ...], ...]], ...] = (
    (
        "stranger, natural wording: both found / apart / in order",
        "≥ .85 / ≥ .95",
        (("stranger", "pairs", "both found"), ("stranger", "pairs", "apart"), ("stranger", "pairs", "in order")),
    ),
    (
        "the same with photographed cut-outs",
        "≥ .70 / ≥ .90",
        (
            ("stranger", "photographs", "both found"),
            ("stranger", "photographs", "apart"),
            ("stranger", "photographs", "in order"),
        ),
    ),
    ("three / four subjects: all found", "≥ .6", (
        ("stranger", "three and four", "all found of three"), ("stranger", "three and four", "all found of four"),
    )),
    ("words on a sign read by OCR: exactly / character errors", "≥ .60", (
        ("stranger", "signs", "read exactly"), ("stranger", "signs", "character errors"),
    )),
    ("error of the ground's colour: white / hex", "", (
        ("stranger", "grounds", "white"), ("stranger", "grounds", "hex colours"),
    )),
    ("position with explicit words: seen / held out", "≥ .98", (
        ("seen", STEPS, "position"), ("held_out", STEPS, "position"),
    )),
    ("references exchanged, followed: seen / held out", "1.00", (("seen", "permuted"), ("held_out", "permuted"))),
    ("colour error: seen / held out", "≤ 7", (("seen", STEPS, "colour"), ("held_out", STEPS, "colour"))),
    ("retrieval: seen / held out", "≥ .95", (("seen", STEPS, "retrieval"), ("held_out", STEPS, "retrieval"))),
    ("scene in words, recognised", "≥ .95", (("in words", "scene"),)),
    ("natural captions of the drawn world, held out: both found / apart", "", (
        ("natural words", "held_out", "both found"), ("natural words", "held_out", "apart"),
    )),
)  # fmt: skip


def markdown(report: Mapping[str, Any]) -> str:
    """Returns the table; figures that weren't measured are dashes."""
    main_steps = next((name for name in report.get("seen", {}) if name.endswith(STEPS)), STEPS)
    lines = ["| | figure | goal |", "|---|---|---|"]
    for label, goal, places in ROWS:
        figures = [_figure(report, [main_steps if name == STEPS else name for name in place]) for place in places]
        lines.append(f"| {label} | {' / '.join(figures)} | {goal} |")
    return "\n".join(lines) + "\n"


def _figure(report: Mapping[str, Any], place: list[str]) -> str:
    value: Any = report
    for name in place:
        value = value.get(name) if isinstance(value, Mapping) else None
    if value is None:
        return "\u2013"
    return f"{value:.2f}" if value <= 1 else f"{value:.1f}"
