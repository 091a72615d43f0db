"""The `publish:` policy of a campaign: when a run's manifest becomes the latest."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from brandpress.pipeline.spec.messages import kind, quote
from brandpress.pipeline.spec.percentage import parse_percentage
from brandpress.pipeline.spec.problem import WrongValueError

POLICIES = ("rolling", "whole", "approved", "approved-whole")
Policy = Literal["rolling", "whole", "approved", "approved-whole"]
_ALLOWED_FAILED_RULE = "allowed: a whole number of variants, or a percentage like 2%"


def waits_for_all(policy: Policy) -> bool:
    """Whether the pointer moves only when all variants are done."""
    return policy in ("whole", "approved-whole")


def needs_approval(policy: Policy) -> bool:
    """Whether only approved pictures are published."""
    return policy in ("approved", "approved-whole")


@dataclass(frozen=True, slots=True)
class AllowedFailures:
    """How many variants of a campaign may fail: a number, or a percentage of the planned ones."""

    count: int = 0
    percent: Fraction = Fraction(0)

    def of(self, planned: int) -> int:
        """Returns the number for this many planned variants."""
        return max(self.count, int(planned * self.percent / 100))


def parse_allowed_failures(value: object) -> AllowedFailures:
    """Returns `allow_failed:`. Raises WrongValueError."""
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 0:
            raise WrongValueError(f"{quote(value)} is negative", _ALLOWED_FAILED_RULE)
        return AllowedFailures(count=value)
    if not isinstance(value, str):
        raise WrongValueError(f"must be a number or a percentage, not {kind(value)}", _ALLOWED_FAILED_RULE)
    percent = parse_percentage(value)
    if percent is None:
        raise WrongValueError(f"{quote(value)} isn't a number or a percentage", _ALLOWED_FAILED_RULE)
    return AllowedFailures(percent=percent)
