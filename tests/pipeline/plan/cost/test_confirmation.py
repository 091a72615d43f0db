from __future__ import annotations

from typing import Any

import pytest

from brandpress.pipeline.plan.cost.confirmation import MANY_MINUTES, MANY_PICTURES, MUCH_MONEY, needs_confirmation
from brandpress.pipeline.plan.cost.estimate import Money
from brandpress.pipeline.plan.cost.spread import Spread
from brandpress.pipeline.spec.budget import Budget
from tests.pipeline.plan.cost.test_text import estimate


def money(amount: float) -> Money:
    return Money(Spread(0, amount, 2 * amount), "USD", "2026-11-27", "published")


@pytest.mark.parametrize(
    ("changes", "confirms"),
    [
        ({"pictures": MANY_PICTURES}, False),
        ({"pictures": MANY_PICTURES + 1}, True),
        ({"minutes": Spread(0, MANY_MINUTES + 1, 999)}, True),
        ({"minutes": None, "money": money(MUCH_MONEY + 1)}, True),
        ({"minutes": Spread(0, MANY_MINUTES, 999), "money": money(MUCH_MONEY)}, False),
        ({"pictures": 10**6, "budget": Budget(pictures=100)}, False),
        ({"pictures": 10**6, "budget": Budget(money=1)}, True),
        ({"minutes": Spread(0, 999, 9999), "budget": Budget(gpu_minutes=5)}, False),
    ],
)
def test_large_runs_are_asked_for_unless_a_budget_ends_them_before(changes: dict[str, Any], confirms: bool) -> None:
    assert needs_confirmation(estimate(**{"pictures": 10, "money": None} | changes)) is confirms
