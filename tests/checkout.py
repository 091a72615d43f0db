"""Makes the package `brandpress` importable in a checkout where it isn't installed, with a folder of two symlinks.

python3 -m tests.checkout    makes build/checkout, for `PYTHONPATH=build/checkout python3 -m brandpress.…` and for mypy

An installed brandpress doesn't need it, because setuptools maps the packages to the folders.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINKS = ROOT / "build" / "checkout"


def make_links() -> None:
    """Makes the symlinks build/checkout/brandpress/model and …/pipeline."""
    package = LINKS / "brandpress"
    package.mkdir(parents=True, exist_ok=True)
    for name in ("model", "pipeline"):
        if not (package / name).is_symlink():
            (package / name).symlink_to(ROOT / name)


def make_importable() -> None:
    """Lets this process and its children import brandpress from the checkout, unless it is installed."""
    if find_spec("brandpress") is not None:
        return
    make_links()
    sys.path.insert(0, str(LINKS))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(LINKS), os.environ.get("PYTHONPATH"))))


if __name__ == "__main__":
    make_links()
