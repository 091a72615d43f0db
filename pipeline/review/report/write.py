"""Reads what a report needs, and writes it as HTML or Markdown."""

from __future__ import annotations

from pathlib import Path

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.choose import reviewed_manifest
from brandpress.pipeline.deliver.manifest import read_fields
from brandpress.pipeline.plan.cost.prices import Prices
from brandpress.pipeline.review.page.content import ReviewedPictures
from brandpress.pipeline.review.page.thumbnails import webp, write_file
from brandpress.pipeline.review.report.content import Report, report_of
from brandpress.pipeline.review.report.html import report_html
from brandpress.pipeline.review.report.markdown import report_markdown
from brandpress.pipeline.spec.decode import PictureError
from brandpress.pipeline.store.protocol import Store, sha256_hex

SUFFIXES = (".html", ".md")


def default_file(campaign: str) -> Path:
    """Returns the file of a campaign's report, relative to the working directory."""
    return Path("out") / "report" / f"{campaign}.html"


def read_report(folder: Store, reviewed: ReviewedPictures, prices: Prices, count: int) -> Report:
    """Returns the report of a campaign. count: of the worst pictures, at most. Raises StoreError."""
    failures = list(read_fields(folder, reviewed_manifest(folder), "failures"))
    return report_of(reviewed, failures, prices, count)


def write_report(report: Report, file: Path, folder: Store) -> tuple[str, ...]:
    """Writes a report in the format of the file's suffix. Returns what is wrong with which of the worst pictures, whose
    thumbnails are part of HTML. Raises RequestError for another suffix, and StoreError."""
    if file.suffix.lower() not in SUFFIXES:
        raise RequestError(f"--out {file}: the suffix {file.suffix!r} is no format of reports; allowed: .html, .md")
    if file.suffix.lower() == ".md":
        write_file(file, report_markdown(report).encode("utf-8", "replace"))
        return ()
    thumbnails: dict[str, bytes] = {}
    broken = []
    for one in report.worst:
        data, where = folder.read(one.asset), f"{folder.uri}/{one.asset}"
        if data is None or sha256_hex(data) != one.sha256:
            broken.append(f"{where}: the picture {'is missing' if data is None else 'has changed'}")
            continue
        try:
            thumbnails[one.sha256] = webp(data)
        except PictureError:
            broken.append(f"{where}: the picture can't be read")
    write_file(file, report_html(report, thumbnails.get))
    return tuple(broken)
