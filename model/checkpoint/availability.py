"""Whether a model can be used on this machine, and the command that makes it available."""

from __future__ import annotations

import os
from dataclasses import dataclass

from brandpress.model.checkpoint.hub import cached, download_command
from brandpress.model.family import KEY_VARIABLE, Family


@dataclass(frozen=True, slots=True)
class Availability:
    """where: the folder of the weights, or why they are missing. command: makes the model available; None if it is."""

    available: bool
    where: str
    command: str | None = None


def availability(family: Family) -> Availability:
    """Returns whether the model can be used. Checks this machine only, without network access."""
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
