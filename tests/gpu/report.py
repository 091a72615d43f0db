"""What a check has found out so far, on disk after each section."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.gpu.document import as_markdown
from tests.gpu.figure import Section

SAME = ("device", "python", "versions")
"""What of two machines is compared before their sections stand in one document."""


@dataclass
class Report:
    """results: the file with this run's sections. document: the tables, with the same as JSON beside them."""

    machine: dict[str, Any]
    tiny: bool
    results: Path
    document: Path
    sections: list[dict[str, Any]] = field(default_factory=list)
    kept: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def keep_others(self, keys: Sequence[str]) -> None:
        """Keep the document's sections of other keys, if they are of such a machine."""
        try:
            told = json.loads(self.document.with_suffix(".json").read_text())
        except (OSError, ValueError):
            return
        of_this_machine = all(told["machine"].get(name) == self.machine.get(name) for name in SAME)
        if of_this_machine and told["tiny"] == self.tiny:
            self.kept = [section for section in told["sections"] if section["key"] not in keys]
            self.notes = told.get("notes", []) if self.kept else []

    def add(self, section: Section) -> None:
        """Write what is known, with one section more."""
        self.sections.append(section.as_json())
        told = {"machine": self.machine, "tiny": self.tiny, "sections": self.sections}
        _write(self.results, json.dumps(told, indent=1) + "\n")
        whole = told | {"notes": self.notes, "sections": [*self.sections, *self.kept]}
        _write(self.document.with_suffix(".json"), json.dumps(whole, indent=1) + "\n")
        _write(self.document, as_markdown(whole))


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
