"""The settings of a benchmark run, which every row gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.alternate import Log
from tests.bench.row import Row


@dataclass(frozen=True)
class Bench:
    """quick: tiny sizes, only to check that it runs. rounds: per row. selected: keys of the rows to measure. whole:
    diffusers renders every picture of a campaign in each round, not only some. nano: the folder or name of nano's
    checkpoint. folder: for files, deleted afterwards. log: called with progress lines."""

    quick: bool
    rounds: int
    selected: frozenset[str]
    whole: bool
    nano: str
    folder: Path
    log: Log


@dataclass(frozen=True)
class Family:
    """Rows that are measured together. keys: their names."""

    keys: tuple[str, ...]
    measure: Callable[[Bench], Iterable[Row]]
