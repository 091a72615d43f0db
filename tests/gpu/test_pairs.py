"""Measures of the difference between two results."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image

from tests.gpu.pairs import levels_apart, psnr, spreads_apart


def flat(*levels: int) -> Image.Image:
    return Image.fromarray(np.array([levels], dtype=np.uint8))


def test_differences_of_pictures() -> None:
    assert levels_apart(flat(0, 255, 10), flat(255, 255, 12)) == 255, "levels don't wrap around"
    assert levels_apart(flat(7, 8), flat(7, 8)) == 0
    assert psnr(flat(7, 8), flat(7, 8)) == 99
    assert psnr(flat(0, 0), flat(255, 255)) == pytest.approx(0)
    assert psnr(flat(0, 0), flat(1, 0)) == pytest.approx(10 * math.log10(255**2 / 0.5))


def test_differences_of_tensors() -> None:
    other = torch.tensor([-1.0, 1.0, -1.0, 1.0])
    assert spreads_apart(other, other) == 0
    assert spreads_apart(other + torch.tensor([0.0, 0.0, 0.0, 1.0]), other) == pytest.approx(1 / float(other.std()))
    assert spreads_apart(other.bfloat16(), other) == 0
    assert math.isfinite(spreads_apart(torch.zeros(3), torch.zeros(3)))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_values_that_are_not_finite_are_infinitely_far(value: float) -> None:
    good, bad = torch.tensor([0.0, 1.0]), torch.tensor([0.0, value])
    assert spreads_apart(bad, good) == spreads_apart(good, bad) == spreads_apart(bad, bad) == math.inf
