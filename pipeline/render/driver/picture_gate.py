"""The quality gate as the driver sees it: something that judges pictures. `pipeline/review` has the one that does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from brandpress.pipeline.deliver.record import Record
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.store.protocol import Store


class PictureGate(Protocol):
    """Judges delivered pictures, and stores the verdicts in the campaign's folder."""

    def measuring_ahead(self, folder: Store) -> AbstractContextManager[Callable[[Record], None]]:
        """Yields a function that has a delivered picture measured in the background, so that judging it takes no time.

        What hasn't begun when the block ends is dropped, and measured by `judge`.
        """

    def judge(
        self,
        folder: Store,
        plan: Plan,
        done: Mapping[str, bytes],
        stopping: Callable[[], bool] = lambda: False,
        on_picture: Callable[[int, int], None] = lambda done, total: None,
    ) -> int:
        """Judges the pictures of a decided plan that have no verdict yet, and returns their number.

        done: lines of records by render key. stopping: asked before each picture; what has been judged is stored.
        on_picture: called with the numbers of pictures judged and to judge. A picture that can't be read isn't judged.
        Raises StoreError.
        """


@dataclass(frozen=True, slots=True)
class GateOutcome:
    """What a quality gate did in a run. Pictures are counted as variants share them.

    judged: pictures that were measured and judged in this run. retried: pictures that were rendered in this run and
    gave way to another seed or a better attempt. warned, flagged, dropped, failed: of all variants, how many are
    published with a warning, published although they're blocked, left out, and counted as failed. unchecked: how many
    are rendered and not judged. review: how many pictures people should look at. seconds: of the run, spent judging.
    """

    judged: int
    retried: int
    warned: int
    flagged: int
    dropped: int
    failed: int
    unchecked: int
    review: int
    seconds: float
