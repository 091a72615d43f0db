"""Writes the review page into a folder, or into the campaign's folder in the store."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote as percent_encoded

from brandpress.pipeline.review.page.content import PageSettings, ReviewedPictures, page_content
from brandpress.pipeline.review.page.document import page_html
from brandpress.pipeline.review.page.load import BrandContext, picture_sources, stored_size
from brandpress.pipeline.review.page.thumbnails import FOLDER, Thumbnails, write_file
from brandpress.pipeline.spec.delivery import FOLDER as LOCAL
from brandpress.pipeline.spec.delivery import DeliveryAddress
from brandpress.pipeline.spec.public_url import object_url
from brandpress.pipeline.store.overwrite import overwrite
from brandpress.pipeline.store.protocol import Store

INDEX = "index.html"
IN_STORE = "review/"
"""The part of a campaign's folder that holds its page."""
HTML = "text/html; charset=utf-8"
WEBP = "image/webp"
THREADS = 8
"""How many thumbnails are uploaded at the same time."""

OnPicture = Callable[[int, int], None]


def default_folder(campaign: str) -> Path:
    """Returns the folder of a campaign's page, relative to the working directory."""
    return Path("out") / "review" / campaign


def write_page(
    out: Path,
    folder: Store,
    reviewed: ReviewedPictures,
    context: BrandContext,
    settings: PageSettings,
    on_picture: OnPicture = lambda done, total: None,
) -> tuple[str, ...]:
    """Writes the page and the thumbnails that it lacks. Returns what is wrong with which pictures.

    on_picture: called with the numbers of thumbnails done and of all. Raises StoreError.
    """
    thumbnails = Thumbnails(out)
    sources = picture_sources(folder, reviewed.records, context.references, stored_size(reviewed.manifest))
    broken = thumbnails.make_all(sources, on_picture)
    write_file(out / INDEX, page_html(page_content(reviewed, settings)))
    return broken


def pictures_address(out: Path, address: DeliveryAddress, campaign: str, public_url: str | None) -> str | None:
    """Returns the address of a campaign's folder, with a slash at its end, for links in the page in `out`.

    It's below `public_url:`, or relative to the page for a local folder; None if there is none.
    """
    if public_url:
        return object_url(public_url, campaign, "")
    if address.scheme != LOCAL:
        return None
    target = Path(address.location).expanduser().absolute() / campaign
    return percent_encoded(Path(os.path.relpath(target, out.absolute())).as_posix()) + "/"


def upload_page(folder: Store, out: Path, reviewed: ReviewedPictures) -> str:
    """Writes the page into the campaign's folder and returns its key. Its pictures are linked relative to it.

    out: where the thumbnails are; those that the store has are left alone. Raises StoreError.
    """
    present = set(folder.list(f"{IN_STORE}{FOLDER}/"))
    thumbnails = Thumbnails(out)
    shown = (one["sha256"] for record in reviewed.records for one in (record, *(record.get("references") or ())))

    def upload(sha256: str) -> None:
        key, file = f"{IN_STORE}{FOLDER}/{sha256}.webp", thumbnails.file(sha256)
        if key not in present and file.exists():
            folder.create(key, file.read_bytes(), WEBP)

    with ThreadPoolExecutor(THREADS) as threads:
        for _ in threads.map(upload, dict.fromkeys(shown)):
            pass  # the first error ends it
    key, page = f"{IN_STORE}{INDEX}", page_html(page_content(reviewed, PageSettings("../")))
    overwrite(folder, key, page, HTML)
    return key
