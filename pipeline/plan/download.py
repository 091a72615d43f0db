"""Downloads the weights of a model of the family."""

from __future__ import annotations

from pathlib import Path

from brandpress.model.checkpoint.availability import availability
from brandpress.model.checkpoint.hub import download
from brandpress.model.checkpoint.locate import NANO_FOLDER
from brandpress.model.errors import RequestError
from brandpress.model.family import FAMILIES
from brandpress.pipeline.spec.messages import allowed, closest, quote


def download_model(name: str) -> tuple[Path | None, str]:
    """Returns the folder of a model's weights, downloaded if necessary, and a note if there is nothing to download.

    Raises RequestError if the family has no such model, CheckpointError if the download fails.
    """
    family = FAMILIES.get(name)
    if family is None:
        suggestion = closest(name, FAMILIES)
        hint = f"; did you mean {suggestion}?" if suggestion else ""
        raise RequestError(f"--get: {quote(name)} is not a model of the family; {allowed(FAMILIES)}{hint}")
    if family.hosted:
        state = availability(family)
        needs = f"; it {state.where}: {state.command}" if state.command else ""
        return None, f"{name} is rendered by BFL, so there is nothing to download{needs}"
    if family.hub is None:
        return NANO_FOLDER, f"{name} ships with brandpress, so there is nothing to download"
    return download(family.hub), ""
