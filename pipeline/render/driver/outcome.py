"""The result of a run: counts, failures and cache use."""

from __future__ import annotations

from dataclasses import dataclass

from brandpress.model.errors import BrandpressError
from brandpress.pipeline.deliver.status import Failure
from brandpress.pipeline.render.driver.totals import CacheUse
from brandpress.pipeline.store.protocol import StoreError


class NothingRenderedError(BrandpressError):
    """No picture could be rendered; the message says why."""


class StoreBlockedError(StoreError):
    """The store rejected all writes. Pictures delivered before and the last manifest remain."""

    def __init__(self, cause: str, delivered: int, todo: int) -> None:
        super().__init__(f"{cause} ({delivered:,} of {todo:,} pictures were delivered before)", "store")
        self.delivered = delivered


@dataclass(frozen=True, slots=True)
class Outcome:
    """Counts of variants: planned = skipped (done before) + done + failed + held_back + left (not tried).

    failures: variants that failed in this run. held_back: quarantined variants, which weren't tried. manifest: key of
    the latest manifest, None if there is nothing to publish. withheld: key of a manifest that was written but isn't the
    latest, because the job's `publish:` policy asks for more pictures. seconds: duration of the whole run. cache: use
    per kind, over this run's pictures. outside_model: share of the workers' busy time spent outside the model, None if
    nothing was rendered. interrupted: a signal ended the run early. cost: the hosted tier's charge for this run's
    pictures, in its credits, None if unknown. ended_early: why the run ended before all variants were tried, if a cause
    that all of them share did it; None otherwise.
    """

    planned: int
    skipped: int
    done: int
    failed: int
    failures: tuple[Failure, ...]
    manifest: str | None
    uri: str
    seconds: float
    cache: dict[str, CacheUse]
    outside_model: float | None
    interrupted: bool
    cost: float | None = None
    held_back: tuple[Failure, ...] = ()
    withheld: str | None = None
    ended_early: str | None = None

    @property
    def left(self) -> int:
        """The number of variants that weren't tried; the next run tries them."""
        return self.planned - self.skipped - self.done - self.failed - len(self.held_back)
