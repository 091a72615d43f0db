"""The figures as Markdown, between markers in docs/measures.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.bench.document import grid
from tests.bench.measures.evaluate import Scored
from tests.bench.measures.labelled import FAULTS, RIGHT
from tests.bench.measures.roc import GateFigures

START, END = "<!-- figures -->", "<!-- end of figures -->"


def figures_text(
    icon_set: str,
    scored: Sequence[Scored],
    table: Mapping[str, Mapping[str, float]],
    plain: Mapping[str, float],
    gate: GateFigures,
    shares: Mapping[str, float],
) -> str:
    """Returns the figures: ROC areas per measure and fault, those of the small sets, and the gate's."""
    counts = {label: sum(one.label == label for one in scored) for label in (RIGHT, *FAULTS)}
    rows = [
        (measure, *(f"{values[fault]:.3f}" if fault in values else "" for fault in FAULTS))
        for measure, values in table.items()
    ]
    return "\n".join(
        [
            f"{len(scored)} pictures of {icon_set}: {counts[RIGHT]} right, {len(scored) - counts[RIGHT]} with a fault.",
            "",
            *grid(("measure", *(f"{fault} ({counts[fault]})" for fault in FAULTS)), rows),
            "",
            *grid(plain, [[f"{value:.3f}" for value in plain.values()]]),
            "",
            f"The gate blocks {gate.blocked_faulty} faulty and {gate.blocked_right} right pictures, and passes "
            f"{gate.passed_faulty} faulty and {gate.passed_right} right ones: **precision {gate.precision:.3f}, "
            f"recall {gate.recall:.3f}**.",
            "",
            *grid(("label", "blocked"), [(label, f"{share:.1%}") for label, share in shares.items()]),
        ]
    )


def with_figures(document: str, figures: str) -> str:
    """Returns the document with these figures between its markers. Raises ValueError if it has none."""
    start, end = document.index(START) + len(START), document.index(END)
    return f"{document[:start]}\n{figures}\n{document[end:]}"
