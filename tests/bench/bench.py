"""How a run of the benchmark goes: what every row is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.alternate import Say
from tests.bench.row import Row


@dataclass(frozen=True)
class Bench:
    """quick: small and few, to prove that it runs. rounds: of every row. wanted: the keys asked for. whole: diffusers
    renders every picture of a campaign in each round, not a share of them. nano: the folder or name of nano's
    checkpoint. folder: for files, gone afterwards. say: told of progress."""

    quick: bool
    rounds: int
    wanted: frozenset[str]
    whole: bool
    nano: str
    folder: Path
    say: Say


@dataclass(frozen=True)
class Family:
    """Rows that are measured together. keys: what they're called."""

    keys: tuple[str, ...]
    measure: Callable[[Bench], Iterable[Row]]
