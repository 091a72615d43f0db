"""Rejected pictures get the next seed; of several seeds only the picked one stays."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from brandpress.model.choice import ModelChoice
from brandpress.model.errors import RequestError
from brandpress.pipeline.plan.decided import apply_decisions, apply_picks, apply_rejections
from brandpress.pipeline.plan.expand import Plan, plan_for
from brandpress.pipeline.spec.campaign import MAX_SEED
from brandpress.pipeline.spec.load import load_campaign
from tests.campaigns import plan_of, write_campaign
from tests.pipeline.plan.keys import model


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """Two products with three seeds each."""
    return plan_of(write_campaign(tmp_path, 1, seeds=3, output={"name": "{{ product }}-s{{ seed }}"}))


def keys(plan: Plan) -> dict[str, str]:
    return {variant.name: variant.render_key for variant in plan.variants}


def test_a_plan_without_decisions_stays_the_same(plan: Plan) -> None:
    assert apply_decisions(plan, frozenset(), []) == plan
    assert apply_decisions(plan, frozenset(["0" * 64]), ["1" * 64]).variants == plan.variants


def test_a_rejected_variant_gets_the_next_seed_and_keeps_its_name_and_prompt(plan: Plan) -> None:
    [before] = (variant for variant in plan.variants if variant.name == "mug-s1")
    decided = apply_decisions(plan, {before.render_key}, [])
    [after] = (variant for variant in decided.variants if variant.name == "mug-s1")
    assert after.seed == 1 + 3
    assert replace(after, seed=1, render_key=before.render_key) == before
    others = [variant for variant in decided.variants if variant is not after]
    assert others == [variant for variant in plan.variants if variant is not before]


def test_the_next_seeds_key_is_that_of_a_job_with_this_seed(tmp_path: Path) -> None:
    plan = plan_of(write_campaign(tmp_path / "one", 1, products=("mug",)))
    decided = apply_decisions(plan, {plan.variants[0].render_key}, [])
    other = plan_of(write_campaign(tmp_path / "two", 1, products=("mug",), seeds=[1]))
    assert decided.variants[0].seed == 1
    assert decided.variants[0].render_key == other.variants[0].render_key


@pytest.mark.parametrize("name", ["design", "smallest", "composition"])
def test_every_kind_of_variant_gets_the_key_of_its_next_seed(corpus: Path, tmp_path: Path, name: str) -> None:
    """Also with transparent references, approximate reuse and quantisation."""
    campaign = load_campaign(corpus / "good" / f"{name}.yaml")
    described = model(choice=ModelChoice("/model", quantise="fp8"))
    plan = plan_for(campaign, described)
    job = campaign.job.model_copy(update={"seeds": (7,)})
    points = tuple(replace(point, seed=point.seed + max(campaign.job.seeds) + 1) for point in campaign.points)
    expected = plan_for(replace(campaign, job=job, points=points), described)
    decided = apply_decisions(plan, frozenset(keys(plan).values()), [])
    assert sorted(keys(decided).items()) == sorted(keys(expected).items())


def test_each_further_rejection_takes_the_seed_after(plan: Plan) -> None:
    rejected: set[str] = set()
    seeds = []
    for _ in range(4):
        [variant] = (v for v in apply_decisions(plan, rejected, []).variants if v.name == "bottle-s2")
        seeds.append(variant.seed)
        rejected.add(variant.render_key)
    assert seeds == [2, 5, 8, 11]


def test_no_two_seeds_of_a_combination_meet(plan: Plan) -> None:
    rejected: set[str] = set()
    for _ in range(3):
        decided = apply_decisions(plan, rejected, [])
        assert len(set(keys(decided).values())) == len(plan.variants)
        rejected |= set(keys(decided).values())


def test_a_seed_above_the_largest_is_an_error(tmp_path: Path) -> None:
    plan = plan_of(write_campaign(tmp_path, 1, products=("mug",), seeds=[MAX_SEED]))
    with pytest.raises(RequestError, match=rf"mug/scene00: .* seed {MAX_SEED} was rejected.*brandpress reject JOB mug"):
        apply_rejections(plan.variants, plan.model, plan.campaign.job.seeds, {plan.variants[0].render_key})


def test_only_the_picked_seed_of_a_combination_stays(plan: Plan) -> None:
    decided = apply_decisions(plan, frozenset(), [keys(plan)["mug-s1"]])
    assert sorted(keys(decided)) == ["bottle-s0", "bottle-s1", "bottle-s2", "mug-s1"]
    assert sorted(variant.name for variant in decided.picked_out) == ["mug-s0", "mug-s2"]
    assert decided.planned == plan.planned == 6


def test_the_latest_pick_of_a_combination_counts(plan: Plan) -> None:
    picked = [keys(plan)["mug-s1"], keys(plan)["mug-s0"]]
    active, picked_out = apply_picks(plan.variants, picked)
    assert {variant.name for variant in active} & {"mug-s0", "mug-s1", "mug-s2"} == {"mug-s0"}
    assert len(picked_out) == 2


def test_a_pick_lapses_when_the_picture_changes(plan: Plan) -> None:
    changed = plan_for(
        replace(plan.campaign, points=tuple(replace(point, prompt="other") for point in plan.campaign.points)),
        plan.model,
    )
    decided = apply_decisions(changed, {keys(plan)["bottle-s0"]}, [keys(plan)["mug-s1"]])
    assert (decided.variants, decided.picked_out) == (changed.variants, ())


def test_a_replacement_can_be_picked(plan: Plan) -> None:
    rejected = {keys(plan)["mug-s0"]}
    replacement = keys(apply_decisions(plan, rejected, []))["mug-s0"]
    decided = apply_decisions(plan, rejected, [replacement])
    assert keys(decided)["mug-s0"] == replacement
    assert len(decided.picked_out) == 2


def test_decisions_can_be_applied_again(plan: Plan) -> None:
    rejected, picked = {keys(plan)["mug-s0"]}, [keys(plan)["bottle-s1"]]
    decided = apply_decisions(plan, rejected, picked)
    again = apply_decisions(decided, rejected, picked)
    assert json.dumps(sorted(keys(again).items())) == json.dumps(sorted(keys(decided).items()))
    assert {one.name for one in again.picked_out} == {one.name for one in decided.picked_out}
