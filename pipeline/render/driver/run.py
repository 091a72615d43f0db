"""Runs a campaign: renders a plan's missing variants into the store and publishes the manifest.

The driver holds no durable state. If it is killed, the next run renders only what is missing.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Set
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from brandpress.model.checkpoint.hosted_key import key_of_environment
from brandpress.model.errors import BrandpressError, RequestError
from brandpress.pipeline.deliver.aliases import update_aliases
from brandpress.pipeline.deliver.c2pa_extra import CredentialsError
from brandpress.pipeline.deliver.decided_plan import open_plan
from brandpress.pipeline.deliver.manifest import LATEST
from brandpress.pipeline.deliver.ownership import check_owner
from brandpress.pipeline.deliver.publication import Publication
from brandpress.pipeline.deliver.record import stamp_of
from brandpress.pipeline.deliver.resume import read_index
from brandpress.pipeline.deliver.sign import load_signer
from brandpress.pipeline.deliver.status import failure_of
from brandpress.pipeline.deliver.thumbnails import add_missing_thumbnails
from brandpress.pipeline.plan.cost.groups import dearest_price
from brandpress.pipeline.plan.cost.prices import Prices, read_prices
from brandpress.pipeline.plan.diff import render_keys
from brandpress.pipeline.plan.locked import require_renderable
from brandpress.pipeline.plan.memory import largest_of
from brandpress.pipeline.plan.warnings import warnings_of
from brandpress.pipeline.render.driver.cluster_watch import resource_timeout
from brandpress.pipeline.render.driver.gate_rounds import GateRounds, gated_counts, kept_keys, selected_names
from brandpress.pipeline.render.driver.interrupt import stop_signal
from brandpress.pipeline.render.driver.outcome import Outcome
from brandpress.pipeline.render.driver.picture_gate import PictureGate
from brandpress.pipeline.render.driver.publishing import publish_index
from brandpress.pipeline.render.driver.ray_address import cluster_address
from brandpress.pipeline.render.driver.ray_round import RunContext, render_round
from brandpress.pipeline.render.driver.run_metrics import with_metrics
from brandpress.pipeline.render.driver.run_results import RunResults
from brandpress.pipeline.render.driver.run_rounds import RunRounds
from brandpress.pipeline.render.driver.spending import Spending
from brandpress.pipeline.render.driver.work_selection import WorkSelection
from brandpress.pipeline.render.events import OnEvent, Planned, Warned
from brandpress.pipeline.render.limits import MAX_WORKERS_PER_GPU
from brandpress.pipeline.render.worker.actor import RENDERER, WorkerSettings
from brandpress.pipeline.spec.budget import Budget, strictest
from brandpress.pipeline.spec.campaign import Campaign, Job
from brandpress.pipeline.spec.problem import SpecError
from brandpress.pipeline.store.protocol import Store
from brandpress.pipeline.store.retry import RetryingStore, RetryPolicy

if TYPE_CHECKING:
    from brandpress.pipeline.plan.expand import Plan


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
        gate_rounds = GateRounds(gate, results, limit, selected_names(plan.variants, names), on_event)
        run = RunContext(
            plan,
            folder,
            results,
            stop,
            stack.enter_context(gate_rounds.measuring_ahead(folder)),
            join,
            timeout,
            index.unfinished,
            spending,
            only,
        )
        render = partial(render_round, settings=settings, workers=workers, deadline=deadline)
        rounds = RunRounds(run, gate_rounds, retrying_folder, index, latest, selection.suspects, render)
        finished = gate_rounds.run(retrying_folder, plan, index, todo, rounds.render, lambda: stop.received)
        plan, index, totals = finished.plan, finished.index, rounds.totals
        published = publish_index(retrying_folder, plan, stamp, index, rounds.latest)
        if published is not None:
            _add_copies(retrying_folder, campaign.job, published, on_event)
    failures = [failure_of(record) for key, record in results.others.items() if key not in index.done]
    failures += totals.untried
    gated = gated_counts(plan, index, results, gate_rounds)
    failures += gated.failures if gated else ()
    planned_keys = render_keys(plan.variants)
    picked_out = len(render_keys(plan.picked_out) - planned_keys)  # counted in pictures, as everything here
    skipped = len((done_before & index.done.keys()) - results.keys()) + totals.recorded_elsewhere
    unchecked = gated is not None and gated.outcome.unchecked > 0
    outcome = Outcome(
        planned=len(planned_keys) + picked_out,
        skipped=gated.skipped if gated else skipped,
        done=gated.done if gated else len(results.done.keys() & index.done.keys()),
        failed=len(failures),
        failures=tuple(sorted(failures, key=lambda failure: failure.name)),
        held_back=selection.held_back,
        not_selected=selection.not_selected,
        manifest=published.published.pointer.manifest if published and published.latest else None,
        withheld=published.published.pointer.manifest if published and not published.latest else None,
        uri=folder.uri,
        seconds=time.perf_counter() - start,
        cache=results.totals.cache,
        outside_model=totals.outside_model,
        interrupted=stop.received and (len(results) < len(todo) or unchecked or bool(finished.left)),
        cost=results.totals.cost,
        picked_out=picked_out,
        spent=spending.spent,
        budget=spending.limits or None,
        ended_early=totals.ended_early,
        campaign=campaign.name,
        published=published.published.manifest.counts if published and published.latest else None,
        gate=gated.outcome if gated else None,
    )
    return replace(outcome, stopped_by="budget") if totals.budget_reached and outcome.left > 0 else outcome


def _add_copies(folder: Store, job: Job, published: Publication, on_event: OnEvent) -> None:
    """Brings thumbnails and aliases up to date. Warns of errors: the manifest is published anyway."""
    if job.thumbnails is not None:
        with _warned("thumbnails", on_event):
            add_missing_thumbnails(folder, published.published, job.thumbnails)
    if job.aliases and published.latest:
        with _warned("aliases", on_event):
            update_aliases(folder)


@contextmanager
def _warned(what: str, on_event: OnEvent) -> Iterator[None]:
    try:
        yield
    except BrandpressError as error:
        on_event(Warned(f"published, but some {what} are missing or out of date until the next run: {error}"))


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
