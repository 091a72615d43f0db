"""Packages that only some measures need, and how to install them."""

from __future__ import annotations

import importlib
from typing import Any

from brandpress.model.errors import RequestError


class MissingPackageError(RequestError):
    """A measure needs a package that isn't installed; the message names the command that installs it. install: that
    command."""

    def __init__(self, measure: str, package: str, extra: str) -> None:
        self.measure, self.package = measure, package
        self.install = f'pip install "brandpress[{extra}]"'
        super().__init__(
            f"the measure {measure!r} needs the package {package}, which isn't installed; "
            f"run `{self.install}`, or leave it out with --only"
        )


def require(module: str, measure: str, extra: str) -> Any:
    """Returns a module. Raises MissingPackageError, which names the `measure` and the `extra` that brings it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingPackageError(measure, error.name or module, extra) from None
