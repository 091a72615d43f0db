"""Makes the package `brandpress` importable in a checkout where it isn't installed, with a folder of symlinks.

python3 -m tests.checkout    makes build/checkout, for `PYTHONPATH=build/checkout python3 -m brandpress.…`, for mypy and
                             for import-linter

An installed brandpress doesn't need it, because setuptools maps the packages to the folders.
"""

from __future__ import annotations

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINKS = ROOT / "build" / "checkout"
TARGETS = {"__init__.py": "pipeline/brandpress/__init__.py", "model": "model", "pipeline": "pipeline"}
"""What each entry of the package is in the repository."""


def make_links(root: Path = ROOT) -> None:
    """Makes build/checkout/brandpress in a checkout. The links are relative, so that they stay right if it is moved."""
    package = root / "build" / "checkout" / "brandpress"
    package.mkdir(parents=True, exist_ok=True)
    for name, target in TARGETS.items():
        link, relative = package / name, os.path.relpath(root.resolve() / target, package.resolve())
        if link.is_symlink() and str(link.readlink()) == relative:
            continue
        if link.is_dir() and not link.is_symlink():  # a copy that followed the links
            shutil.rmtree(link)
        temporary = package / f"{name}.{os.getpid()}"
        temporary.symlink_to(relative)
        temporary.replace(link)  # at once, because several processes may do this


def make_importable() -> None:
    """Lets this process and its children import brandpress from the checkout, unless it is installed."""
    spec = find_spec("brandpress")
    if spec is not None and spec.origin is not None:  # no namespace package, which any folder of that name makes
        return
    make_links()
    sys.path.insert(0, str(LINKS))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(LINKS), os.environ.get("PYTHONPATH"))))


if __name__ == "__main__":
    make_links()
