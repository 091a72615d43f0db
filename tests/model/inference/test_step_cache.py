"""Which steps are computed, and what stands in for the others."""

from __future__ import annotations

import pytest
import torch

from brandpress.model.inference.step_cache import Past, approximate_kinds, continued, exact_kinds
from brandpress.model.sampler_version import LONG_SCHEDULE

SHORT = {"whole": "W", "reused": "r", "continued": "-"}


def written(steps: int) -> str:
    return "".join(SHORT[kind] for kind in approximate_kinds(steps))


@pytest.mark.parametrize(
    ("steps", "kinds"),
    [
        (1, "W"),
        (4, "Wrrr"),
        (6, "WrrrWr"),
        (11, "WrrrWrrrWrr"),
        (12, "Wrr-r-W-r-rr"),
        (20, "Wrr-r-W-r-r-r-W-r-rr"),
    ],
)
def test_the_kinds_of_steps(steps: int, kinds: str) -> None:
    assert written(steps) == kinds


@pytest.mark.parametrize("steps", range(1, 201))
def test_what_any_schedule_keeps(steps: int) -> None:
    kinds = approximate_kinds(steps)
    assert len(kinds) == len(exact_kinds(steps)) == steps
    assert kinds[0] == "whole", "nothing is kept yet"
    assert "continued" not in kinds[:2], "two computed steps make a line"
    assert kinds[-1] != "continued"
    assert ("continued" in kinds) == (steps >= LONG_SCHEDULE)
    assert set(exact_kinds(steps)) == {"whole"}


def test_a_velocity_goes_on_in_a_straight_line() -> None:
    def at(sigma: float) -> torch.Tensor:
        return torch.tensor([1.0, -2.0]) + sigma * torch.tensor([3.0, 0.5])

    past = [Past(1.0, torch.zeros(2)), Past(0.9, at(0.9)), Past(0.8, at(0.8))]
    torch.testing.assert_close(continued(past, 0.65), at(0.65))
