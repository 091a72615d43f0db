"""The version of brandpress, as installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("brandpress")
except PackageNotFoundError:  # run from a checkout that isn't installed
    VERSION = "0+checkout"

TOOL = f"brandpress {VERSION}"
