"""What a run has spent, and how many more pictures its budget allows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brandpress.model.errors import RequestError
from brandpress.pipeline.plan.cost.prices import read_prices
from brandpress.pipeline.plan.cost.spread import Spread
from brandpress.pipeline.render.driver.spending import Spending
from brandpress.pipeline.spec.budget import Budget
from tests.pipeline.deliver.records import failed, record

PRICES = replace(read_prices(), gpu_hours={"H100": Spread(2, 3.6, 7), "A100": Spread(1, 1.8, 3)})


def render(spending: Spending, number: int, seconds: float, worker: str = "worker-0") -> None:
    """A worker renders a picture in so many seconds."""
    spending.add_work(worker, seconds, now=0.0)
    spending.add_record(record(number))


def test_without_a_budget_there_is_always_room() -> None:
    spending = Spending(None, PRICES)
    assert (spending.room(100, 1), spending.exhausted, spending.limits) == (None, False, "")


def test_pictures_are_counted_with_those_in_flight_and_those_that_failed() -> None:
    spending = Spending(Budget(pictures=3), PRICES)
    assert spending.room(0, 1) == 3
    assert spending.room(2, 1) == 1
    render(spending, 0, 1.0)
    spending.add_record(failed(1))
    assert (spending.room(0, 1), spending.room(1, 1), spending.exhausted) == (1, 0, False)
    render(spending, 2, 1.0)
    assert (spending.room(0, 1), spending.exhausted) == (0, True)


def test_until_a_picture_is_measured_each_worker_gets_one() -> None:
    spending = Spending(Budget(gpu_minutes=10), PRICES)
    spending.add_worker("worker-0", "NVIDIA H100", 30)
    assert [spending.room(in_flight, 2) for in_flight in (0, 1, 2)] == [2, 1, 0]


def test_minutes_allow_as_many_pictures_as_take_the_mean() -> None:
    spending = Spending(Budget(gpu_minutes=10), PRICES)
    spending.add_worker("worker-0", "NVIDIA H100", 60)
    render(spending, 0, 120)
    assert spending.spent.gpu_minutes == pytest.approx(3), "loading the model counts"
    assert [spending.room(in_flight, 1) for in_flight in (0, 1, 3, 5)] == [3, 2, 0, 0], "7 minutes are left for 2 each"
    render(spending, 1, 480)
    assert (spending.room(0, 1), spending.exhausted) == (0, True)


def test_the_time_of_a_worker_that_is_lost_counts_from_its_last_report() -> None:
    spending = Spending(Budget(gpu_minutes=10), PRICES)
    spending.begin("worker-0", 0.0, 0.5)
    spending.add_worker("worker-0", "NVIDIA H100", 60, 0.5)
    spending.begin("worker-0", 100.0, 0.5)
    spending.add_work("worker-0", 60, now=160.0)
    spending.add_lost_time("worker-0", 280.0)
    assert spending.spent.gpu_minutes == pytest.approx(0.5 + 0.5 + 1)
    assert spending.spent.money == pytest.approx(2 * 3.6 / 60)


def test_the_time_of_a_worker_that_is_lost_while_it_loads_counts() -> None:
    spending = Spending(Budget(gpu_minutes=10), PRICES)
    spending.begin("worker-0", 30.0)
    spending.add_lost_time("worker-0", 90.0)
    assert (spending.spent.gpu_minutes, spending.spent.money) == (pytest.approx(1), None)
    spending.add_worker("worker-1", "NVIDIA H100", 60)
    spending.begin("worker-2", 90.0)
    spending.add_lost_time("worker-2", 150.0)
    assert (spending.spent.gpu_minutes, spending.spent.money) == (pytest.approx(3), pytest.approx(2 * 3.6 / 60))
    spending.add_lost_time("worker-3", 900.0)
    assert spending.spent.gpu_minutes == pytest.approx(3), "its process never ran"
    hosted = Spending(None, PRICES, hosted=True)
    hosted.begin("worker-0", 0.0)
    hosted.add_lost_time("worker-0", 60.0)
    assert (hosted.spent.gpu_minutes, hosted.spent.money) == (None, None)


def test_workers_on_one_device_share_its_minutes() -> None:
    spending = Spending(Budget(gpu_minutes=10), PRICES)
    for worker in ("worker-0", "worker-1"):
        spending.add_worker(worker, "NVIDIA H100", 60, 0.5)
        render(spending, 0, 60, worker)
    spent = spending.spent
    assert (spent.gpu_minutes, spent.money) == (pytest.approx(2), pytest.approx(2 * 3.6 / 60))


def test_money_is_the_time_at_the_price_of_each_device() -> None:
    spending = Spending(Budget(money=1.0), PRICES)
    spending.add_worker("worker-0", "NVIDIA H100 80GB HBM3", 0)
    spending.add_worker("worker-1", "NVIDIA A100-SXM4-80GB", 0)
    render(spending, 0, 100, "worker-0")
    render(spending, 1, 100, "worker-1")
    assert spending.spent.money == pytest.approx(0.1 + 0.05)
    assert spending.room(0, 2) == 11, "0.85 are left for 0.075 each"
    assert spending.limits == "1 USD"


def test_a_card_without_a_price_counts_as_the_dearest_one_if_money_is_limited() -> None:
    spending = Spending(Budget(money=1.0), PRICES)
    warning = spending.add_worker("worker-0", "GTX 1080", 0)
    assert warning is not None
    assert warning.startswith("no price is known for GTX 1080; it counts 3.6 USD an hour")
    render(spending, 0, 100)
    assert spending.spent.money == pytest.approx(0.1)
    unlimited = Spending(None, PRICES)
    assert unlimited.add_worker("worker-0", "GTX 1080", 0) is None
    render(unlimited, 0, 100)
    assert unlimited.spent.money is None


def test_a_cpu_needs_a_price_if_money_is_limited() -> None:
    with pytest.raises(RequestError, match=r"budget\.money: no price is known for a CPU"):
        Spending(Budget(money=1), PRICES).use_cpu()
    spending = Spending(Budget(gpu_minutes=3), PRICES)
    spending.use_cpu()
    assert (spending.limits, spending.spent.unit) == ("3 CPU minutes", "CPU minutes")
    priced = Spending(Budget(money=1), replace(PRICES, gpu_hours={"cpu": Spread(1, 1, 1)}))
    priced.use_cpu()
    assert priced.add_worker("worker-0", "cpu", 1800) is None
    assert priced.spent.money == pytest.approx(0.5)


def test_a_hosted_tier_costs_what_it_charges() -> None:
    spending = Spending(Budget(money=0.2), PRICES, hosted=True, picture_price=0.06)
    spending.add_worker("worker-0", "BFL", 5)
    assert spending.room(0, 1) == 3
    spending.add_work("worker-0", 10, now=10.0)
    spending.add_record(record(0, cost=4.0))
    assert (spending.spent.money, spending.spent.gpu_minutes) == (pytest.approx(0.04), None)
    assert [spending.room(in_flight, 1) for in_flight in (0, 3, 4)] == [4, 1, 0]
    spending.add_record(record(1))
    assert spending.spent.money == pytest.approx(0.1), "without a charge, the published price"
    spending.add_record(failed(2))
    assert spending.spent.money == pytest.approx(0.1)


def test_a_budget_of_a_hosted_tier_that_cannot_be_followed_is_refused() -> None:
    with pytest.raises(RequestError, match=r"budget\.gpu_minutes: a hosted tier uses no GPU"):
        Spending(Budget(gpu_minutes=1), PRICES, hosted=True)
    with pytest.raises(RequestError, match=r"budget\.money: no price of this tier is known"):
        Spending(Budget(money=1), PRICES, hosted=True)


def test_the_first_limit_counts() -> None:
    spending = Spending(Budget(pictures=100, gpu_minutes=1), PRICES)
    spending.add_worker("worker-0", "NVIDIA H100", 0)
    render(spending, 0, 20)
    assert spending.room(0, 1) == 2
    assert spending.limits == "1 GPU minutes, 100 pictures"
