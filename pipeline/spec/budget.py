"""The `budget:` of a campaign: how much one run may spend."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from brandpress.pipeline.spec.fields import Fields, as_pydantic
from brandpress.pipeline.spec.problem import WrongValueError

MAX_AMOUNT = 1e9
MAX_PICTURES = 1_000_000_000

Amount = Annotated[float, Field(gt=0, le=MAX_AMOUNT, allow_inf_nan=False)]


class Budget(Fields):
    """The limits of one run; None where there is none. A run stops before it exceeds the first of them.

    gpu_minutes: of all workers together; of the machine if it renders on its CPU. pictures: rendered, failures
    included. money: in the currency of the prices.
    """

    gpu_minutes: Amount | None = None
    pictures: Annotated[int, Field(ge=1, le=MAX_PICTURES)] | None = None
    money: Amount | None = None

    def check(self) -> Budget:
        """Raises if there is no limit at all."""
        if not self.limits():
            raise as_pydantic(
                WrongValueError("has no limit", "write {pictures: 500}, {gpu_minutes: 30} or {money: 20}")
            )
        return self

    def limits(self) -> dict[str, float]:
        """Returns the limits that are set, keyed by field."""
        return {name: value for name in type(self).model_fields if (value := getattr(self, name)) is not None}


JobBudget = Annotated[Budget, AfterValidator(Budget.check)]


def strictest(*budgets: Budget | None) -> Budget | None:
    """Returns the lowest of each limit; None if no budget sets any."""
    limits: dict[str, float] = {}
    for budget in budgets:
        for name, value in (budget.limits() if budget is not None else {}).items():
            limits[name] = min(value, limits.get(name, value))
    return Budget.model_validate(limits) if limits else None
