"""c2pa-python, which only signing and checking content credentials needs."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from brandpress.model.errors import RequestError

MISSING = (
    "content credentials (C2PA) need the package c2pa-python, which isn't installed; run `pip install "
    '"brandpress[c2pa]"`, on all nodes'
)


class CredentialsError(RequestError):
    """Pictures can't be signed, or their credentials can't be checked. The message says why."""


def is_installed() -> bool:
    """Whether c2pa-python can be imported."""
    return importlib.util.find_spec("c2pa") is not None


def c2pa() -> Any:
    """Returns the module. Raises CredentialsError, which names the extra that brings it."""
    try:
        return importlib.import_module("c2pa")
    except ImportError:
        raise CredentialsError(MISSING) from None
