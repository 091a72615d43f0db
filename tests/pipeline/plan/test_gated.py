"""Verdicts change a plan: a blocked variant gets its next seed, and at last its best attempt."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.errors import RequestError
from brandpress.pipeline.plan.decided import apply_decisions
from brandpress.pipeline.plan.diff import render_keys
from brandpress.pipeline.plan.expand import Plan
from brandpress.pipeline.plan.variant import Variant
from brandpress.pipeline.plan.variants import with_seed
from brandpress.pipeline.plan.verdict import Outcome, Reason, Verdict
from brandpress.pipeline.spec.campaign import MAX_SEED
from tests.campaigns import plan_of, write_campaign

RETRIES = 2


def job(folder: Path, **fields: object) -> Plan:
    """Returns the plan of one product with a gate."""
    gate = {"measures": {"noise": 0.3}, "retries": RETRIES, **fields}
    return plan_of(write_campaign(folder, 1, products=("mug",), quality_gate=gate))


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return job(tmp_path)


def verdict(outcome: Outcome, value: float = 0.5) -> Verdict:
    reasons = (Reason("noise", None, "block", value, 0.3, f"{value:g}, at most 0.3 is needed"),)
    return Verdict(outcome, reasons if outcome == "block" else ())


def key(plan: Plan, seed: int) -> str:
    """Returns the render key of the only variant with another seed."""
    return with_seed((plan.undecided or plan.variants)[0], seed, plan.model).render_key


def decided(plan: Plan, verdicts: Mapping[int, Verdict], **decisions: frozenset[str]) -> Plan:
    """Returns the plan, given verdicts by seed."""
    by_key = {key(plan, seed): one for seed, one in verdicts.items()}

    def verdict_of(variant: Variant) -> Verdict | None:
        return by_key.get(variant.render_key)

    picked = list(decisions.pop("picked", frozenset()))
    rejected = decisions.pop("rejected", frozenset())
    approved = decisions.pop("approved", frozenset())
    names = dict.fromkeys((*picked, *approved), frozenset(variant.name for variant in plan.variants))
    return apply_decisions(plan, rejected, picked, approved, verdict_of, names=names, **decisions)


BLOCK, PASS, WARN = verdict("block"), verdict("pass"), verdict("warn")


@pytest.mark.parametrize(
    ("verdicts", "seed", "attempts"),
    [
        ({}, 0, []),
        ({0: PASS}, 0, []),
        ({0: WARN}, 0, []),
        ({0: BLOCK}, 1, [0]),
        ({0: BLOCK, 1: PASS}, 1, [0]),
        ({0: BLOCK, 1: BLOCK}, 2, [0, 1]),
        ({0: BLOCK, 1: BLOCK, 2: PASS}, 2, [0, 1]),
    ],
)
def test_a_blocked_variant_gets_its_next_seed(
    plan: Plan, verdicts: Mapping[int, Verdict], seed: int, attempts: list[int]
) -> None:
    after = decided(plan, verdicts)
    [variant] = after.variants
    assert (variant.name, variant.seed) == (plan.variants[0].name, seed)
    assert after.gate is not None
    assert [one.variant.seed for one in after.gate.attempts(variant.name)] == attempts
    assert after.gate.is_pending(variant.name) == (seed not in verdicts)


@pytest.mark.parametrize(
    ("values", "best"),
    [([0.5, 0.4, 0.6], 1), ([0.4, 0.4, 0.4], 0), ([0.9, 0.8, 0.31], 2)],
)
def test_after_the_last_retry_the_least_bad_attempt_stays(plan: Plan, values: list[float], best: int) -> None:
    after = decided(plan, {seed: verdict("block", value) for seed, value in enumerate(values)})
    [variant] = after.variants
    assert variant.seed == best
    assert after.gate is not None
    assert after.gate.is_flagged(variant.name)
    assert len(after.attempted) == RETRIES + 1


def test_fewer_missed_rules_are_better_than_smaller_misses(plan: Plan) -> None:
    two = Verdict("block", (BLOCK.reasons[0], Reason("text", None, "block", 0.21, 0.2, "")))
    warned = Verdict("block", (verdict("block", 0.6).reasons[0], Reason("text", None, "warn", 1.0, 0.2, "")))
    assert decided(plan, {0: two, 1: warned, 2: two}).variants[0].seed == 1


def test_deciding_again_comes_to_the_same_plan(plan: Plan) -> None:
    verdicts = {0: BLOCK, 1: BLOCK}
    once = decided(plan, verdicts)
    assert decided(once, verdicts).variants == once.variants
    assert decided(once, {}).variants == plan.variants
    assert decided(once, {0: BLOCK, 1: BLOCK, 2: BLOCK}).variants == plan.variants


def test_a_persons_approval_counts_more_than_a_block(plan: Plan) -> None:
    for decisions in ({"approved": frozenset([key(plan, 0)])}, {"picked": frozenset([key(plan, 0)])}):
        after = decided(plan, {0: BLOCK}, **decisions)
        assert after.variants == plan.variants
        assert after.gate is not None
        assert after.gate.blocked == frozenset()


def test_an_approved_retry_stays_when_thresholds_change(plan: Plan) -> None:
    approved = frozenset([key(plan, 1)])
    assert decided(plan, {0: BLOCK, 1: BLOCK}, approved=approved).variants[0].seed == 1
    assert decided(plan, {}, approved=approved).variants[0].seed == 1
    assert decided(plan, {0: PASS}, approved=approved).variants[0].seed == 1


def test_a_rejection_counts_more_than_a_pass_and_gives_new_retries(plan: Plan) -> None:
    rejected = frozenset([key(plan, 0)])
    assert decided(plan, {0: PASS}, rejected=rejected).variants[0].seed == 1
    verdicts = {1: BLOCK, 2: BLOCK}
    assert decided(plan, verdicts, rejected=rejected).variants[0].seed == 3
    exhausted = decided(plan, verdicts | {3: BLOCK}, rejected=rejected)
    assert exhausted.variants[0].seed == 1
    assert key(plan, 0) not in {variant.render_key for variant in exhausted.attempted}


def test_a_seed_above_the_largest_ends_the_retries(tmp_path: Path) -> None:
    gate = {"measures": {"noise": 0.3}, "retries": 3}
    plan = plan_of(write_campaign(tmp_path, 1, products=("mug",), seeds=[MAX_SEED], quality_gate=gate))
    after = decided(plan, {MAX_SEED: BLOCK})
    assert after.variants == plan.variants
    assert after.gate is not None
    assert after.gate.is_flagged(after.variants[0].name)
    with pytest.raises(RequestError, match=r"the next seed, \d+, is above"):
        decided(plan, {}, rejected=frozenset([key(plan, MAX_SEED)]))


@pytest.mark.parametrize(("on_fail", "consequence"), [("flag", None), ("drop", "drop"), ("fail", "fail")])
def test_on_fail_decides_about_exhausted_variants_only(tmp_path: Path, on_fail: str, consequence: str | None) -> None:
    plan = job(tmp_path, on_fail=on_fail)
    name = plan.variants[0].name
    blocked = dict.fromkeys(range(RETRIES + 1), BLOCK)
    for verdicts, expected in (({0: BLOCK}, None), (blocked, consequence), (blocked | {1: PASS}, None)):
        state = decided(plan, verdicts).gate
        assert state is not None
        assert state.rejected_as(name) == expected


def test_a_plan_without_a_gate_has_no_gate_state(tmp_path: Path) -> None:
    plan = plan_of(write_campaign(tmp_path, 1))
    assert apply_decisions(plan, frozenset(), []).gate is None


def test_later_seeds_are_searched_only_for_variants_with_an_accepted_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An approval of an older prompt's picture costs no render keys for all other variants."""
    gate = {"measures": {"noise": 0.3}, "retries": RETRIES}
    output = {"name": "{{ product }}-{{ seed }}"}
    plan = plan_of(write_campaign(tmp_path, 1, seeds=20, output=output, quality_gate=gate))
    name, old = plan.variants[0].name, "0" * 64
    tried: list[str] = []

    def count(variant: Variant, seed: int, model: ModelDescription) -> Variant:
        tried.append(variant.name)
        return with_seed(variant, seed, model)

    monkeypatch.setattr("brandpress.pipeline.plan.gated.with_seed", count)
    after = apply_decisions(plan, frozenset(), [], frozenset([old]), lambda _: PASS, names={old: {name}})
    assert after.variants == plan.variants
    assert set(tried) == {name}


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_an_approved_retry_stays_when_the_number_of_retries_changes(tmp_path: Path, retries: int) -> None:
    plan = job(tmp_path, retries=retries)
    approved = frozenset([key(plan, 2)])
    after = decided(plan, {0: BLOCK, 1: BLOCK, 2: BLOCK}, approved=approved)
    [variant] = after.variants
    assert variant.seed == 2
    assert after.gate is not None
    assert [one.variant.seed for one in after.gate.attempts(variant.name)] == [0, 1]
    assert after.gate.rejected_as(variant.name) is None
    assert after.gate.blocked == render_keys(after.passed) == {key(plan, 0), key(plan, 1)}


def test_an_approval_of_another_file_has_lapsed(plan: Plan) -> None:
    first = frozenset([key(plan, 0)])
    for decisions in ({"approved": first}, {"picked": first}):
        assert decided(plan, {0: BLOCK}, lapsed=first, **decisions).variants[0].seed == 1


def test_a_plan_says_why_seeds_are_replaced(plan: Plan) -> None:
    rejected = frozenset([key(plan, 1)])
    assert decided(plan, {0: BLOCK, 2: PASS}, rejected=rejected).replaced == {key(plan, 1): "the picture was rejected"}
    blocks = "the quality gate blocks the picture"
    assert decided(plan, {0: BLOCK, 1: BLOCK}).replaced == dict.fromkeys([key(plan, 0), key(plan, 1)], blocks)


def test_all_seeds_on_the_way_to_the_present_one_are_known(plan: Plan) -> None:
    def passed(verdicts: Mapping[int, Verdict], *rejected: int) -> list[int]:
        after = decided(plan, verdicts, rejected=frozenset(key(plan, seed) for seed in rejected))
        return [one.seed for one in after.passed]

    assert passed({}) == passed({0: PASS}) == []
    assert passed({0: BLOCK, 2: PASS}, 1) == [0, 1]
    assert passed({1: PASS}, 0) == [0]
    assert passed({0: BLOCK, 1: BLOCK, 2: BLOCK}) == [0, 1, 2]
