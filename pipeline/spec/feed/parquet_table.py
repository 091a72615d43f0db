"""Reads Parquet with pyarrow, which the extra `feeds` installs."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, BinaryIO

from brandpress.pipeline.spec.feed.table import MAX_ROWS, BrokenFeedError, Columns, Row, Table, one_line

BATCH = 1_024  # rows
MAX_UNCOMPRESSED = 2 * 2**30  # bytes, as the file itself says


def read_parquet(file: BinaryIO) -> Table:
    """Returns the table in a Parquet file. Raises BrokenFeedError, or ImportError without pyarrow."""
    import pyarrow.parquet as pq

    try:
        parquet = pq.ParquetFile(file)
        metadata = parquet.metadata
        groups = [metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)]
    except Exception as error:  # pyarrow raises many kinds of errors for hostile files
        raise _broken(error) from None
    if metadata.num_rows > MAX_ROWS:
        raise BrokenFeedError(1, f"the feed has {metadata.num_rows:,} rows", f"allowed: at most {MAX_ROWS:,}")
    if sum(groups) > MAX_UNCOMPRESSED:
        raise BrokenFeedError(1, f"the feed has {sum(groups):,} bytes", f"allowed: at most {MAX_UNCOMPRESSED:,}")
    columns = Columns()
    columns.add_header(parquet.schema_arrow.names)
    return Table(columns, _rows(parquet))


def _rows(parquet: Any) -> Iterator[Row]:
    number = 0
    try:
        for batch in parquet.iter_batches(batch_size=BATCH, use_threads=False):
            cells = [column.to_pylist() for column in batch.columns]
            for values in zip(*cells, strict=True):
                number += 1
                yield Row(number, (None, *map(_value, values)))
    except GeneratorExit:
        raise
    except Exception as error:  # as above
        raise _broken(error, number + 1) from None


def _value(value: Any) -> Any:
    if isinstance(value, str | bool | int | float | None):
        return value if value != "" else None
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list | tuple):
        return tuple(map(_value, value))
    return value


def _broken(error: Exception, line: int = 1) -> BrokenFeedError:
    return BrokenFeedError(line, f"this isn't a readable Parquet file: {one_line(str(error))}", "write it again")
