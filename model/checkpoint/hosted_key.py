"""The API key of the hosted tiers. It's the only part of them that this machine has."""

from __future__ import annotations

import os

from brandpress.model.errors import HostedError
from brandpress.model.family import KEY_VARIABLE


def key_of_environment() -> str:
    """The account's key, from the environment. Raises HostedError if it is missing or malformed."""
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key:
        raise HostedError(
            f"{KEY_VARIABLE} isn't set; run `export {KEY_VARIABLE}=…` with a key from https://dashboard.bfl.ai"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise HostedError(
            f"{KEY_VARIABLE} contains a space, a line break or another character that keys don't have; set it again"
        )
    return key
