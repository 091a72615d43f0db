"""Packages that only some measures need, and how to install them."""

from __future__ import annotations

import importlib
from typing import Any

from brandpress.model.errors import RequestError


class MissingPackageError(RequestError):
    """A measure needs a package that isn't installed; the message names the command that installs it."""


def require(module: str, measure: str, extra: str) -> Any:
    """Returns a module. Raises MissingPackageError, which names the `measure` and the `extra` that brings it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingPackageError(
            f"the measure {measure!r} needs the package {error.name or module}, which isn't installed; "
            f'run `pip install "brandpress[{extra}]"`, or leave it out with --only'
        ) from None
