"""Names for the keys of a feed's rows: safe in file names and templates, without collisions, in any order of rows."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping
from functools import cached_property

from brandpress.pipeline.spec.fields import MAX_SLUG, slug_of

DIGITS = (8, 16, 32)
"""Of the key's digest, for names that would collide: the next number if names with the first still do."""


class KeyNames:
    """The names of all keys of a feed. Add every key, of unused rows as well, before asking for names: then a row keeps
    its name when `where` changes."""

    def __init__(self, taken: Collection[str] = ()) -> None:
        self._keys: dict[str, str | None] = dict.fromkeys(taken)  # name -> its only key; None if there are several
        self._colliding: list[str] = []  # all other keys

    def add(self, key: str) -> None:
        """Adds a key. Each key is added once."""
        name = slug_of(key)
        if name and name not in self._keys:
            self._keys[name] = key
            return
        other = self._keys.get(name)
        self._colliding += [key] if other is None else [other, key]
        self._keys[name] = None

    def name(self, key: str) -> str:
        """Returns the name of a key: derived from it, with the start of its digest if that isn't unique."""
        name = slug_of(key)
        return name if name and self._keys.get(name) == key else self._digest_names[key]

    @cached_property
    def _digest_names(self) -> Mapping[str, str]:
        """Key -> name of the keys whose own names aren't unique. Doesn't depend on the order of the keys."""
        names: dict[str, str] = {}
        taken = set(self._keys)
        colliding = self._colliding
        for digits in DIGITS:
            names |= {key: _with_digest(key, digits) for key in colliding}
            counts = Counter(names[key] for key in colliding)
            colliding = [key for key in colliding if counts[names[key]] > 1 or names[key] in taken]
            taken |= counts.keys()
        return names


def _with_digest(key: str, digits: int) -> str:
    digest = hashlib.sha256(key.encode()).hexdigest()[:digits]
    return f"{slug_of(key)[: MAX_SLUG - digits - 1].rstrip('-') or 'row'}-{digest}"
