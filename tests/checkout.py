"""The package `brandpress` in a checkout where it isn't installed: a folder of two links.

python3 -m tests.checkout    makes build/checkout, for `PYTHONPATH=build/checkout python3 -m brandpress.…` and for mypy

An installed brandpress needs none of it: there setuptools maps the packages onto the folders.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINKS = ROOT / "build" / "checkout"


def link() -> None:
    """Makes the links build/checkout/brandpress/model and …/pipeline."""
    package = LINKS / "brandpress"
    package.mkdir(parents=True, exist_ok=True)
    for name in ("model", "pipeline"):
        if not (package / name).is_symlink():
            (package / name).symlink_to(ROOT / name)


def make_importable() -> None:
    """Lets this process and its children import brandpress from the checkout, unless it is installed."""
    if find_spec("brandpress") is not None:
        return
    link()
    sys.path.insert(0, str(LINKS))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(LINKS), os.environ.get("PYTHONPATH"))))


if __name__ == "__main__":
    link()
