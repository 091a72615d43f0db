"""Estimates of whole plans on made-up records."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from brandpress.model.memory.gpus import Gpu
from brandpress.model.memory.plan import DeviceMemory
from brandpress.pipeline.plan.cost import estimate as module
from brandpress.pipeline.plan.cost.estimate import CostOptions, estimate
from brandpress.pipeline.plan.cost.prices import read_prices
from brandpress.pipeline.plan.expand import Plan, make_plan, plan_for
from brandpress.pipeline.plan.memory import memory_of
from brandpress.pipeline.spec.budget import Budget
from brandpress.pipeline.spec.load import load_campaign
from tests.campaigns import write_campaign
from tests.pipeline.plan.cost.sizes import WEIGHTS, record
from tests.pipeline.plan.keys import model

OPTIONS = CostOptions(read_prices())


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine has no GPU, whatever it has."""
    monkeypatch.setattr(module, "visible_gpus", lambda environment: ())


@pytest.fixture
def nano(tmp_path: Path) -> Plan:
    """Twelve pictures of nano with two reference sets."""
    return make_plan(load_campaign(write_campaign(tmp_path, 6, model="nano", size="256x256")))


def nano_record(plan: Plan, seconds: float, side: int = 256, **changes: object) -> dict[str, object]:
    digest = plan.variants[0].references[0].sha256
    fields = {
        "width": side,
        "height": side,
        "steps": 4,
        "references": [{"sha256": digest}],
        "model": {"weights_digest": plan.model.weights_digest},
        "timings": {"model": seconds},
        "host": {"device": "cpu"},
        "bytes": side * side,
    }
    return record(**fields | changes)


def test_nano_is_estimated_for_the_cpu(nano: Plan) -> None:
    cost = estimate(nano, nano.variants, (), OPTIONS, memory_of(nano))
    assert (cost.pictures, cost.device.kind, cost.basis, cost.money) == (12, "cpu", "model", None)
    assert cost.minutes is not None
    assert cost.minutes.low < cost.minutes.expected < cost.minutes.high
    assert 4 < cost.load.expected < 5, "mostly for importing torch"
    assert cost.minutes.expected * 60 > cost.load.expected + cost.sets.expected
    assert cost.sets.expected > 0
    assert not cost.megabytes_measured


def test_records_of_the_same_shape_are_measurements(nano: Plan) -> None:
    records = [nano_record(nano, seconds) for seconds in (1.0, 2.0, 3.0, 4.0, 5.0)]
    cost = estimate(nano, nano.variants, records, OPTIONS)
    assert cost.basis == "measured"
    assert cost.minutes is not None
    assert cost.minutes.expected == pytest.approx((12 * 3.0 + cost.sets.expected + cost.load.expected) / 60)
    assert cost.minutes.low == pytest.approx((12 * 2.0 + cost.sets.low + cost.load.low) / 60)
    assert cost.megabytes_measured
    assert cost.megabytes.expected == pytest.approx(12 * 256 * 256 / 1e6)


def test_records_of_other_sizes_are_scaled(nano: Plan) -> None:
    slow = estimate(nano, nano.variants, [nano_record(nano, 40.0, 512)] * 5, OPTIONS)
    quick = estimate(nano, nano.variants, [nano_record(nano, 4.0, 512)] * 5, OPTIONS)
    assert (slow.basis, quick.basis) == ("scaled", "scaled")
    assert slow.minutes is not None
    assert quick.minutes is not None
    load = slow.load.expected / 60
    assert slow.minutes.expected - load == pytest.approx(10 * (quick.minutes.expected - load))


def test_the_worst_group_names_the_basis(tmp_path: Path) -> None:
    formats = {"small": "256x256", "large": "512x512"}
    matrix = {"product": ["mug"], "scene": {"beach": "here"}, "format": formats}
    name = {"format": "png", "name": "{{ product }}-{{ format }}"}
    job = write_campaign(tmp_path, 1, model="nano", matrix=matrix, output=name)
    text = job.read_text().replace('"size": "64x64", ', "")
    job.write_text(text)
    plan = make_plan(load_campaign(job))
    cost = estimate(plan, plan.variants, [nano_record(plan, 1.0)] * 5, OPTIONS)
    assert {group.shape.width: group.basis for group in cost.groups} == {256: "measured", 512: "scaled"}
    assert cost.basis == "scaled"
    assert [group.shape.width for group in cost.groups] == [512, 256], "the largest comes first"


def test_records_of_another_device_do_not_count(nano: Plan) -> None:
    records = [nano_record(nano, 100.0, host={"device": "NVIDIA H200"})] * 5
    assert estimate(nano, nano.variants, records, replace(OPTIONS, gpu="cpu")).basis == "model"
    cost = estimate(nano, nano.variants, records, OPTIONS)
    assert (cost.device.name, cost.basis) == ("NVIDIA H200", "measured"), "the campaign is rendered there"
    assert cost.money is not None


def test_the_device_is_chosen_or_found(nano: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    assert estimate(nano, nano.variants, (), replace(OPTIONS, gpu="L40S")).device.known_as == "L40S"
    big = replace(nano, model=replace(nano.model, family="flux.2-klein-4b"))
    assert estimate(big, nano.variants, (), OPTIONS).device.name == "NVIDIA H100"
    gpu = Gpu("0", "GPU-1", DeviceMemory("NVIDIA A100-SXM4-80GB", 80 << 30, 80 << 30))
    monkeypatch.setattr(module, "visible_gpus", lambda environment: (gpu,))
    assert estimate(nano, nano.variants, (), OPTIONS).device.known_as == "A100"


def test_money_is_minutes_times_the_price_of_an_hour(nano: Plan) -> None:
    cost = estimate(nano, nano.variants, (), replace(OPTIONS, gpu="H100"))
    hour = OPTIONS.prices.gpu_hours["H100"]
    assert cost.minutes is not None
    assert cost.money is not None
    amount = cost.money.amount
    expected = [
        minutes * price / 60
        for minutes, price in zip(
            *((spread.low, spread.expected, spread.high) for spread in (cost.minutes, hour)), strict=True
        )
    ]
    assert [amount.low, amount.expected, amount.high] == pytest.approx(expected)
    assert (cost.money.currency, cost.money.as_of, cost.money.basis) == ("USD", "2026-11-27", "published")


def test_a_card_of_which_nothing_is_known_borrows_rates_and_price(nano: Plan) -> None:
    cost = estimate(nano, nano.variants, (), replace(OPTIONS, gpu="GTX 1080"))
    assert cost.device.unknown
    same = estimate(nano, nano.variants, (), replace(OPTIONS, gpu="H100"))
    assert (cost.minutes, cost.money) == (same.minutes, same.money)


@pytest.fixture
def hosted(tmp_path: Path) -> Plan:
    job = write_campaign(tmp_path, 2, model="flux.2-pro", size="1024x1024", budget={"pictures": 3})
    return make_plan(load_campaign(job))


def test_hosted_tiers_cost_what_is_published(hosted: Plan) -> None:
    cost = estimate(hosted, hosted.variants, (), OPTIONS)
    assert (cost.minutes, cost.basis, cost.device.kind) == (None, "published", "hosted")
    assert cost.money is not None
    small_references = 4 * (0.03 + 0.015)  # of 96x80 pixels, rounded up to a megapixel
    assert cost.money.amount.high == pytest.approx(small_references)
    assert 4 * 0.03 < cost.money.amount.low < small_references


def test_hosted_tiers_cost_what_they_charged_before(hosted: Plan) -> None:
    digest = hosted.variants[0].references[0].sha256
    charged = record(
        steps=None,
        guidance=None,
        cost=4.0,
        references=[{"sha256": digest}],
        model={"weights_digest": hosted.model.weights_digest},
    )
    cost = estimate(hosted, hosted.variants, [charged] * 5, OPTIONS)
    assert cost.money is not None
    assert (cost.basis, cost.money.basis) == ("measured", "measured")
    assert cost.money.amount.expected == pytest.approx(4 * 0.04)


def test_a_tier_without_a_price_has_no_amount(hosted: Plan) -> None:
    prices = replace(OPTIONS.prices, hosted={})
    cost = estimate(hosted, hosted.variants, (), CostOptions(prices))
    assert (cost.money, cost.basis) == (None, "unknown")


def test_an_amount_above_the_budget_is_noticed(nano: Plan) -> None:
    budget = Budget(pictures=11, gpu_minutes=1000.0)
    cost = estimate(nano, nano.variants, (), replace(OPTIONS, budget=budget))
    assert cost.exceeded == ("pictures",)
    assert estimate(nano, nano.variants, (), replace(OPTIONS, budget=budget, limit=11)).exceeded == ()
    assert estimate(nano, nano.variants, (), OPTIONS).exceeded == ()


def test_nothing_to_render_costs_nothing(nano: Plan) -> None:
    cost = estimate(nano, (), (), OPTIONS, memory_of(nano))
    assert (cost.pictures, cost.minutes and cost.minutes.high, cost.megabytes.high) == (0, 0, 0)


def test_a_model_that_cannot_be_read_has_no_time(corpus: Path) -> None:
    plan = plan_for(load_campaign(corpus / "good" / "design.yaml"), model())
    assert plan.model.weights_digest == WEIGHTS
    cost = estimate(plan, plan.variants, (), OPTIONS)
    assert (cost.minutes, cost.money, cost.basis) == (None, None, "unknown")
