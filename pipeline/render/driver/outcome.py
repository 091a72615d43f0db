"""The result of a run: counts, failures and cache use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from brandpress.model.errors import BrandpressError
from brandpress.pipeline.deliver.status import Failure
from brandpress.pipeline.render.driver.picture_gate import GateOutcome
from brandpress.pipeline.render.driver.spending import Spent
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
    """Counts of pictures, which variants can share: planned = skipped (done before) + done + failed + held_back +
    not_selected + left + picked_out (another seed was picked) + dropped (by the quality gate).

    failures: variants that failed in this run. held_back: quarantined variants, which weren't tried. not_selected:
    variants that aren't done and that this run wasn't to render. left: those that it didn't come to. manifest: key of
    the latest manifest, None if there is nothing to publish. withheld: key of a manifest that was written but isn't the
    latest, because the job's `publish:` policy asks for more pictures. seconds: duration of the whole run. cache: use
    per kind, over this run's pictures. outside_model: share of the workers' busy time spent outside the model, None if
    nothing was rendered. interrupted: a signal ended the run early. cost: the hosted tier's charge for this run's
    pictures, in its credits, None if unknown. spent: time, pictures and money of this run. budget: its limits in words,
    None without any. stopped_by: "budget" if that left variants for the next run. ended_early: why the run ended before
    all variants were tried, if a cause that all of them share did it; None otherwise. gate: what the job's quality gate
    did; None without one.
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
    picked_out: int = 0
    spent: Spent | None = None
    budget: str | None = None
    stopped_by: Literal["budget"] | None = None
    not_selected: int = 0
    ended_early: str | None = None
    gate: GateOutcome | None = None

    @property
    def left(self) -> int:
        """The number of variants that weren't tried; the next run tries them."""
        tried = self.skipped + self.done + self.failed + len(self.held_back)
        dropped = self.gate.dropped if self.gate else 0
        return self.planned - self.picked_out - self.not_selected - tried - dropped
