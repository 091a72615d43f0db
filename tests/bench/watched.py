"""Renders a campaign and records when the driver received its events."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.render.driver.run import render_campaign
from brandpress.pipeline.render.events import Event, VariantRecorded, WorkerLoaded
from brandpress.pipeline.render.worker.actor import RENDERER


@dataclass
class Watched:
    """Seconds on one clock. loaded: of each worker. recorded: of each variant. stages: seconds of each stage that the
    records contain, added up."""

    began: float = 0.0
    ended: float = 0.0
    loaded: list[float] = field(default_factory=list)
    recorded: list[float] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)

    def record(self, event: Event) -> None:
        if isinstance(event, WorkerLoaded):
            self.loaded.append(time.perf_counter())
        elif isinstance(event, VariantRecorded):
            self.recorded.append(time.perf_counter())
            for stage, seconds in event.record.timings.items():
                self.stages[stage] = self.stages.get(stage, 0.0) + seconds

    @property
    def rate(self) -> float:
        """Variants per second from the moment when all workers are loaded to the last record; from the first worker's
        where the work was over by then."""
        start = max(self.loaded)
        if start >= self.recorded[-1]:
            start = min(self.loaded)
        later = [moment for moment in self.recorded if moment > start]
        return len(later) / (later[-1] - start)


def watch(plan: Plan, workers: int, renderer: str = RENDERER) -> Watched:
    """Renders a plan without existing pictures. Raises RuntimeError if a variant fails."""
    watched = Watched(began=time.perf_counter())
    outcome = render_campaign(plan, workers=workers, on_event=watched.record, renderer=renderer)
    watched.ended = time.perf_counter()
    if outcome.failed or outcome.done != len(plan.variants):
        causes = "; ".join(failure.cause for failure in outcome.failures[:3])
        raise RuntimeError(f"{outcome.done} of {len(plan.variants)} variants are done: {causes}")
    return watched
