"""Opens a feed's file, which is below its brand spec's folder or at an https address, and finds its format."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from brandpress.pipeline.spec.closest import most_similar
from brandpress.pipeline.spec.feed.csv_table import read_csv
from brandpress.pipeline.spec.feed.jsonl_table import read_jsonl
from brandpress.pipeline.spec.feed.parquet_table import read_parquet
from brandpress.pipeline.spec.feed.table import ReadTable, Table
from brandpress.pipeline.spec.feed.xlsx_table import read_xlsx
from brandpress.pipeline.spec.feed.xml_table import read_xml
from brandpress.pipeline.spec.messages import quote
from brandpress.pipeline.spec.picture import locate
from brandpress.pipeline.spec.problem import WrongValueError
from brandpress.pipeline.spec.regular_file import open_regular
from brandpress.pipeline.spec.remote import fetch, is_address
from brandpress.pipeline.spec.similar_path import similar_path

MAX_BYTES = 512 * 2**20
MAX_WORKBOOK_BYTES = 64 * 2**20
_PATH_RULE = "allowed: a path like feed.csv, below the brand spec's folder, or an https address"
_CHUNK = 1 << 20
_INSTALL = 'run: pip install "brandpress[feeds]"'


@dataclass(frozen=True, slots=True)
class FeedFormat:
    """A format of feeds. extra: the package that reads it, if it isn't always installed."""

    name: str
    read: ReadTable
    max_bytes: int = MAX_BYTES
    extra: str = ""


_CSV = FeedFormat("CSV", read_csv)
_JSONL = FeedFormat("JSON lines", read_jsonl)
_XML = FeedFormat("XML", read_xml)
FORMATS = {
    ".csv": _CSV, ".tsv": _CSV, ".txt": _CSV,
    ".jsonl": _JSONL, ".ndjson": _JSONL,
    ".parquet": FeedFormat("Parquet", read_parquet, extra="pyarrow"),
    ".xlsx": FeedFormat("a workbook", read_xlsx, MAX_WORKBOOK_BYTES, "openpyxl"),
    ".xml": _XML, ".rss": _XML, ".atom": _XML,
}  # fmt: skip
"""Ending of a feed's name -> its format."""


@dataclass(frozen=True, slots=True)
class FeedSource:
    """An open feed. folder: the one that its pictures' paths are relative to, below the brand spec's folder; "" for the
    brand spec's folder itself."""

    file: BinaryIO
    format: FeedFormat
    sha256: str
    folder: str

    def table(self) -> Table:
        """Starts to read the rows. Raises BrokenFeedError, or WrongValueError if a package is missing."""
        try:
            return self.format.read(self.file)
        except ImportError:
            what = f"reading {self.format.name} needs the package {self.format.extra}, which isn't installed"
            raise WrongValueError(what, _INSTALL) from None


@contextmanager
def open_feed(written: str, folder: Path) -> Iterator[FeedSource]:
    """Opens the feed that a brand spec in `folder` names. Raises WrongValueError."""
    feed_format = _format(written)
    path = fetch(written, feed_format.max_bytes) if is_address(written) else locate(written, folder, _PATH_RULE)
    parent = "" if is_address(written) else str(PurePosixPath(written).parent)
    with _opened(written, path, feed_format) as file:
        yield FeedSource(file, feed_format, _digest(file), "" if parent == "." else parent)


def _format(written: str) -> FeedFormat:
    ending = PurePosixPath(written).suffix.lower()
    if ending not in FORMATS:
        near = most_similar(ending, FORMATS)
        rule = f"allowed: {', '.join(FORMATS)}"
        raise WrongValueError(f"{quote(written)} isn't a feed that can be read", rule, near or "")
    return FORMATS[ending]


def _opened(written: str, path: Path, feed_format: FeedFormat) -> BinaryIO:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            what = "is a folder, not a file" if stat.S_ISDIR(status.st_mode) else "isn't a file"
            raise WrongValueError(f"{quote(written)} {what}", _PATH_RULE)
        if status.st_size > feed_format.max_bytes:
            rule = f"allowed: at most {feed_format.max_bytes // 2**20} MiB"
            raise WrongValueError(f"the feed {quote(written)} is {status.st_size:,} bytes long", rule)
        return open_regular(path)
    except (FileNotFoundError, NotADirectoryError):
        raise WrongValueError(f"there is no feed {quote(written)}", "", similar_path(written, path)) from None
    except OSError as error:
        raise WrongValueError(f"the feed {quote(written)} can't be read: {error.strerror or error}") from None


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
