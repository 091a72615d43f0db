"""One round of a run: workers are started on Ray, render variants, and are stopped again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from brandpress.pipeline.deliver.lease import RunLease
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.render.driver.cluster import (
    autoscaler_request,
    current_resources,
    free_amount,
    ray_resources,
)
from brandpress.pipeline.render.driver.cluster_watch import ClusterWatch
from brandpress.pipeline.render.driver.deadlines import Deadlines
from brandpress.pipeline.render.driver.dispatcher import HOSTED_GROUP, LARGEST_GROUP, OFFLOAD_GROUP, Dispatcher
from brandpress.pipeline.render.driver.driver_loop import DriverLoop
from brandpress.pipeline.render.driver.environment import needed_secrets
from brandpress.pipeline.render.driver.interrupt import StopSignal
from brandpress.pipeline.render.driver.outcome import StoreBlockedError
from brandpress.pipeline.render.driver.placement import cpu_warning, demand_of, gpu_threads, wants_gpus
from brandpress.pipeline.render.driver.pool_size import pool_size, threads_per_worker
from brandpress.pipeline.render.driver.preflight import preflight
from brandpress.pipeline.render.driver.run_results import RunResults
from brandpress.pipeline.render.driver.shared_cause import SharedCause
from brandpress.pipeline.render.driver.spending import Spending
from brandpress.pipeline.render.driver.warmup_cost import warmup_cost
from brandpress.pipeline.render.events import OnEvent, Warned, WorkersStarting
from brandpress.pipeline.render.worker.actor import WorkerSettings
from brandpress.pipeline.render.worker.preflight import Preflight
from brandpress.pipeline.store.protocol import Entry, Store, StoreError

if TYPE_CHECKING:
    from brandpress.pipeline.plan.expand import Plan


@dataclass(frozen=True, slots=True)
class RunContext:
    """What the rounds of one run share. unfinished: records of variants that aren't done, as they were listed when the
    round's records were read. only: render keys of the variants that may be rendered; None: all."""

    plan: Plan
    folder: Store
    results: RunResults
    stop: StopSignal
    on_event: OnEvent
    join: bool
    resource_timeout: float
    unfinished: Mapping[str, Entry]
    spending: Spending
    only: Set[str] | None


def render_round(
    run: RunContext,
    todo: Sequence[Variant],
    suspects: Set[str],
    more: Callable[[], tuple[Variant, ...]],
    *,
    settings: WorkerSettings,
    workers: int | None,
    deadline: float | None,
) -> DriverLoop:
    """Starts Ray and workers, has `todo` rendered, and stops them again. Returns the loop, which says how it ended.

    suspects: render keys of variants that may kill workers. more: called when all is rendered; returns further
    variants. workers, deadline: see `render_campaign`.
    """
    model = run.plan.model
    for warning in run.folder.check():
        run.on_event(Warned(warning))
    settings = replace(settings, dialect=run.folder.dialect)
    needed = needed_secrets(settings.address, hosted=model.hosted, signing=settings.signing)
    with (
        _writable_token(run, todo) as preflight,
        RunLease(run.folder, join=run.join, known=run.unfinished) as lease,
        ray_resources(workers, needed) as resources,
        ExitStack() as stack,
    ):
        from brandpress.pipeline.render.driver.worker_pool import WorkerPool

        run.stop.listen()
        gpus = wants_gpus(model, resources, cpu=settings.use_cpu)
        if (slow := cpu_warning(model, resources, cpu=settings.use_cpu)) is not None:
            run.on_event(Warned(slow))
        resources = resources if gpus else replace(resources, gpus=0)
        size = pool_size(workers, resources, len(todo), settings.per_gpu, elastic=gpus and resources.shared)
        settings = replace(settings, workers=size, per_gpu=settings.per_gpu if gpus else 0, preflight=preflight)
        if gpus and resources.shared:
            threads = gpu_threads(resources.machines, settings.per_gpu)
        else:
            threads = 1 if model.hosted else threads_per_worker(size, resources)
        settings = replace(settings, threads=threads)
        demand = demand_of(resources.machines, per_gpu=settings.per_gpu, threads=threads)
        run.on_event(WorkersStarting(size, gpus, settings.threads, resources.dashboard, max(1, settings.per_gpu)))
        if resources.shared and gpus and size > resources.gpus * settings.per_gpu:
            stack.enter_context(autoscaler_request(demand, size))
        if not gpus and not model.hosted:
            run.spending.use_cpu()
        share = 1 / max(1, settings.per_gpu) if gpus else 1 / (1 if resources.shared else size)
        grows = gpus and resources.shared and workers is None
        worker_pool = WorkerPool(settings, demand)
        # The language model that rewrites prompts displaces the rest of the model, so rewriting offloads as well.
        rewrites = any(variant.upsample for variant in todo)
        dispatcher = Dispatcher(
            todo[::-1] if run.join else todo,  # runs that share the work meet in the middle
            max(size, 2) if grows else size,  # a single worker would be given everything, and none be left for others
            HOSTED_GROUP if model.hosted else OFFLOAD_GROUP if rewrites else LARGEST_GROUP,
            mixed=model.hosted or rewrites,
            warmup_cost=partial(warmup_cost, model=model),
            suspects=suspects,
            maybe_delivered=(variant.render_key for variant in todo) if lease.took_over else (),
        )
        loop = DriverLoop(
            worker_pool,
            dispatcher,
            run.results,
            Deadlines(deadline),
            run.on_event,
            compiles=settings.compile,
            gpus=max(resources.gpus, size) if gpus else 0,
            per_gpu=max(1, settings.per_gpu),
            recorded=lambda: lease.recorded,
            broken_model="try again later"
            if model.hosted
            else f"the weights of {model.name} are broken: download them again, or check their quantisation and LoRAs",
            watch=ClusterWatch(
                demand,
                current_resources,
                free_amount,
                grows=grows,
                timeout=run.resource_timeout,
            ),
            preflight=preflight,
            check_together=len(resources.nodes) > 1,
            spending=run.spending,
            share=share,
            shared_cause=SharedCause(todo),
            more=more,
        )
        try:
            loop.run(size, lambda: run.stop.received)
        finally:
            worker_pool.close()
        return loop


@contextmanager
def _writable_token(run: RunContext, todo: Sequence[Variant]) -> Iterator[Preflight]:
    """`preflight` of the run. A store that rejects the token would reject everything else, too."""
    with ExitStack() as stack:
        try:
            checks = stack.enter_context(
                preflight(run.folder, todo, hosted=run.plan.model.hosted, warn=lambda text: run.on_event(Warned(text)))
            )
        except StoreError as error:
            delivered = len(run.results.done)
            blocked = StoreBlockedError(str(error), delivered, delivered + len(todo))
            raise blocked if error.scope == "store" else error from None
        yield checks
