"""The family's models as `brandpress models` tells of them: what each is, and whether this machine has it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from brandpress.model.checkpoint.availability import Availability, availability
from brandpress.model.checkpoint.hub import download
from brandpress.model.checkpoint.locate import NANO_FOLDER
from brandpress.model.errors import RequestError
from brandpress.model.family import FAMILIES, Family, Precision
from brandpress.pipeline.spec.messages import allowed, closest, quote

PRECISIONS: tuple[Precision, ...] = get_args(Precision)
TABLE_WIDTH = 190  # below it the cells would be broken apart: each model gets a few lines instead
NONE = "-"


def get_model(name: str) -> tuple[Path | None, str]:
    """The folder of a model's weights, downloaded if need be, and a note where there's nothing to download.

    Raises RequestError for a name that isn't the family's, CheckpointError for a download that failed.
    """
    family = FAMILIES.get(name)
    if family is None:
        meant = closest(name, FAMILIES)
        hint = f"; did you mean {meant}?" if meant else ""
        raise RequestError(f"--get: {quote(name)} is none of the family's models; {allowed(FAMILIES)}{hint}")
    found = availability(family)
    if family.hosted:
        needs = f"; it {found.where}: {found.command}" if found.command else ""
        return None, f"{name} is rendered by BFL, so there is nothing to download{needs}"
    if family.hub is None:
        return NANO_FOLDER, f"{name} ships with brandpress, so there is nothing to download"
    return download(family.hub), ""


def models_json() -> list[dict[str, Any]]:
    """The table as plain JSON values. bytes: of the transformer's weights, by precision; of a text encoder's, as far as
    they are loaded, in bf16. steps: by quality."""
    return [_json(family, availability(family)) for family in FAMILIES.values()]


def _json(family: Family, found: Availability) -> dict[str, Any]:
    size, encoder = family.size, family.text_encoder
    return {
        "name": family.name,
        "hub": family.hub,
        "endpoint": family.endpoint,
        "parameters": size and size.parameters,
        "bytes": size and {precision: size.weight_bytes(precision) for precision in PRECISIONS},
        "text_encoder": encoder
        and {
            "name": encoder.name,
            "layers": list(encoder.layers),
            "parameters": encoder.parameters,
            "bytes": 2 * encoder.parameters,
        },
        "steps": family.steps,
        "guidance": family.guidance,
        "max_references": family.max_references,
        "kv": family.kv,
        "distilled": family.distilled,
        "licence": family.licence,
        "commercial_use": family.commercial_use,
        "available": found.available,
        "where": found.where,
        "command": found.command,
    }


def show_models() -> None:
    """The table on a wide terminal; elsewhere a few lines for each model, that are never broken."""
    from rich.console import Console

    console = Console(markup=False, highlight=False, emoji=False)
    found = {family.name: availability(family) for family in FAMILIES.values()}
    if console.width >= TABLE_WIDTH:
        console.print(_table(found))
        return
    for index, family in enumerate(FAMILIES.values()):
        if index:
            print()
        for line in _lines(family, found[family.name]):
            print(line)
    sys.stdout.flush()


def _table(found: dict[str, Availability]) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("\nmodel", no_wrap=True)
    table.add_column("para-\nmeters", justify="right", no_wrap=True)
    table.add_column("transformer GB in\n" + " / ".join(PRECISIONS), justify="right", no_wrap=True)
    table.add_column("text encoder,\nits GB", justify="right", no_wrap=True)
    table.add_column("steps: preview\n/standard/final", justify="right", no_wrap=True)
    table.add_column("guid-\nance", justify="right")
    table.add_column("refe-\nrences", justify="right")
    table.add_column("\nlicence")
    table.add_column("commer-\ncial use")
    table.add_column("\non this machine", overflow="fold")
    for family in FAMILIES.values():
        size, encoder = family.size, family.text_encoder
        table.add_row(
            family.name,
            _parameters(family),
            " / ".join(_gb(size.weight_bytes(precision)) for precision in PRECISIONS) if size else NONE,
            f"{encoder.name} {_gb(2 * encoder.parameters):>5}" if encoder else NONE,
            _steps(family),
            _guidance(family),
            str(family.max_references),
            family.licence,
            "yes" if family.commercial_use else "no",
            found[family.name].command or _short(found[family.name].where),
        )
    return table


def _lines(family: Family, found: Availability) -> Iterator[str]:
    size, encoder = family.size, family.text_encoder
    yield f"{family.name}: {family.licence}{'' if family.commercial_use else ', not for commercial use'}"
    if size and encoder:
        sizes = ", ".join(f"{_gb(size.weight_bytes(precision))} {precision}" for precision in PRECISIONS)
        yield f"  {_parameters(family)} parameters; GB: {sizes}"
        yield f"  text encoder {encoder.name}; GB: {_gb(2 * encoder.parameters)} bf16"
    sampling = f"steps {_steps(family)} (preview/standard/final), " if family.steps else ""
    guidance = f"guidance {_guidance(family)}, " if family.guidance is not None else ""
    yield f"  {sampling}{guidance}up to {family.max_references} references"
    yield f"  {found.where}{f': {found.command}' if found.command else ''}"


def _parameters(family: Family) -> str:
    return f"{family.size.parameters / 1e9:.1f} B" if family.size else NONE


def _steps(family: Family) -> str:
    return "/".join(map(str, family.steps.values())) if family.steps else NONE


def _guidance(family: Family) -> str:
    return NONE if family.guidance is None else f"{family.guidance:g}"


def _gb(number: int) -> str:
    return f"{number / 1e9:.1f}"


def _short(path: str) -> str:
    home = f"{Path.home()}/"
    return f"~/{path.removeprefix(home)}" if path.startswith(home) else path
