"""Estimates in words and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from brandpress.pipeline.plan.cost.device import HOSTED, device_named
from brandpress.pipeline.plan.cost.estimate import Estimate, Money
from brandpress.pipeline.plan.cost.groups import Group
from brandpress.pipeline.plan.cost.spread import NONE, Spread
from brandpress.pipeline.plan.cost.text import cost_json, cost_rows, cost_warnings, question, short
from brandpress.pipeline.spec.budget import Budget
from tests.pipeline.plan.cost.sizes import square


def estimate(**changes: Any) -> Estimate:
    """An estimate of 4,200 pictures on an H100, with changes."""
    money = Money(Spread(1.3, 2.31, 6.0), "USD", "2026-11-27", "published")
    cost = Estimate(
        pictures=4200,
        device=device_named("NVIDIA H100"),
        basis="measured",
        minutes=Spread(28, 34.8, 52),
        load=Spread(2, 10, 40),
        sets=NONE,
        megabytes=Spread(3000, 4400.4, 5000),
        megabytes_measured=False,
        money=money,
        groups=(Group(square(1024, 2), 4200, "measured", 12, Spread(0.4, 0.5, 0.7)),),
    )
    return replace(cost, **changes)


def test_a_row_tells_the_amounts_their_range_and_their_basis() -> None:
    assert cost_rows(estimate()) == {
        "cost": "about 35 GPU minutes (28 to 52) on NVIDIA H100, measured on earlier pictures; "
        "about 2.3 USD (1.3 to 6), published prices of 2026-11-27",
        "files": "about 4,400 MB (3,000 to 5,000), usual for the format",
    }


def test_a_row_tells_how_long_the_model_loads_if_that_is_a_large_part() -> None:
    minutes = cost_rows(estimate(load=Spread(60, 300, 900)))["cost"]
    assert minutes.startswith(
        "about 35 GPU minutes (28 to 52), 5 of them for loading the model, on NVIDIA H100, measured"
    )
    cpu = replace(device_named("cpu"), cores=2)
    seconds = cost_rows(estimate(minutes=Spread(0.02, 0.1, 0.3), load=Spread(0.8, 4.1, 16), device=cpu))["cost"]
    assert seconds.startswith(
        "about 6 CPU seconds (1.2 to 18), 4.1 of them for loading the model, on this machine's CPU"
    )


def test_a_row_for_other_devices() -> None:
    cpu = replace(device_named("cpu"), cores=2)
    rows = cost_rows(estimate(device=cpu, money=None, basis="model", megabytes_measured=True))
    assert rows["cost"] == (
        "about 35 CPU minutes (28 to 52) on this machine's CPU (2 cores), by the operations of the model, not measured"
    )
    assert rows["files"].endswith("measured on earlier pictures")
    unknown = cost_rows(estimate(device=device_named("GTX 1080"), money=None))["cost"]
    assert "on GTX 1080, of which nothing is known, at the rates of an H100" in unknown
    assert unknown.endswith("no price is known for GTX 1080")
    assert cost_rows(estimate(minutes=None, money=None))["cost"].startswith("the time is unknown; no price")


@pytest.mark.parametrize(
    ("device", "local", "expected"),
    [
        ("cpu", True, "on the machine that made this plan (CPU, 2 cores), measured"),
        ("cpu", False, "on a CPU, measured"),
        ("NVIDIA H100", True, "on the machine that made this plan (NVIDIA H100), measured"),
        ("NVIDIA H100", False, "on NVIDIA H100, measured"),
    ],
)
def test_a_row_that_others_read_says_on_which_machine(device: str, local: bool, expected: str) -> None:
    one = replace(device_named(device), cores=2, local=local)
    assert expected in cost_rows(estimate(device=one), elsewhere=True)["cost"]
    assert "that made this plan" not in cost_rows(estimate(device=one))["cost"]


def test_a_row_for_a_hosted_tier() -> None:
    assert cost_rows(estimate(device=HOSTED, minutes=None))["cost"] == (
        "about 2.3 USD (1.3 to 6), published prices of 2026-11-27"
    )
    money = Money(Spread(2, 2, 2), "USD", "2026-11-27", "measured")
    rows = cost_rows(estimate(device=HOSTED, minutes=None, money=money))
    assert rows["cost"] == "about 2 USD, measured on earlier pictures"


def test_a_row_for_the_budget() -> None:
    budget = Budget(gpu_minutes=30, pictures=5000, money=20)
    assert cost_rows(estimate(budget=budget))["budget"] == "30 GPU minutes, 5,000 pictures, 20 USD"


def test_nothing_to_render_has_no_rows() -> None:
    assert cost_rows(None) == cost_rows(estimate(pictures=0)) == {}


def test_a_budget_that_is_too_small_is_warned_about() -> None:
    assert cost_warnings(estimate(budget=Budget(pictures=5000))) == ()
    (warning,) = cost_warnings(estimate(budget=Budget(gpu_minutes=30, pictures=500, money=1)))
    assert warning == (
        "the budget doesn't suffice for everything, so that a run will stop before: "
        "35 GPU minutes expected, 30 allowed; 4,200 pictures expected, 500 allowed; 2.3 USD expected, 1 allowed"
    )


def test_large_limits_are_written_out() -> None:
    (warning,) = cost_warnings(estimate(pictures=2_000_000, budget=Budget(pictures=1_234_567, money=2.25)))
    assert "2,000,000 pictures expected, 1,234,567 allowed; 2.3 USD expected, 2.25 allowed" in warning


def test_a_limit_that_cannot_be_followed_is_warned_about() -> None:
    (warning,) = cost_warnings(estimate(device=device_named("cpu"), money=None, budget=Budget(money=1)))
    assert warning.startswith("budget.money: no price is known for cpu; name one with `--prices FILE`")
    (warning,) = cost_warnings(estimate(device=HOSTED, minutes=None, budget=Budget(gpu_minutes=1)))
    assert warning.startswith("budget.gpu_minutes: a hosted tier takes no GPU minutes")
    assert cost_warnings(None) == cost_warnings(estimate()) == ()


def test_the_question_has_the_amounts() -> None:
    assert question(estimate()) == "Render 4,200 pictures, about 35 GPU minutes and 2.3 USD?"
    assert question(estimate(money=None, minutes=None, pictures=1)) == "Render 1 picture?"
    assert question(estimate(budget=Budget(pictures=500))) == (
        "Render 4,200 pictures, about 35 GPU minutes and 2.3 USD, until the budget of 500 pictures is spent?"
    )


def test_an_estimate_as_json() -> None:
    values = json.loads(json.dumps(cost_json(estimate(budget=Budget(pictures=500)))))
    assert (values["schema"], values["pictures"], values["basis"]) == ("brandpress.cost/1", 4200, "measured")
    assert values["gpu_minutes"] == {"low": 28, "expected": 34.8, "high": 52}
    assert values["money"] == {
        "low": 1.3,
        "expected": 2.31,
        "high": 6.0,
        "currency": "USD",
        "as_of": "2026-11-27",
        "basis": "published",
    }
    assert values["device"] == {"name": "NVIDIA H100", "kind": "gpu", "rates_of": None, "cores": None}
    assert values["groups"][0]["seconds"] == {"low": 0.4, "expected": 0.5, "high": 0.7}
    assert (values["groups"][0]["references"], values["groups"][0]["records"]) == (2, 12)
    assert values["budget"] == {"gpu_minutes": None, "pictures": 500, "money": None, "exceeded": ["pictures"]}
    unknown = cost_json(estimate(minutes=None, money=None, device=device_named("GTX 1080")))
    assert unknown is not None
    assert (unknown["gpu_minutes"], unknown["money"], unknown["device"]["rates_of"]) == (None, None, "H100")
    assert cost_json(None) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.001, "under 0.01"), (0.123, "0.12"), (3.44, "3.4"), (9.96, "10"), (34.4, "34"), (3412.3, "3,412")],
)
def test_numbers_have_two_digits_that_count(value: float, text: str) -> None:
    assert short(value) == text


def test_units_fit_their_numbers() -> None:
    short_work = cost_rows(estimate(minutes=Spread(0.016, 0.032, 0.065), load=NONE, money=None))["cost"]
    assert short_work.startswith("about 1.9 GPU seconds (0.96 to 3.9) on NVIDIA H100")
    assert cost_rows(estimate(minutes=Spread(0.5, 1.0, 2.0), load=NONE))["cost"].startswith(
        "about 1 GPU minute (0.5 to 2) on"
    )
    assert cost_rows(estimate(budget=Budget(gpu_minutes=1, money=3), money=None))["budget"] == "1 GPU minute, 3 (money)"
