"""Whether this machine can use a model right now, and what to do where it can't."""

from __future__ import annotations

import os
from dataclasses import dataclass

from brandpress.model.checkpoint.hub import cached, download_command
from brandpress.model.family import KEY_VARIABLE, Family


@dataclass(frozen=True, slots=True)
class Availability:
    """where: the folder of the weights, or why there is none. command: makes it available; None where it is."""

    available: bool
    where: str
    command: str | None = None


def availability(family: Family) -> Availability:
    """Looks at this machine only, never at the net."""
    if family.hosted:
        if os.environ.get(KEY_VARIABLE):
            return Availability(True, f"{KEY_VARIABLE} is set")
        return Availability(False, "needs a key", f"export {KEY_VARIABLE}=…")
    if family.hub is None:
        return Availability(True, "ships with brandpress")
    folder = cached(family.hub)
    if folder is None:
        return Availability(False, "not in the hub's cache", download_command(family.hub))
    return Availability(True, str(folder))
