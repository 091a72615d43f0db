"""The folder of a user's caches."""

from __future__ import annotations

import os
from pathlib import Path


def user_cache() -> Path | None:
    """Returns the folder of brandpress's caches; None for a user without a home folder, who does without them."""
    base = os.environ.get("XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".cache") / "brandpress"
    except RuntimeError:  # no HOME, and no entry in the password database
        return None
