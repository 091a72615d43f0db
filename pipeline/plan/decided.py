"""What decisions about pictures change in a plan: rejected ones get the next seed, a picked one replaces the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from types import MappingProxyType

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.gated import VerdictOf, apply_gate, no_next_seed
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.plan.variants import with_seed
from brandpress.pipeline.spec.campaign import MAX_SEED


def apply_decisions(
    plan: Plan,
    rejected: Set[str],
    picked: Sequence[str],
    approved: Set[str] = frozenset(),
    verdict_of: VerdictOf = lambda variant: None,
    lapsed: Set[str] = frozenset(),
    names: Mapping[str, Set[str]] = MappingProxyType({}),
) -> Plan:
    """Returns the plan as its reviewers and its quality gate want it, however it was decided before.

    rejected, approved: render keys of pictures. picked: render keys of picked ones, the latest decision last. Keys that
    the plan doesn't have change nothing. verdict_of: what the gate says about pictures. lapsed: render keys of approved
    or picked pictures whose file is another one by now, which the gate judges. names: render key of an approved or
    picked picture -> the names that it had then. Behind a seed that passes, accepted retries are looked for only under
    these names, as each seed's render key takes time. Raises RequestError if a rejected variant has no next seed.
    """
    job, undecided = plan.campaign.job, plan.undecided or (*plan.variants, *plan.picked_out)
    state = None
    if job.quality_gate is None:
        variants = apply_rejections(undecided, plan.model, job.seeds, rejected)
    else:
        kept = (approved | frozenset(picked)) - rejected - lapsed
        accepted = {key: names.get(key, frozenset()) for key in kept}
        step = max(job.seeds) + 1
        variants, state = apply_gate(undecided, plan.model, step, job.quality_gate, verdict_of, rejected, accepted)
    active, picked_out = apply_picks(variants, picked)
    return replace(plan, variants=active, picked_out=picked_out, undecided=undecided, gate=state, rejected=rejected)


def apply_rejections(
    variants: Sequence[Variant], model: ModelDescription, seeds: Sequence[int], rejected: Set[str]
) -> tuple[Variant, ...]:
    """Returns the variants, those whose picture is rejected with their next seed.

    seeds: those of the job. The next seed of a variant is its seed plus the job's largest seed plus one, so that it is
    no other variant's; and so on while that picture is rejected, too. Names and prompts stay the same. Raises
    RequestError if the next seed is above MAX_SEED.
    """
    if not rejected:
        return tuple(variants)
    step = max(seeds) + 1
    return tuple(_with_next_seed(variant, model, step, rejected) for variant in variants)


def _with_next_seed(variant: Variant, model: ModelDescription, step: int, rejected: Set[str]) -> Variant:
    while variant.render_key in rejected:
        seed = variant.seed + step
        if seed > MAX_SEED:
            raise no_next_seed(variant, seed)
        variant = with_seed(variant, seed, model)
    return variant


def apply_picks(variants: Sequence[Variant], picked: Sequence[str]) -> tuple[tuple[Variant, ...], tuple[Variant, ...]]:
    """Returns the variants to publish, and the others, which are picked out.

    picked: render keys, the latest decision last. Of the variants with the same axes as a picked one, only that is
    published; all are if the key that was picked isn't planned any more.
    """
    rank = {render_key: order for order, render_key in enumerate(picked)}
    best: dict[tuple[tuple[str, str], ...], int] = {}
    for variant in variants:
        if variant.render_key in rank:
            point = _point(variant.axes)
            best[point] = max(best.get(point, -1), rank[variant.render_key])
    if not best:
        return tuple(variants), ()
    active: list[Variant] = []
    picked_out: list[Variant] = []
    for variant in variants:
        wanted = best.get(_point(variant.axes))
        is_active = wanted is None or rank.get(variant.render_key) == wanted
        (active if is_active else picked_out).append(variant)
    return tuple(active), tuple(picked_out)


def _point(axes: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(axes.items()))
