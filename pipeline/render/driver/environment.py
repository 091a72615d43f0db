"""Which environment variables workers inherit: secrets only if they need them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from brandpress.model.family import KEY_VARIABLE
from brandpress.pipeline.spec.delivery import SCHEMES, DeliveryAddress

_SECRET = re.compile(
    r"(?:^|_)(?:token|secrets?|password|passwd|passphrase|pass|credentials?|keys?|apikey|auth|dsn)(?:_|$)|(?:^|_)aws_",
    re.IGNORECASE,
)
_WITH_PASSWORD = re.compile(r"://[^/\s@]*:[^/\s@]+@")
_RAY_PREFIX = "RAY_"
_PROXY = re.compile(r"(?:^|_)proxy$", re.IGNORECASE)


def needed_secrets(address: DeliveryAddress, *, hosted: bool) -> tuple[str, ...]:
    """Returns the prefixes of secret variables that workers may inherit: the store's and, if `hosted`, the tier's."""
    return (*SCHEMES[address.scheme].secret_prefixes, *((KEY_VARIABLE,) if hosted else ()))


def secrets_in(environment: Iterable[tuple[str, str]], needed: tuple[str, ...]) -> set[str]:
    """Returns the names of variables that hold secrets, judged by their name or by a URL with a password.

    Excludes prefixes in `needed`, Ray's own variables and proxies.
    """
    return {
        name
        for name, value in environment
        if (_SECRET.search(name) or _WITH_PASSWORD.search(value))
        and not name.startswith((_RAY_PREFIX, *needed))
        and not _PROXY.search(name)
    }


@contextmanager
def hidden(names: Iterable[str]) -> Iterator[None]:
    """Removes these variables from the environment during the block, so that new processes don't inherit them."""
    removed = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(removed)
