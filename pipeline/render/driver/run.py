"""Runs a campaign: renders a plan's missing variants into the store and publishes the manifest.

The driver holds no durable state. If it is killed, the next run renders only what is missing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.lease import RunLease
from brandpress.pipeline.deliver.ownership import check_owner
from brandpress.pipeline.deliver.record import stamp_of
from brandpress.pipeline.deliver.resume import RecordIndex, read_index
from brandpress.pipeline.deliver.status import failure_of
from brandpress.pipeline.plan.diff import render_keys
from brandpress.pipeline.plan.memory import largest_of
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.plan.warnings import warnings_of
from brandpress.pipeline.render.driver.cluster import Resources, available_cpus, ray_resources
from brandpress.pipeline.render.driver.deadlines import Deadlines
from brandpress.pipeline.render.driver.dispatcher import HOSTED_GROUP, LARGEST_GROUP, OFFLOAD_GROUP, Dispatcher
from brandpress.pipeline.render.driver.driver_loop import DriverLoop
from brandpress.pipeline.render.driver.environment import needed_secrets
from brandpress.pipeline.render.driver.interrupt import StopSignal, stop_signal
from brandpress.pipeline.render.driver.outcome import Outcome, StoreBlockedError, cache_use, total_cost
from brandpress.pipeline.render.driver.publishing import publish_index
from brandpress.pipeline.render.driver.run_results import RunResults
from brandpress.pipeline.render.driver.warmup_cost import warmup_cost
from brandpress.pipeline.render.driver.work_selection import WorkSelection
from brandpress.pipeline.render.events import Event, Planned, Warned, WorkersStarting
from brandpress.pipeline.render.limits import MAX_WORKERS_PER_GPU
from brandpress.pipeline.render.worker.actor import RENDERER, WorkerSettings
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store
from brandpress.pipeline.store.retry import RetryingStore, RetryPolicy

if TYPE_CHECKING:
    from brandpress.pipeline.plan.expand import Plan

OnEvent = Callable[[Event], None]
MAX_ROUNDS = 3
"""A run renders again what is deleted while it's at work, at most this often."""


def render_campaign(
    plan: Plan,
    *,
    workers: int | None = None,
    limit: int | None = None,
    on_event: OnEvent = lambda event: None,
    workers_per_gpu: int = 1,
    retry_failed: bool = False,
    deadline: float | None = None,
    compile: bool | None = None,
    renderer: str = RENDERER,
    take_over: bool = False,
    join: bool = False,
) -> Outcome:
    """Renders the plan's variants that the store lacks, delivers them and publishes the campaign's manifest.

    workers: default: as many as fit the GPUs, or one if there is no GPU or a hosted tier renders. limit: render at most
    this many variants. on_event: called with each event, from this thread. workers_per_gpu: 1 to 16 workers that share
    a GPU and its memory, which pays off for small models. retry_failed: render only variants that failed before,
    including quarantined ones, which are otherwise left alone. deadline: seconds allowed per picture; default: based on
    the other pictures' times. compile: compile the model's kernels; default: only on GPUs. renderer: `module:function`
    that loads a renderer. take_over: render even if another brand or job file has published this campaign. join: share
    the work of a run that is at work.

    Raises ForeignCampaignError without `take_over`, AnotherRunError without `join`, StoreError, StoreBlockedError if
    the store rejects all writes, NothingRenderedError, and RequestError for impossible values of `compile`,
    `workers_per_gpu` or `workers`.
    """
    start = time.perf_counter()
    campaign = plan.campaign
    _check_options(plan, workers_per_gpu, compile)
    folder = open_campaign(campaign.address, campaign.name)
    check_owner(folder, campaign.brand.name, campaign.path.name, take_over=take_over)
    stamp = stamp_of(plan.model)
    planned_keys = render_keys(plan.variants)
    index = read_index(folder, planned_keys)
    done_before = frozenset(index.done)
    selection = WorkSelection.of(plan.variants, index, retry_failed=retry_failed)
    todo = tuple(islice(selection.todo, limit))
    on_event(
        Planned(planned=len(planned_keys), done=selection.done, todo=len(todo), held_back=len(selection.held_back))
    )
    for warning in warnings_of(plan) if todo else ():
        on_event(Warned(warning))
    settings = WorkerSettings(
        renderer,
        plan.model.choice,
        stamp,
        campaign.address,
        campaign.name,
        threads=1,
        per_gpu=workers_per_gpu,
        hosted=plan.model.hosted,
        largest=None if plan.model.hosted else largest_of(plan),
        compile=compile,
    )
    with stop_signal() as stop:
        results = RunResults(folder, stamp)
        run = _Run(plan, folder, results, stop, on_event, join)
        retrying_folder = RetryingStore(folder, RetryPolicy(urgent=lambda: stop.received))
        loop, waiting, suspects = None, todo, selection.suspects
        for _ in range(MAX_ROUNDS):
            if not waiting:
                break
            loop = _render(run, settings, waiting, suspects, workers, Deadlines(deadline))
            if loop.blocked:
                done = sum(record.status == "done" for record in results.records.values())
                raise StoreBlockedError(loop.blocked, done, len(todo))
            known = index.updated(results.records.values())
            index = read_index(retrying_folder, planned_keys, known)
            waiting, suspects = _deleted_meanwhile(run, known, index), frozenset()
        published = publish_index(retrying_folder, plan, stamp, index)
    records = [record for record in results.records.values() if record.render_key not in index.done]
    failures = [failure_of(record) for record in records if record.status != "done"]
    done = sum(record.status == "done" for record in results.records.values())
    failures += loop.untried if loop else ()
    return Outcome(
        planned=len(planned_keys),
        skipped=len(done_before - results.records.keys()) + (loop.recorded_elsewhere if loop else 0),
        done=done,
        failed=len(failures),
        failures=tuple(sorted(failures, key=lambda failure: failure.name)),
        held_back=selection.held_back,
        manifest=published.published.pointer.manifest if published and published.latest else None,
        withheld=published.published.pointer.manifest if published and not published.latest else None,
        uri=folder.uri,
        seconds=time.perf_counter() - start,
        cache=cache_use(results.records.values()),
        outside_model=loop.outside_model if loop else None,
        interrupted=stop.received and len(results.records) < len(todo),
        cost=total_cost(results.records.values()),
    )


def _deleted_meanwhile(run: _Run, known: RecordIndex, index: RecordIndex) -> tuple[Variant, ...]:
    """Returns the variants whose pictures were done before or in this run and have been deleted since."""
    deleted = known.done.keys() - index.done.keys()
    if not deleted or run.stop.received:
        return ()
    run.on_event(Warned(f"{len(deleted):,} pictures were deleted from {run.folder.uri} meanwhile; rendering again"))
    return tuple(variant for variant in run.plan.variants if variant.render_key in deleted)


@dataclass(frozen=True, slots=True)
class _Run:
    """What the parts of one run share."""

    plan: Plan
    folder: Store
    results: RunResults
    stop: StopSignal
    on_event: OnEvent
    join: bool


def _check_options(plan: Plan, workers_per_gpu: int, compile: bool | None) -> None:
    model = plan.model
    if not 1 <= workers_per_gpu <= MAX_WORKERS_PER_GPU:
        raise RequestError(f"--workers-per-gpu {workers_per_gpu}: out of range; allowed: 1 to {MAX_WORKERS_PER_GPU}")
    if workers_per_gpu > 1 and model.hosted:
        raise RequestError(
            f"--workers-per-gpu: {model.name} is rendered by BFL and uses no local GPU; remove the option"
        )
    if compile and model.hosted:
        raise RequestError(f"--compile: {model.name} is rendered by BFL, which compiles nothing; remove the option")


def _render(
    run: _Run,
    settings: WorkerSettings,
    todo: Sequence[Variant],
    suspects: Set[str],
    workers: int | None,
    deadlines: Deadlines,
) -> DriverLoop:
    model = run.plan.model
    for warning in run.folder.check():
        run.on_event(Warned(warning))
    settings = replace(settings, dialect=run.folder.dialect)
    needed = needed_secrets(settings.address, hosted=model.hosted)
    with RunLease(run.folder, join=run.join) as lease, ray_resources(workers, needed) as resources:
        from brandpress.pipeline.render.driver.worker_pool import WorkerPool

        run.stop.listen()
        resources = replace(resources, gpus=0) if model.hosted else resources
        size = pool_size(workers, resources, len(todo), settings.per_gpu)
        threads = 1 if model.hosted else threads_per_worker(size, resources)
        settings = replace(settings, threads=threads, workers=size, per_gpu=settings.per_gpu if resources.gpus else 0)
        gpus = bool(resources.gpus)
        run.on_event(WorkersStarting(size, gpus, settings.threads, resources.dashboard, max(1, settings.per_gpu)))
        worker_pool = WorkerPool(settings)
        # The language model that rewrites prompts displaces the rest of the model, so rewriting offloads as well.
        rewrites = any(variant.upsample for variant in todo)
        dispatcher = Dispatcher(
            todo[::-1] if run.join else todo,  # runs that share the work meet in the middle
            size,
            HOSTED_GROUP if model.hosted else OFFLOAD_GROUP if rewrites else LARGEST_GROUP,
            mixed=model.hosted or rewrites,
            warmup_cost=partial(warmup_cost, model=model),
            suspects=suspects,
        )
        loop = DriverLoop(
            worker_pool,
            dispatcher,
            run.results,
            deadlines,
            run.on_event,
            compiles=settings.compile,
            gpus=resources.gpus,
            per_gpu=max(1, settings.per_gpu),
            recorded=lambda: lease.recorded,
            broken_model="try again later"
            if model.hosted
            else f"the weights of {model.name} are broken: download them again, or check their quantisation and LoRAs",
        )
        try:
            loop.run(size, lambda: run.stop.received)
        finally:
            worker_pool.close()
        return loop


def pool_size(workers: int | None, resources: Resources, variants: int, per_gpu: int = 1) -> int:
    """Returns how many workers to start: `per_gpu` for each GPU, or one without GPUs; never more than variants.

    Raises RequestError if `workers` don't fit the GPUs, or if workers should share a GPU and there is none.
    """
    room = resources.gpus * per_gpu
    if per_gpu > 1 and not room:
        raise RequestError(
            f"--workers-per-gpu {per_gpu}: Ray has no GPU that workers could share; remove the option, or set "
            "--workers to run several workers on the CPU"
        )
    if workers and room and workers > room:
        rule = "each needs a GPU" if per_gpu == 1 else f"{per_gpu} share a GPU"
        raise RequestError(f"--workers {workers}: {rule}, and Ray has {resources.gpus}; allowed: 1 to {room}")
    return max(1, min(workers or room or 1, variants))


def threads_per_worker(workers: int, resources: Resources) -> int:
    """Returns the CPU threads of each worker: OMP_NUM_THREADS if set, or an equal share of this machine's cores."""
    configured = os.environ.get("OMP_NUM_THREADS", "")
    if configured.isdecimal() and int(configured):
        return min(int(configured), max(1, resources.cpus // workers))
    return max(1, min(resources.cpus, available_cpus()) // workers)
