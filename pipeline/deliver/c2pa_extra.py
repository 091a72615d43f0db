"""c2pa-python, which only signing and checking content credentials needs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from brandpress.model.errors import RequestError

MISSING = (
    "content credentials (C2PA) need the package c2pa-python, which isn't installed; run `pip install "
    '"brandpress[c2pa]"`, on all nodes'
)


class CredentialsError(RequestError):
    """Pictures can't be signed, or their credentials can't be checked. The message says why."""


def c2pa() -> Any:
    """Returns the module. Raises CredentialsError, which names the extra that brings it."""
    try:
        return importlib.import_module("c2pa")
    except ImportError:
        raise CredentialsError(MISSING) from None


def offline_context(settings: Mapping[str, Any]) -> Any:
    """Returns a context of c2pa-python that never uses the network.

    A file can name an address of its credentials, which c2pa-python requests by default: any address, whoever made the
    file. settings: those of the caller, by section. Raises CredentialsError if c2pa-python isn't installed.
    """
    library = c2pa()
    sections = {"version": 1, **settings, "verify": {"verify_after_sign": False, "remote_manifest_fetch": False}}
    return library.Context(library.Settings.from_dict(sections))
