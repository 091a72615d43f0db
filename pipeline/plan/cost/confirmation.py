"""When a run is large enough that people are asked first."""

from __future__ import annotations

from brandpress.pipeline.plan.cost.estimate import Estimate

MANY_PICTURES, MANY_MINUTES, MUCH_MONEY = 1_000, 60.0, 20.0
"""Runs are confirmed above any of these. Money is in the currency of the prices."""


def needs_confirmation(estimate: Estimate) -> bool:
    """Whether a run is expected to take more than one of the limits above."""
    minutes, money = estimate.minutes, estimate.money
    return (
        estimate.pictures > MANY_PICTURES
        or (minutes is not None and minutes.expected > MANY_MINUTES)
        or (money is not None and money.amount.expected > MUCH_MONEY)
    )
