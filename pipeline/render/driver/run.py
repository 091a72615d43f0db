"""Runs a campaign: renders a plan's missing variants into the store and publishes the manifest.

The driver holds no durable state. If it is killed, the next run renders only what is missing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from brandpress.model.checkpoint.hosted_key import key_of_environment
from brandpress.model.errors import RequestError
from brandpress.pipeline.cpus import available_cpus
from brandpress.pipeline.deliver.aliases import update_aliases
from brandpress.pipeline.deliver.c2pa_extra import CredentialsError
from brandpress.pipeline.deliver.decided_plan import open_plan
from brandpress.pipeline.deliver.lease import RunLease
from brandpress.pipeline.deliver.manifest import LATEST
from brandpress.pipeline.deliver.ownership import check_owner
from brandpress.pipeline.deliver.record import stamp_of
from brandpress.pipeline.deliver.resume import RecordIndex, read_index
from brandpress.pipeline.deliver.sign import load_signer
from brandpress.pipeline.deliver.status import failure_of
from brandpress.pipeline.deliver.thumbnails import add_missing_thumbnails
from brandpress.pipeline.plan.cost.groups import dearest_price
from brandpress.pipeline.plan.cost.prices import Prices, read_prices
from brandpress.pipeline.plan.diff import render_keys
from brandpress.pipeline.plan.locked import require_renderable
from brandpress.pipeline.plan.memory import largest_of
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.plan.warnings import warnings_of
from brandpress.pipeline.render.driver.cluster import (
    Resources,
    autoscaler_request,
    current_resources,
    free_amount,
    ray_resources,
)
from brandpress.pipeline.render.driver.cluster_watch import ClusterWatch, resource_timeout
from brandpress.pipeline.render.driver.deadlines import Deadlines
from brandpress.pipeline.render.driver.dispatcher import HOSTED_GROUP, LARGEST_GROUP, OFFLOAD_GROUP, Dispatcher
from brandpress.pipeline.render.driver.driver_loop import DriverLoop
from brandpress.pipeline.render.driver.environment import needed_secrets
from brandpress.pipeline.render.driver.gate_rounds import GateRounds, Rendered, gated_counts, kept_keys, selected_names
from brandpress.pipeline.render.driver.interrupt import StopSignal, stop_signal
from brandpress.pipeline.render.driver.outcome import NothingRenderedError, Outcome, StoreBlockedError
from brandpress.pipeline.render.driver.picture_gate import PictureGate
from brandpress.pipeline.render.driver.placement import cpu_warning, demand_of, gpu_threads, largest_share, wants_gpus
from brandpress.pipeline.render.driver.preflight import preflight
from brandpress.pipeline.render.driver.publishing import publish_index
from brandpress.pipeline.render.driver.ray_address import cluster_address
from brandpress.pipeline.render.driver.run_metrics import with_metrics
from brandpress.pipeline.render.driver.run_results import RunResults
from brandpress.pipeline.render.driver.shared_cause import SharedCause
from brandpress.pipeline.render.driver.spending import Spending
from brandpress.pipeline.render.driver.warmup_cost import warmup_cost
from brandpress.pipeline.render.driver.work_selection import WorkSelection
from brandpress.pipeline.render.events import Event, Planned, Warned, WorkersStarting
from brandpress.pipeline.render.limits import MAX_WORKERS_PER_GPU
from brandpress.pipeline.render.worker.actor import RENDERER, WorkerSettings
from brandpress.pipeline.render.worker.preflight import Preflight
from brandpress.pipeline.spec.budget import Budget, strictest
from brandpress.pipeline.spec.campaign import Campaign
from brandpress.pipeline.spec.problem import SpecError
from brandpress.pipeline.store.protocol import Store, StoreError
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
    cpu: bool = False,
    renderer: str = RENDERER,
    take_over: bool = False,
    join: bool = False,
    only: Set[str] | None = None,
    budget: Budget | None = None,
    prices: Prices | None = None,
    gate: PictureGate | None = None,
) -> Outcome:
    """Renders the plan's variants that the store lacks, delivers them and publishes the campaign's manifest.

    workers: default: as many as fit the GPUs, or one if there is no GPU or a hosted tier renders. limit: render at most
    this many variants. on_event: called with each event, from this thread. workers_per_gpu: 1 to 16 workers that share
    a GPU and its memory, which pays off for small models. retry_failed: render only variants that failed before,
    including quarantined ones, which are otherwise left alone. deadline: seconds allowed per picture; default: based on
    the other pictures' times. compile: compile the model's kernels; default: only on GPUs. cpu: render on CPUs and
    ask for no GPU. renderer: `module:function` that loads a renderer. take_over: render even if another brand or job
    file has published this campaign. join: share the work of a run that is at work. only: the render keys of the
    variants that may be rendered; None: all. What is published doesn't depend on it. budget: stop before more than this
    is spent; the job's own budget counts, too. prices: for a budget of money; default: those that ship with brandpress.
    gate: judges the pictures if the job has a `quality_gate:`. Blocked ones are rendered again, with their next seed.
    Without it, pictures that haven't been judged stay unpublished.

    Raises CheckpointError if the model's files aren't here, OutdatedLockError if they aren't the locked ones,
    ForeignCampaignError without `take_over`, AnotherRunError without `join`, StoreError, StoreBlockedError if the store
    rejects all writes, NothingRenderedError, HostedError if a hosted tier's key is missing, SpecError if pictures
    can't be signed, and RequestError for impossible values of `compile`, `cpu`, `workers_per_gpu`, `workers`
    or `budget`.
    """
    start = time.perf_counter()
    campaign = plan.campaign
    on_event = with_metrics(campaign.name, on_event)
    _check_options(plan, workers_per_gpu, compile, cpu)
    require_renderable(plan.lock)
    prices, budget = prices or read_prices(), strictest(budget, campaign.job.budget)
    spending = Spending(budget, prices, hosted=plan.model.hosted, picture_price=dearest_price(plan, prices))
    timeout = resource_timeout()
    folder, plan = open_plan(plan)
    check_owner(folder, campaign.brand.name, campaign.path.name, take_over=take_over)
    stamp = stamp_of(plan.model)
    planned_keys = render_keys(plan.variants)
    latest = folder.stat(LATEST)
    index = read_index(folder, kept_keys(plan)).named(plan.variants)
    done_before = index.done.keys() & planned_keys
    selection = WorkSelection.of(plan.variants, index, retry_failed=retry_failed, only=only)
    todo = tuple(islice(selection.todo, limit))
    on_event(
        Planned(planned=len(planned_keys), done=selection.done, todo=len(todo), held_back=len(selection.held_back))
    )
    if todo and plan.model.hosted and renderer == RENDERER and cluster_address() is None:
        key_of_environment()  # on a cluster, its nodes have the key
    if todo and cluster_address() is None:
        _check_signing(campaign)
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
        use_cpu=cpu,
        signing=campaign.signing,
        thumbnails=campaign.job.thumbnails,
    )
    names = render_keys(todo) if retry_failed and only is None else only
    with stop_signal() as stop, ExitStack() as stack:
        results = RunResults(folder, stamp)
        retrying_folder = RetryingStore(folder, RetryPolicy(urgent=lambda: stop.received))
        rounds = GateRounds(gate, results, limit, selected_names(plan.variants, names), on_event)
        loop: DriverLoop | None = None
        recorded = frozenset(index.recorded)
        run_event = stack.enter_context(rounds.measuring_ahead(retrying_folder))
        run = _Run(plan, folder, results, stop, run_event, join, timeout, recorded, spending, only)

        def refreshed(plan: Plan) -> RecordIndex:
            nonlocal latest, index
            known = index.merged(results.done, results.others)
            latest = retrying_folder.stat(LATEST)
            index = read_index(retrying_folder, kept_keys(plan), known)
            return index

        def render_round(plan: Plan, waiting: tuple[Variant, ...]) -> Rendered:
            nonlocal loop, index

            def more() -> tuple[Variant, ...]:
                nonlocal plan
                if plan.gate is None:
                    return ()
                following = rounds.next(retrying_folder, plan, refreshed(plan), lambda: stop.received)
                plan = following.plan
                return following.left

            suspects = selection.suspects if loop is None else frozenset()
            ended = False
            for _ in range(MAX_ROUNDS):
                current = replace(run, plan=plan, only=None if only is None else rounds.keys(plan))
                loop = _render(current, settings, waiting, suspects, workers, Deadlines(deadline), more)
                if loop.blocked:
                    raise StoreBlockedError(loop.blocked, len(results.done), len(todo))
                if loop.ended_early and not results.done:
                    raise NothingRenderedError(loop.ended_early)
                known = index.merged(results.done, results.others)
                ended = loop.budget_reached or loop.ended_early is not None
                index = refreshed(plan)
                deleted = () if ended else _deleted_meanwhile(replace(current, plan=plan), known, index)
                waiting, suspects = deleted, frozenset()
                if not waiting:
                    break
            return Rendered(plan, index, ended)

        finished = rounds.run(retrying_folder, plan, index, todo, render_round, lambda: stop.received)
        plan, index = finished.plan, finished.index
        published = publish_index(retrying_folder, plan, stamp, index, latest)
        if campaign.job.thumbnails is not None and published is not None:
            add_missing_thumbnails(retrying_folder, published.published, campaign.job.thumbnails)
        if campaign.job.aliases and published is not None and published.latest:
            update_aliases(retrying_folder)
    failures = [failure_of(record) for key, record in results.others.items() if key not in index.done]
    failures += loop.untried if loop else ()
    gated = gated_counts(plan, index, results, rounds)
    failures += gated.failures if gated else ()
    planned_keys = render_keys(plan.variants)
    picked_out = len(render_keys(plan.picked_out) - planned_keys)  # counted in pictures, as everything here
    skipped = len(done_before - results.keys()) + (loop.recorded_elsewhere if loop else 0)
    unchecked = gated is not None and gated.outcome.unchecked > 0
    outcome = Outcome(
        planned=len(planned_keys) + picked_out,
        skipped=gated.skipped if gated else skipped,
        done=gated.done if gated else len(results.done),
        failed=len(failures),
        failures=tuple(sorted(failures, key=lambda failure: failure.name)),
        held_back=selection.held_back,
        not_selected=selection.not_selected,
        manifest=published.published.pointer.manifest if published and published.latest else None,
        withheld=published.published.pointer.manifest if published and not published.latest else None,
        uri=folder.uri,
        seconds=time.perf_counter() - start,
        cache=results.totals.cache,
        outside_model=loop.outside_model if loop else None,
        interrupted=stop.received and (len(results) < len(todo) or unchecked or bool(finished.left)),
        cost=results.totals.cost,
        picked_out=picked_out,
        spent=spending.spent,
        budget=spending.limits or None,
        ended_early=loop.ended_early if loop else None,
        campaign=campaign.name,
        published=published.published.manifest.counts if published and published.latest else None,
        gate=gated.outcome if gated else None,
    )
    stopped = loop is not None and loop.budget_reached and outcome.left > 0
    return replace(outcome, stopped_by="budget") if stopped else outcome


def _deleted_meanwhile(run: _Run, known: RecordIndex, index: RecordIndex) -> tuple[Variant, ...]:
    """Returns the variants whose pictures were done before or in this run and have been deleted since."""
    deleted = known.done.keys() - index.done.keys()
    deleted = deleted if run.only is None else deleted & run.only
    if not deleted or run.stop.received:
        return ()
    run.on_event(Warned(f"{len(deleted):,} pictures were deleted from {run.folder.uri} meanwhile; rendering again"))
    return tuple(variant for variant in run.plan.variants if variant.render_key in deleted)


@dataclass(frozen=True, slots=True)
class _Run:
    """What the parts of one run share. recorded_before: render keys that had a record before the run. only: those that
    may be rendered; None: all."""

    plan: Plan
    folder: Store
    results: RunResults
    stop: StopSignal
    on_event: OnEvent
    join: bool
    resource_timeout: float
    recorded_before: frozenset[str]
    spending: Spending
    only: Set[str] | None


def _check_options(plan: Plan, workers_per_gpu: int, compile: bool | None, cpu: bool) -> None:
    model = plan.model
    if not 1 <= workers_per_gpu <= MAX_WORKERS_PER_GPU:
        raise RequestError(f"--workers-per-gpu {workers_per_gpu}: out of range; allowed: 1 to {MAX_WORKERS_PER_GPU}")
    if workers_per_gpu > 1 and model.hosted:
        raise RequestError(
            f"--workers-per-gpu: {model.name} is rendered by BFL and uses no local GPU; remove the option"
        )
    if cpu and model.hosted:
        raise RequestError(f"--cpu: {model.name} is rendered by BFL and uses no local GPU; remove the option")
    if cpu and workers_per_gpu > 1:
        raise RequestError(f"--workers-per-gpu {workers_per_gpu}: --cpu uses no GPU; remove one of the options")
    if compile and model.hosted:
        raise RequestError(f"--compile: {model.name} is rendered by BFL, which compiles nothing; remove the option")


def _check_signing(campaign: Campaign) -> None:
    """Raises SpecError if the pictures of a job that wants signatures can't be signed here."""
    if campaign.signing is None:
        return
    try:
        load_signer(campaign.signing)
    except CredentialsError as error:
        raise SpecError([campaign.source.problem(("provenance", "c2pa"), str(error), on_key=True)]) from None


def _render(
    run: _Run,
    settings: WorkerSettings,
    todo: Sequence[Variant],
    suspects: Set[str],
    workers: int | None,
    deadlines: Deadlines,
    more: Callable[[], tuple[Variant, ...]],
) -> DriverLoop:
    model = run.plan.model
    for warning in run.folder.check():
        run.on_event(Warned(warning))
    settings = replace(settings, dialect=run.folder.dialect)
    needed = needed_secrets(settings.address, hosted=model.hosted, signing=settings.signing)
    with (
        _writable_token(run, todo) as preflight,
        RunLease(run.folder, join=run.join) as lease,
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
        )
        loop = DriverLoop(
            worker_pool,
            dispatcher,
            run.results,
            deadlines,
            run.on_event,
            compiles=settings.compile,
            gpus=max(resources.gpus, size) if gpus else 0,
            per_gpu=max(1, settings.per_gpu),
            recorded=lambda: lease.recorded - run.recorded_before,
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
def _writable_token(run: _Run, todo: Sequence[Variant]) -> Iterator[Preflight]:
    """`preflight` of the run. A store that rejects the token would reject everything else, too."""
    with ExitStack() as stack:
        try:
            checks = stack.enter_context(
                preflight(run.folder, todo, hosted=run.plan.model.hosted, warn=lambda text: run.on_event(Warned(text)))
            )
        except StoreError as error:
            raise StoreBlockedError(str(error), 0, len(todo)) if error.scope == "store" else error from None
        yield checks


def pool_size(
    workers: int | None, resources: Resources, variants: int, per_gpu: int = 1, *, elastic: bool = False
) -> int:
    """Returns how many workers to start: `per_gpu` for each GPU, or one without GPUs; never more than variants.

    elastic: GPUs may join later, so that more workers than fit now can wait for them. Raises RequestError if `workers`
    don't fit the GPUs, or if workers should share a GPU and there is none.
    """
    room = resources.gpus * per_gpu
    if elastic:
        return max(1, min(workers or room or per_gpu, variants))
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
    """Returns the CPU threads of each worker: OMP_NUM_THREADS if set, or an equal share of the cores.

    The cores are those of this machine, or of a cluster's nodes, of which a worker uses one.
    """
    configured = os.environ.get("OMP_NUM_THREADS", "")
    if configured.isdecimal() and int(configured):
        return min(int(configured), largest_share(resources.machines, workers))
    if resources.shared:
        return largest_share(resources.machines, workers)
    return max(1, min(resources.cpus, available_cpus()) // workers)
