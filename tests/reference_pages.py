"""The pages of the reference, docs/reference.md and docs/reference/: their sections, tables and examples."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
INDEX = ROOT / "docs" / "reference.md"
PAGES = (INDEX, *sorted((ROOT / "docs" / "reference").glob("*.md")))

Step = str
ITEM: Step = "[]"
"""The step from a list to its items in a path such as `files[].line`."""


@dataclass(frozen=True)
class Example:
    """A fenced block. info: the words behind the fence, such as `yaml campaign`."""

    page: Path
    line: int
    info: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.stem}:{self.line}"


@dataclass(frozen=True)
class Table:
    """A table: the cells of its header and of its rows."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Section:
    """A heading of a page with everything below it, up to the next heading of its level."""

    page: str
    heading: str
    text: str

    def __str__(self) -> str:
        return f"docs/{'' if self.page == INDEX.name else 'reference/'}{self.page}, section '{self.heading}'"

    def rows(self, column: str) -> dict[str, tuple[str, ...]]:
        """Returns name -> row of the tables whose first column has this header. A row can have several names."""
        tables = [table for table in tables_of(self.text) if table.header[0] == column]
        return {name: row for table in tables for row in table.rows for name in code_in(row[0])}


def section(page: str, heading: str) -> Section:
    """Returns a section of a page, which is named by its file. Raises AssertionError if it doesn't exist."""
    text = next(file for file in PAGES if file.name == page).read_text()
    start = re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)
    assert start is not None, f"{page} has no section '{heading}'"
    end = re.compile(rf"^#{{1,{len(start[1])}}} ", re.MULTILINE).search(_without_fences(text), start.end())
    return Section(page, heading, text[start.end() : end.start() if end else len(text)])


def tables_of(text: str) -> Iterator[Table]:
    """Yields the tables of a text."""
    for block in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        header, _, *rows = [_cells(line) for line in block.splitlines()]
        yield Table(header, tuple(rows))


def code_in(text: str) -> list[str]:
    """Returns what a text has in code formatting."""
    return [span.strip() for _, span in re.findall(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", text)]


def examples() -> list[Example]:
    """Returns the fenced blocks of all pages."""
    return [
        Example(page, text.count("\n", 0, fence.start()) + 1, fence[1], fence[2])
        for page in PAGES
        for text in [page.read_text()]
        for fence in re.finditer(r"^```(\S[^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


def steps_of(path: str) -> tuple[Step, ...]:
    """Returns the steps of a path as tables write it: `files[].line` -> files, [], line."""
    return tuple(step for part in path.split(".") for step in re.findall(r"\[\]|[^\[\]]+", part))


def covers(documented: tuple[Step, ...], path: tuple[Step, ...]) -> bool:
    """Whether a documented path is this one. `<…>` stands for any key, and at the end also for everything below."""
    if documented and documented[-1].startswith("<") and len(path) > len(documented):
        path = path[: len(documented)]
    return len(documented) == len(path) and all(
        one == other or one.startswith("<") for one, other in zip(documented, path, strict=True)
    )


def paths_of(value: object, path: tuple[Step, ...] = ()) -> Iterator[tuple[Step, ...]]:
    """Yields the paths of everything in a value of JSON or YAML, containers included."""
    if path and path[-1] != ITEM:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths_of(inner, (*path, key))
    elif isinstance(value, list):
        for inner in value:
            yield from paths_of(inner, (*path, ITEM))


def joined(path: tuple[Step, ...]) -> str:
    """Returns a path as tables write it."""
    return ".".join(path).replace("." + ITEM, ITEM)


def _cells(line: str) -> tuple[str, ...]:
    cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
    return tuple(cell.strip().replace("\\|", "|") for cell in cells)


def _without_fences(text: str) -> str:
    """Returns the text with fenced blocks blanked, so that comments in them are no headings."""
    return re.sub(r"^```.*?^```$", lambda block: re.sub("#", " ", block[0]), text, flags=re.MULTILINE | re.DOTALL)
