"""Names for the keys of a feed's rows: safe in file names and templates, without collisions, in any order of rows."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

from brandpress.pipeline.spec.fields import MAX_SLUG, slug_of

DIGITS = 8
"""Of the key's digest, for names that would collide."""


class KeyNames:
    """The names of all keys of a feed. Add every key, of unused rows as well, before asking for names: then a row keeps
    its name when `where` changes."""

    def __init__(self, taken: Collection[str] = ()) -> None:
        self._keys: dict[str, str | None] = dict.fromkeys(taken)  # name -> its only key; None if there are several

    def add(self, key: str) -> None:
        """Adds a key. Each key is added once."""
        name = slug_of(key)
        self._keys[name] = key if name not in self._keys else None

    def name(self, key: str) -> str:
        """Returns the name of a key: derived from it, with the start of its digest if that isn't unique."""
        name = slug_of(key)
        if name and self._keys.get(name) == key:
            return name
        digest = hashlib.sha256(key.encode()).hexdigest()[:DIGITS]
        return f"{name[: MAX_SLUG - DIGITS - 1].rstrip('-') or 'row'}-{digest}"
