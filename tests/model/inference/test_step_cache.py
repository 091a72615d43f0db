"""Which steps are computed, and how the others are approximated."""

from __future__ import annotations

import pytest
import torch

from brandpress.model.inference.step_cache import ComputedStep, approximate_kinds, exact_kinds, extrapolate
from brandpress.model.sampler_version import LONG_SCHEDULE

LETTERS = {"full": "F", "reused": "r", "extrapolated": "-"}


def as_letters(steps: int) -> str:
    return "".join(LETTERS[kind] for kind in approximate_kinds(steps))


@pytest.mark.parametrize(
    ("steps", "kinds"),
    [
        (1, "F"),
        (4, "Frrr"),
        (6, "FrrrFr"),
        (11, "FrrrFrrrFrr"),
        (12, "Frr-r-F-r-rr"),
        (20, "Frr-r-F-r-r-r-F-r-rr"),
    ],
)
def test_the_kinds_of_steps(steps: int, kinds: str) -> None:
    assert as_letters(steps) == kinds


@pytest.mark.parametrize("steps", range(1, 201))
def test_invariants_of_every_schedule(steps: int) -> None:
    kinds = approximate_kinds(steps)
    assert len(kinds) == len(exact_kinds(steps)) == steps
    assert kinds[0] == "full", "no keys and values exist yet"
    assert "extrapolated" not in kinds[:2], "two computed steps make a line"
    assert kinds[-1] != "extrapolated"
    assert ("extrapolated" in kinds) == (steps >= LONG_SCHEDULE)
    assert set(exact_kinds(steps)) == {"full"}


def test_a_velocity_is_extrapolated_linearly() -> None:
    def at(sigma: float) -> torch.Tensor:
        return torch.tensor([1.0, -2.0]) + sigma * torch.tensor([3.0, 0.5])

    steps = [ComputedStep(1.0, torch.zeros(2)), ComputedStep(0.9, at(0.9)), ComputedStep(0.8, at(0.8))]
    torch.testing.assert_close(extrapolate(steps, 0.65), at(0.65))
