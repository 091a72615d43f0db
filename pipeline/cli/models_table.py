"""The output of `models` on a terminal: the family, and whether this machine has each model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from brandpress.model.checkpoint.availability import Availability, availability
from brandpress.model.family import BLOCK_BYTES, FAMILIES, Family

TABLE_WIDTH = 190  # cells would wrap on a narrower terminal, where each model gets a few lines instead
NONE = "-"


def print_models() -> None:
    """Prints a table on a wide terminal, and a few unwrapped lines per model elsewhere."""
    from rich.console import Console

    console = Console(markup=False, highlight=False, emoji=False)
    states = {family.name: availability(family) for family in FAMILIES.values()}
    if console.width >= TABLE_WIDTH:
        console.print(_table(states))
        return
    for index, family in enumerate(FAMILIES.values()):
        if index:
            print()
        for line in _lines(family, states[family.name]):
            print(line)
    sys.stdout.flush()


def _table(states: dict[str, Availability]) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("\nmodel", no_wrap=True)
    table.add_column("para-\nmeters", justify="right", no_wrap=True)
    table.add_column("transformer GB in\n" + " / ".join(BLOCK_BYTES), justify="right", no_wrap=True)
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
            " / ".join(_gb(size.weight_bytes(precision)) for precision in BLOCK_BYTES) if size else NONE,
            f"{encoder.name} {_gb(2 * encoder.parameters):>5}" if encoder else NONE,
            _steps(family),
            _guidance(family),
            str(family.max_references),
            family.licence,
            "yes" if family.commercial_use else "no",
            states[family.name].command or _short(states[family.name].where),
        )
    return table


def _lines(family: Family, state: Availability) -> Iterator[str]:
    size, encoder = family.size, family.text_encoder
    yield f"{family.name}: {family.licence}{'' if family.commercial_use else ', not for commercial use'}"
    if size and encoder:
        sizes = ", ".join(f"{_gb(size.weight_bytes(precision))} {precision}" for precision in BLOCK_BYTES)
        yield f"  {_parameters(family)} parameters; GB: {sizes}"
        yield f"  text encoder {encoder.name}; GB: {_gb(2 * encoder.parameters)} bf16"
    sampling = f"steps {_steps(family)} (preview/standard/final), " if family.steps else ""
    guidance = f"guidance {_guidance(family)}, " if family.guidance is not None else ""
    yield f"  {sampling}{guidance}up to {family.max_references} references"
    yield f"  {state.where}{f': {state.command}' if state.command else ''}"


def _parameters(family: Family) -> str:
    return f"{family.size.parameters / 1e9:.1f} B" if family.size else NONE


def _steps(family: Family) -> str:
    return "/".join(map(str, family.steps.values())) if family.steps else NONE


def _guidance(family: Family) -> str:
    return NONE if family.guidance is None else f"{family.guidance:g}"


def _gb(number: int) -> str:
    return f"{number / 1e9:.1f}"


def _short(path: str) -> str:
    try:
        home = f"{Path.home()}/"
    except RuntimeError:  # no home folder
        return path
    return f"~/{path.removeprefix(home)}" if path.startswith(home) else path
