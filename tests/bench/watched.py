"""Renders a campaign and records the times of its events."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.render.driver.run import render_campaign
from brandpress.pipeline.render.events import Event, VariantRecorded, WorkerLoaded
from brandpress.pipeline.render.worker.actor import RENDERER


@dataclass
class RunTimes:
    """The times at which the driver received a run's events, in seconds of `time.perf_counter()`.

    loaded: one per worker. recorded: one per variant. stages: the total seconds of each stage, from the records.
    """

    began: float = 0.0
    ended: float = 0.0
    loaded: list[float] = field(default_factory=list)
    recorded: list[float] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)

    def record(self, event: Event) -> None:
        """Adds an event."""
        if isinstance(event, WorkerLoaded):
            self.loaded.append(time.perf_counter())
        elif isinstance(event, VariantRecorded):
            self.recorded.append(time.perf_counter())
            for stage, seconds in event.record.timings.items():
                self.stages[stage] = self.stages.get(stage, 0.0) + seconds

    @property
    def rate(self) -> float:
        """Variants per second from the time all workers are loaded to the last record.

        Counted from the first worker's time if the last worker loaded after the last record.
        """
        start = max(self.loaded)
        if start >= self.recorded[-1]:
            start = min(self.loaded)
        counted = [time for time in self.recorded if time > start]
        return len(counted) / (counted[-1] - start)


def time_run(plan: Plan, workers: int, renderer: str = RENDERER) -> RunTimes:
    """Renders all variants of a plan and returns the run's times. Raises RuntimeError if a variant fails."""
    times = RunTimes(began=time.perf_counter())
    outcome = render_campaign(plan, workers=workers, on_event=times.record, renderer=renderer)
    times.ended = time.perf_counter()
    if outcome.failed or outcome.done != len(plan.variants):
        causes = "; ".join(failure.cause for failure in outcome.failures[:3])
        raise RuntimeError(f"{outcome.done} of {len(plan.variants)} variants are done: {causes}")
    return times
