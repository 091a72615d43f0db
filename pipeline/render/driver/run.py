"""The driver: a plan and a store in, pictures and a manifest there afterwards.

Holds nothing durable: killed anywhere and run again, it renders only what is missing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from brandpress.model.errors import RequestError
from brandpress.pipeline.deliver.manifest import Header, Published, publish
from brandpress.pipeline.deliver.record import Record, stamp_of
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.deliver.status import failure_of
from brandpress.pipeline.plan.diff import RenderKeys
from brandpress.pipeline.plan.memory import largest_of
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.plan.warnings import warnings_of
from brandpress.pipeline.render.driver.cluster import Resources, available_cpus, ray_resources
from brandpress.pipeline.render.driver.deadlines import Deadlines
from brandpress.pipeline.render.driver.dispatcher import HOSTED_GROUP, LARGEST_GROUP, OFFLOAD_GROUP, Dispatcher
from brandpress.pipeline.render.driver.driver_loop import DriverLoop
from brandpress.pipeline.render.driver.environment import needed_secrets
from brandpress.pipeline.render.driver.interrupt import Interrupts, interrupts
from brandpress.pipeline.render.driver.outcome import Outcome, StoreBlockedError, cache_use, total_cost
from brandpress.pipeline.render.driver.run_results import RunResults
from brandpress.pipeline.render.driver.warmup_cost import warmup_cost
from brandpress.pipeline.render.driver.work_selection import WorkSelection
from brandpress.pipeline.render.events import Event, Planned, Warned, WorkersStarting
from brandpress.pipeline.render.worker.actor import RENDERER, WorkerSettings
from brandpress.pipeline.store.folder import open_campaign
from brandpress.pipeline.store.protocol import Store
from brandpress.pipeline.store.retry import RetryingStore, RetryPolicy

if TYPE_CHECKING:
    from brandpress.pipeline.plan.expand import Plan

MOST_PER_GPU = 16
OnEvent = Callable[[Event], None]


def render_campaign(
    plan: Plan,
    store_uri: str | None = None,
    workers: int | None = None,
    limit: int | None = None,
    on_event: OnEvent = lambda event: None,
    *,
    workers_per_gpu: int = 1,
    retry_failed: bool = False,
    deadline: float | None = None,
    compile: bool | None = None,
    renderer: str = RENDERER,
) -> Outcome:
    """Render what the plan has and the store hasn't, deliver it, and publish the campaign's manifest.

    store_uri: where to deliver, else the campaign's own address. workers: how many, else as many as the GPUs take, or a
    single one where there is no GPU or a service renders. limit: render at most so many variants. on_event: told what
    happens, from this thread. workers_per_gpu: 1 to 16 that share a GPU, each planning with its part of the memory; it
    pays for small models. retry_failed: render only what failed before, quarantined variants, too, which are else left
    alone. deadline: seconds that a picture may take, else what the others took decides. compile: fuse the model's work
    between products; None does so on GPUs. renderer: `module:function` that loads a renderer.

    Raises StoreError, StoreBlockedError when the store took nothing any more, NothingRenderedError, and RequestError
    for `compile`, `workers_per_gpu` or more workers than there can be.
    """
    start = time.perf_counter()
    campaign = plan.campaign
    if not 1 <= workers_per_gpu <= MOST_PER_GPU:
        raise RequestError(f"workers_per_gpu {workers_per_gpu}: allowed are 1 to {MOST_PER_GPU}")
    if workers_per_gpu > 1 and plan.model.hosted:
        raise RequestError(f"workers_per_gpu: {plan.model.name} is rendered by BFL, on no GPU of yours; leave it out")
    if compile and plan.model.hosted:
        raise RequestError(
            f"compile: {plan.model.name} is rendered by BFL, there is no model here to compile; leave it out"
        )
    uri = store_uri or campaign.deliver_uri
    folder = open_campaign(uri, campaign.name)
    stamp = stamp_of(plan.model)
    wanted = RenderKeys(plan.variants)
    index = read_index(folder, wanted)
    asked = WorkSelection.of(plan.variants, index, retry_failed=retry_failed)
    todo = tuple(islice(asked.todo, limit))
    on_event(Planned(planned=len(wanted), done=asked.done, todo=len(todo), held_back=len(asked.held_back)))
    for warning in warnings_of(plan) if todo else ():
        on_event(Warned(warning))
    largest = None if plan.model.hosted else largest_of(plan)
    settings = WorkerSettings(
        renderer,
        plan.model.choice,
        stamp,
        uri,
        campaign.name,
        threads=1,
        per_gpu=workers_per_gpu,
        hosted=plan.model.hosted,
        largest=largest,
        compile=compile,
    )
    with interrupts() as signals:
        results = RunResults(folder, stamp)
        run = _Run(plan, folder, results, signals, on_event)
        shift = _render(run, settings, todo, asked.suspects, workers, Deadlines(deadline)) if todo else None
        fresh = results.records
        failures = [failure_of(record) for record in fresh.values() if record.status != "done"]
        done = len(fresh) - len(failures)
        if shift and shift.blocked:
            raise StoreBlockedError(shift.blocked, done, len(todo))
        header = Header(
            campaign=campaign.name, brand=campaign.brand.name, spec_sha256=campaign.spec_sha256, model=stamp
        )
        patient = RetryingStore(folder, RetryPolicy(hurried=lambda: signals.asked))
        published = _publish(patient, header, wanted, {**index, **fresh})
    failures += shift.untried if shift else ()
    return Outcome(
        planned=len(wanted),
        skipped=asked.done,
        done=done,
        failed=len(failures),
        failures=tuple(sorted(failures, key=lambda failure: failure.name)),
        held_back=asked.held_back,
        manifest=published.pointer.manifest if published else None,
        uri=folder.uri,
        seconds=time.perf_counter() - start,
        cache=cache_use(fresh.values()),
        outside_model=shift.outside_model if shift else None,
        interrupted=signals.asked and len(fresh) < len(todo),
        cost=total_cost(fresh.values()),
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """What all that happens in one run has in common."""

    plan: Plan
    folder: Store
    results: RunResults
    signals: Interrupts
    on_event: OnEvent


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
    needed = needed_secrets(settings.deliver_uri, hosted=model.hosted)
    with ray_resources(workers, needed) as resources:
        from brandpress.pipeline.render.driver.worker_pool import WorkerPool

        run.signals.listen()
        resources = replace(resources, gpus=0) if model.hosted else resources
        size = crew_size(workers, resources, len(todo), settings.per_gpu)
        threads = 1 if model.hosted else threads_per_worker(size, resources)
        settings = replace(settings, threads=threads, workers=size, per_gpu=settings.per_gpu if resources.gpus else 0)
        gpus = bool(resources.gpus)
        run.on_event(WorkersStarting(size, gpus, settings.threads, resources.dashboard, max(1, settings.per_gpu)))
        worker_pool = WorkerPool(settings)
        # The language model that rewrites prompts leaves no room for the rest of the model: that's an offload, too.
        rewrites = any(variant.upsample for variant in todo)
        dispatcher = Dispatcher(
            todo,
            size,
            HOSTED_GROUP if model.hosted else OFFLOAD_GROUP if rewrites else LARGEST_GROUP,
            mixed=model.hosted or rewrites,
            cold=partial(warmup_cost, model=model),
            suspects=suspects,
        )
        shift = DriverLoop(
            worker_pool,
            dispatcher,
            run.results,
            deadlines,
            run.on_event,
            compiles=settings.compile,
            gpus=resources.gpus,
            per_gpu=max(1, settings.per_gpu),
        )
        try:
            shift.run(size, lambda: run.signals.asked)
        finally:
            worker_pool.close()
        return shift


def _publish(folder: Store, header: Header, wanted: Set[str], known: Mapping[str, Record]) -> Published | None:
    """Publish what stands in the store: of what we don't know to be done, another run may know. None: nothing does."""

    def standing() -> dict[str, Record]:
        done = {key: record for key, record in known.items() if record.status == "done"}
        return done | read_index(folder, frozenset(wanted) - done.keys()) if len(done) < len(wanted) else done

    records = standing()
    if not records:
        return None
    return publish(folder, header, len(wanted), records.values(), lambda: standing().values())


def crew_size(workers: int | None, resources: Resources, variants: int, per_gpu: int = 1) -> int:
    """How many workers to start: `per_gpu` for each GPU, else one that has the whole CPU; never more than variants.

    Raises RequestError if more are asked for than the GPUs take, or some for each GPU where there is none.
    """
    room = resources.gpus * per_gpu
    if per_gpu > 1 and not room:
        raise RequestError(
            f"--workers-per-gpu {per_gpu}: Ray has no GPU that workers could share; leave it out, or set --workers to "
            "how many are to share the CPU"
        )
    if workers and room and workers > room:
        each = "each needs a GPU" if per_gpu == 1 else f"{per_gpu} share a GPU"
        raise RequestError(f"{workers} workers are too many: {each}, and Ray has {resources.gpus}")
    return max(1, min(workers or room or 1, variants))


def threads_per_worker(workers: int, resources: Resources) -> int:
    """The CPU threads of each worker: what OMP_NUM_THREADS says, else a fair share of this machine's cores."""
    wished = os.environ.get("OMP_NUM_THREADS", "")
    if wished.isdecimal() and int(wished):
        return min(int(wished), max(1, resources.cpus // workers))
    return max(1, min(resources.cpus, available_cpus()) // workers)
