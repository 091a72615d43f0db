"""The check's results as Markdown and as text."""

from __future__ import annotations

import json
from typing import Any

from tests.bench.row import Goal
from tests.gpu.document import as_markdown, as_text
from tests.gpu.figure import Figure, Section

SECTIONS = [
    Section(
        "klein",
        "Speed.",
        "done",
        3.0,
        [
            Figure("a picture", 0.25123456, "s", Goal(0.2, at_least=False), beside=0.5, note="twice"),
            Figure("another", 12345.0, "TFLOP/s", Goal(100)),
            Figure("attention, flash", "can't be run"),
        ],
        [("void kernel<128>", 12.345678, 7)],
    ),
    Section("dev", "Large.", "failed", 2.4, cause="Traceback:\n  somewhere\nRuntimeError: no such kernel\n"),
    Section("graphs", "Small.", cause="no time was left"),
]


def report(**changes: Any) -> dict[str, Any]:
    """Returns the contents of `results.json`."""
    machine = {"date": "2026-11-26", "device": "NVIDIA H100", "versions": {"torch": "2.11.0", "triton": "3.6.0"}}
    fields = {"machine": machine, "tiny": False, "sections": [section.as_json() for section in SECTIONS]}
    return dict(json.loads(json.dumps(fields | changes)))


def test_the_document_marks_missed_goals() -> None:
    text = as_markdown(report())
    assert "| a picture | 0.2512 s | ≤ 0.2: **missed** | 0.5 | twice |" in text
    assert "| another | 1.234e+04 TFLOP/s | ≥ 100 |  |  |" in text
    assert "| attention, flash | can't be run |  |  |  |" in text
    assert "| `void kernel<128>` | 12.35 | 7 |" in text
    assert text.count("**missed**") == 1


def test_the_document_says_why_a_section_did_not_finish() -> None:
    text = as_markdown(report())
    assert "**failed** after 2 s: RuntimeError: no such kernel" in text
    assert "**left out** after 0 s: no time was left" in text
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## The machine",
        "## klein",
        "## dev",
        "## graphs",
    ]


def test_the_document_names_the_machine() -> None:
    text = as_markdown(report(notes=["Measured twice."]))
    assert "- device: NVIDIA H100\n- versions: torch 2.11.0, triton 3.6.0\n- Measured twice.\n" in text
    assert "Small sizes on a CPU" not in text
    assert "**Small sizes on a CPU, whatever the titles say" in as_markdown(report(tiny=True))


def test_the_text_for_a_terminal_shows_figures_and_causes() -> None:
    text = as_text(SECTIONS[0])
    assert text.splitlines()[0].strip() == "== klein: done, 3 s"
    assert "  MISS a picture: 0.2512 s (goal ≤ 0.2) twice" in text
    assert "  ok   another: 1.234e+04 TFLOP/s (goal ≥ 100)" in text
    assert "RuntimeError: no such kernel" in as_text(SECTIONS[1])
