"""A run with a quality gate, without Ray: the driver's rounds, the worker's loop, and a stand-in for the model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Event

from brandpress.pipeline.deliver.decided_plan import open_plan
from brandpress.pipeline.deliver.manifest import LATEST
from brandpress.pipeline.deliver.publication import Publication
from brandpress.pipeline.deliver.record import stamp_of
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.plan.diff import missing
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.driver.gate_rounds import GatedCounts, GateRounds, Rendered, gated_counts, kept_keys
from brandpress.pipeline.render.driver.picture_gate import GateOutcome, PictureGate
from brandpress.pipeline.render.driver.publishing import publish_index
from brandpress.pipeline.render.driver.run_results import RunResults
from brandpress.pipeline.render.events import Message, VariantRecorded
from brandpress.pipeline.render.worker.marking import Marking
from brandpress.pipeline.render.worker.render_loop import RenderLoop
from brandpress.pipeline.review.picture_gate import CampaignGate
from tests.campaigns import plan_of
from tests.stand_in import StandIn


@dataclass(frozen=True)
class GatedRun:
    """rendered: scene and seed of each picture, in the order of rendering. gated: what the gate did."""

    rendered: list[tuple[str, int]]
    gated: GatedCounts | None
    publication: Publication | None

    @property
    def counts(self) -> GatedCounts:
        """The counts of a job with a gate."""
        assert self.gated is not None
        return self.gated

    @property
    def gate(self) -> GateOutcome:
        return self.counts.outcome

    @property
    def manifest(self) -> str | None:
        """The key of the latest manifest, if the policy lets one be the latest."""
        latest = self.publication is not None and self.publication.latest
        return self.publication.published.pointer.manifest if self.publication and latest else None


def run_gated(job: Path, *, limit: int | None = None, gate: bool = True, order: int = 1) -> GatedRun:
    """Renders, judges and publishes a job. limit: the most pictures to render. gate: whether pictures are judged.
    order: -1 renders backwards, as a second worker would."""
    folder, plan = open_plan(plan_of(job))
    stamp = stamp_of(plan.model)
    latest = folder.stat(LATEST)
    index = read_index(folder, kept_keys(plan))
    results = RunResults(folder, stamp)
    judge: PictureGate | None = CampaignGate.of(plan) if gate else None
    rounds = GateRounds(judge, results, limit, None, lambda event: None)
    rendered: list[tuple[str, int]] = []

    def render(plan: Plan, todo: tuple[Variant, ...]) -> Rendered:
        def emit(message: Message) -> None:
            if isinstance(message, VariantRecorded):
                results.add(message.record)
                on_event(message)

        loop = RenderLoop(StandIn(), folder, stamp, emit, Event(), marking=Marking(plan.campaign.name))
        loop.render(todo[::order])
        loop.close()
        rendered.extend((variant.axes["scene"], variant.seed) for variant in todo[::order])
        return Rendered(plan, read_index(folder, kept_keys(plan), index.merged(results.done, results.others)))

    todo = tuple(missing(plan.variants, index.done.keys()))[:limit]
    with rounds.measuring_ahead(folder) as on_event:
        finished = rounds.run(folder, plan, index, todo, render, lambda: False)
    publication = publish_index(folder, finished.plan, stamp, finished.index, latest)
    return GatedRun(rendered, gated_counts(finished.plan, finished.index, results, rounds), publication)
