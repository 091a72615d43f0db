"""The report of a check, written to disk after each section."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.gpu.document import as_markdown
from tests.gpu.figure import Section

SAME = ("device", "python", "versions")
"""The fields that must be equal for sections of two runs to share a document."""


@dataclass
class Report:
    """results: file for this run's sections. document: Markdown tables; the same as JSON is written next to them."""

    machine: dict[str, Any]
    tiny: bool
    results: Path
    document: Path
    sections: list[dict[str, Any]] = field(default_factory=list)
    other_sections: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def keep_others(self, keys: Sequence[str]) -> None:
        """Keep the document's sections with other keys if they were measured on the same kind of machine."""
        try:
            report = json.loads(self.document.with_suffix(".json").read_text())
        except (OSError, ValueError):
            return
        of_this_machine = all(report["machine"].get(name) == self.machine.get(name) for name in SAME)
        if of_this_machine and report["tiny"] == self.tiny:
            self.other_sections = [section for section in report["sections"] if section["key"] not in keys]
            self.notes = report.get("notes", []) if self.other_sections else []

    def add(self, section: Section) -> None:
        """Add a section, and write all files."""
        self.sections.append(section.as_json())
        report = {"machine": self.machine, "tiny": self.tiny, "sections": self.sections}
        _write(self.results, json.dumps(report, indent=1) + "\n")
        whole = report | {"notes": self.notes, "sections": [*self.sections, *self.other_sections]}
        _write(self.document.with_suffix(".json"), json.dumps(whole, indent=1) + "\n")
        _write(self.document, as_markdown(whole))


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
