"""A file that leads a browser to the served page.

The page's address has a token. As an argument of a browser, every user of the machine could read it in the list of
processes; the file can only be read by its owner.
"""

from __future__ import annotations

import html
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PAGE = """<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={url}">
<title>brandpress review</title>
<a href="{url}">Review</a>
"""


@contextmanager
def redirect_file(url: str) -> Iterator[Path]:
    """Yields an HTML file that leads to `url`. Only its owner can read it, and it's deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="brandpress-review-") as folder:  # only its owner can enter it
        file = Path(folder) / "open.html"
        file.touch(mode=0o600)
        file.write_text(_PAGE.format(url=html.escape(url)), "utf-8")
        yield file
