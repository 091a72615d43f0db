"""When a run is large enough that people are asked first."""

from __future__ import annotations

from brandpress.pipeline.plan.cost.estimate import Estimate

MANY_PICTURES, MANY_MINUTES, MUCH_MONEY = 1_000, 60.0, 20.0
"""Runs are confirmed above any of these. Money is in the currency of the prices."""


def needs_confirmation(estimate: Estimate) -> bool:
    """Whether a run is expected to take more than one of the limits above. A budget that ends it before counts."""
    minutes, money = estimate.minutes, estimate.money
    limits = estimate.budget.limits() if estimate.budget is not None else {}
    amounts = (
        ("pictures", float(estimate.pictures), MANY_PICTURES),
        ("gpu_minutes", 0.0 if minutes is None else minutes.expected, MANY_MINUTES),
        ("money", 0.0 if money is None else money.amount.expected, MUCH_MONEY),
    )
    return any(min(amount, limits.get(name, amount)) > most for name, amount, most in amounts)
