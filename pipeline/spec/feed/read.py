"""Reads the feed of a brand spec's field, and reports what is wrong with it where it is: in the spec or in the feed."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from brandpress.pipeline.spec.document import Document
from brandpress.pipeline.spec.feed.feed_fields import FEED_NAMES, FeedFields, split_feed
from brandpress.pipeline.spec.feed.keys import KeyNames
from brandpress.pipeline.spec.feed.rows import FeedRow, FeedRows, read_rows
from brandpress.pipeline.spec.feed.source import open_feed
from brandpress.pipeline.spec.feed.table import BrokenFeedError, RowProblem
from brandpress.pipeline.spec.feed.use import FeedEntity, FeedUse, SkippedRow
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.problem import Problem, WrongValueError
from brandpress.pipeline.spec.remote import is_address
from brandpress.pipeline.spec.schema import validate_fields

MAX_REPORTED = 100
"""Bad rows that are reported one by one."""

MAX_SKIPPED = 1_000
"""Skipped rows that plans and manifests list."""


@dataclass(frozen=True)
class ReadFeed:
    """A feed whose rows were read. role_field: the brand spec's field. label: the feed's name in messages."""

    document: Document
    role_field: str
    fields: FeedFields
    label: str
    sha256: str
    rows: FeedRows
    warnings: tuple[Problem, ...]

    def pictures(self) -> Iterator[str]:
        """Yields the pictures of all rows."""
        return (file for row in self.rows.rows for file in row.entity.references)

    def finish(self, errors: Mapping[str, WrongValueError]) -> FinishedFeed:
        """Returns the entities, without the rows whose pictures have errors. errors: picture -> what is wrong."""
        good: dict[str, FeedEntity] = {}
        bad = list(self.rows.bad)
        for row in self.rows.rows:
            wrong = [file for file in row.entity.references if file in errors]
            name = self.rows.names.name(row.key)
            if wrong:
                bad += [(row.line, self._picture_problem(row, file, errors[file])) for file in wrong]
            elif name in good:
                what = f"{quote(row.key)} gets the name {quote(name)}, which another row has"
                bad.append((row.line, RowProblem(self.fields.key, what, "write another key")))
            else:
                good[name] = row.entity
        bad.sort(key=lambda one: (one[0], self.rows.columns.find(one[1].field) or 0))
        skips = self.fields.on_bad_row == "skip"
        use = FeedUse(
            field=self.role_field,
            file=self.fields.source,
            sha256=self.sha256,
            rows=self.rows.total,
            entities=len(good),
            skipped=len({line for line, _ in bad}) if skips else 0,
            skipped_rows=tuple(_skipped(*one) for one in bad[:MAX_SKIPPED]) if skips else (),
        )
        return FinishedFeed(
            good, use, () if skips else tuple(self._problems(bad)), self._warnings(bad if skips else [])
        )

    def _picture_problem(self, row: FeedRow, file: str, error: WrongValueError) -> RowProblem:
        columns = self.rows.columns
        written = self.fields.columns.get("references", ("references",))
        headings = (
            column
            for column in written
            if file.rpartition("/")[2] in str(row.entity.attributes.get(columns.names[columns.find(column) or 0], ""))
        )
        return RowProblem(next(headings, written[0]), error.what, error.allowed, error.suggestion)

    def _problems(self, bad: list[tuple[int, RowProblem]]) -> Iterator[Problem]:
        for line, problem in bad[:MAX_REPORTED]:
            column = self.rows.columns.find(problem.field) or 1
            yield Problem(
                self.label, line, column, problem.what, problem.allowed, problem.suggestion, problem.field or "row"
            )
        if len(bad) > MAX_REPORTED:
            more = f"{len(bad) - MAX_REPORTED:,} more mistakes, in {len({line for line, _ in bad}):,} rows in all"
            what = f"{self.role_field}.from: {quote(self.label)} has {more}"
            yield self.document.problem((self.role_field, "from"), what, "write on_bad_row: skip to leave them out")

    def _warnings(self, skipped: list[tuple[int, RowProblem]]) -> tuple[Problem, ...]:
        if not skipped:
            return self.warnings
        line, problem = skipped[0]
        first = f"{self.label}:{line}:{problem.field or 'row'}: {problem.what}"
        rows = len({line for line, _ in skipped})
        count = f"{rows:,} rows are skipped, first" if rows > 1 else "a row is skipped,"
        what = f"warning: {self.role_field}.from: {count} {first}"
        return (*self.warnings, self.document.problem((self.role_field, "from"), what))


@dataclass(frozen=True)
class FinishedFeed:
    """What a feed adds to a brand spec: name -> entity, its use, and its problems and warnings."""

    entities: Mapping[str, FeedEntity]
    use: FeedUse
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = field(default=())


def read_feed(document: Document, role_field: str, handwritten: Collection[str]) -> ReadFeed | list[Problem] | None:
    """Returns the feed under a brand spec's field, or what is wrong with it; None if it has no feed.

    handwritten: the names of the entities beside it.
    """
    data = document.data if isinstance(document.data, dict) else {}
    raw, _ = split_feed(data.get(role_field))
    if raw is None:
        return None
    inner = document.below(role_field, FEED_NAMES)
    valid = validate_fields(inner, FeedFields)
    if valid.problems:
        return list(valid.problems)
    fields = FeedFields.model_construct(**valid.values)
    label = fields.source if is_address(fields.source) else _label(document, fields.source)
    try:
        with open_feed(fields.source, document.path.parent) as source:
            table = source.table()
            rows = read_rows(
                table,
                fields,
                KeyNames(handwritten),
                needs_description=role_field != "styles",
                has_sku=role_field == "products",
                folder=source.folder,
            )
            warnings = tuple(Problem(label, 1, 1, f"warning: {note}") for note in table.warnings)
            return ReadFeed(document, role_field, fields, label, source.sha256, rows, warnings)
    except BrokenFeedError as error:
        return [Problem(label, error.line, 1, error.what, error.allowed)]
    except WrongValueError as error:
        located = error if error.at else error.below("from")
        return [document.wrong((role_field,), located.about(f"{role_field}.{located.at[0]}:"))]


def _label(document: Document, written: str) -> str:
    return os.path.normpath(Path(document.label).parent / written)


def _skipped(line: int, problem: RowProblem) -> SkippedRow:
    reason = Problem("", line, 1, problem.what, problem.allowed, problem.suggestion)
    return SkippedRow(line, problem.field, "; ".join(part for part in (reason.what, reason.allowed) if part))
