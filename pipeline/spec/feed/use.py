"""What a brand spec got from a feed: its entities, and the rows that were skipped."""

from __future__ import annotations

from dataclasses import dataclass

from brandpress.pipeline.spec.free_fields import FreeFields


@dataclass(frozen=True, slots=True)
class FeedEntity:
    """A product, character or style that comes from a row.

    attributes: the fields of the row, and its `key`: the original key, of which the entity's name is derived.
    """

    description: str | None
    references: tuple[str, ...]
    sku: str | None
    attributes: FreeFields


@dataclass(frozen=True, slots=True)
class SkippedRow:
    """A bad row that `on_bad_row: skip` left out. line: in the file, or the row's number. field: the column, "" for the
    whole row."""

    line: int
    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class FeedUse:
    """A feed that was read.

    field: of the brand spec, such as `products`. file: as the brand spec names it. sha256: of its bytes. rows: all of
    them. entities: how many of them became entities; the others don't match `where` or were skipped. skipped: how many;
    skipped_rows: the first of them.
    """

    field: str
    file: str
    sha256: str
    rows: int
    entities: int
    skipped: int = 0
    skipped_rows: tuple[SkippedRow, ...] = ()
