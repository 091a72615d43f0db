"""A benchmark's rows as a table and as JSON."""

from __future__ import annotations

import platform
import statistics
from collections.abc import Sequence
from typing import Any

import diffusers
import torch
from rich.table import Table

from tests.bench.alternate import Row


def table(rows: Sequence[Row]) -> Table:
    made = Table(title=f"ours against diffusers {diffusers.__version__}, {torch.get_num_threads()} threads")
    made.add_column("what")
    for column in ("ours", "diffusers", "times faster", "spread", "result"):
        made.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        made.add_row(
            row.name,
            f"{statistics.median(row.ours):.3f} s",
            f"{statistics.median(row.theirs):.3f} s",
            f"{row.ratio:.2f}",
            f"{min(row.ratios):.2f} to {max(row.ratios):.2f}",
            f"equal ({row.difference:.2g})" if row.equal else f"DIFFERS ({row.difference:.2g})",
        )
    return made


def as_json(rows: Sequence[Row], rounds: int, quick: bool) -> dict[str, Any]:
    host = {
        "machine": platform.machine(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
        "threads": torch.get_num_threads(),
    }
    return {"quick": quick, "rounds": rounds, "host": host, "rows": [row.as_json() for row in rows]}
