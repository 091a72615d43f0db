"""What the options about costs mean, and the question before a large run."""

from __future__ import annotations

import os
import sys
from collections.abc import Set
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from brandpress.pipeline.plan.cost.estimate import CostOptions
    from brandpress.pipeline.plan.expand import Plan
    from brandpress.pipeline.spec.budget import Budget

REFUSED = "nothing was rendered"


def budget_of(gpu_minutes: float | None, pictures: int | None, money: float | None) -> Budget | None:
    """Returns the budget that the options set; None without any. typer has checked their ranges."""
    from brandpress.pipeline.spec.budget import Budget

    if gpu_minutes is None and pictures is None and money is None:
        return None
    return Budget(gpu_minutes=gpu_minutes, pictures=pictures, money=money)


def cost_options(
    plan: Plan,
    budget: Budget | None,
    prices: Path | None,
    gpu: str | None = None,
    limit: int | None = None,
    only: Set[str] | None = None,
) -> CostOptions:
    """Returns the options for estimates of a plan; of its own budget and `budget`, the strictest limits count.

    Raises SpecError for mistakes in the file of prices.
    """
    from brandpress.pipeline.plan.cost.estimate import CostOptions
    from brandpress.pipeline.plan.cost.prices import read_prices
    from brandpress.pipeline.spec.budget import strictest

    return CostOptions(read_prices(prices), gpu, strictest(plan.campaign.job.budget, budget), limit, only)


def can_ask() -> bool:
    """Whether somebody sits at a terminal who can answer."""
    return sys.stdin.isatty() and sys.stderr.isatty() and not os.environ.get("CI")


def confirmed(plan: Plan, options: CostOptions, *, retry_failed: bool = False) -> bool:
    """Whether a run may begin: it's small, nobody can be asked, or the answer is yes.

    retry_failed: the run renders variants that failed before only, of which there are few, so that it isn't asked for.
    """
    from brandpress.pipeline.deliver.plan_summary import summarise_with_store
    from brandpress.pipeline.plan.cost.confirmation import needs_confirmation
    from brandpress.pipeline.plan.cost.text import question

    if retry_failed or not can_ask():
        return True
    estimate = summarise_with_store(plan, cost=options).cost
    if estimate is None or not needs_confirmation(estimate):
        return True
    if typer.confirm(question(estimate), default=False, err=True, prompt_suffix=" "):
        return True
    typer.echo(REFUSED, err=True)
    return False
