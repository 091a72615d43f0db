"""Distances of the parts of things."""

from __future__ import annotations

import numpy as np
import pytest

from brandpress.model.nano.world.solids import SOLIDS, box, ellipse, joined, limb
from brandpress.model.nano.world.textures import Canvas

CANVAS = Canvas.of(40)  # pixel centres at -0.975, -0.925 ...


def at(field: np.ndarray, x: float, y: float) -> float:
    return float(field[round((y + 1) * 20 - 0.5), round((x + 1) * 20 - 0.5)])


@pytest.mark.parametrize(
    ("field", "inside", "outside"),
    [
        (ellipse(CANVAS, 0.025, 0.025, 0.5, 0.5), -0.5, 0.4),
        (box(CANVAS, 0.025, 0.025, 0.5, 0.3, 0.0), -0.3, 0.4),
        (limb(CANVAS, (0.025, 0.025), (0.425, 0.025), 0.2, 0.1), -0.2, 0.4),
    ],
)
def test_distances_are_those_to_the_edge(field: np.ndarray, inside: float, outside: float) -> None:
    assert field.dtype == np.float32
    assert at(field, 0.025, 0.025) == pytest.approx(inside, abs=0.02)
    assert at(field, 0.925, 0.025) == pytest.approx(outside, abs=0.01)


def test_a_rounded_joint_fills_the_gap() -> None:
    first, second = ellipse(CANVAS, -0.3, 0, 0.26, 0.26), ellipse(CANVAS, 0.3, 0, 0.26, 0.26)
    assert at(np.minimum(first, second), 0.025, 0.025) > 0 > at(joined(first, second, 0.3), 0.025, 0.025)
    assert at(joined(first, second, 0.3), 0.775, 0.025) == pytest.approx(at(second, 0.775, 0.025))


@pytest.mark.parametrize("solid", [solid for solid, _ in SOLIDS], ids=lambda solid: solid.__name__)
def test_every_solid_covers_some_of_the_canvas(solid) -> None:  # type: ignore[no-untyped-def]
    for seed in range(15):
        parts = solid(np.random.default_rng(seed), CANVAS)
        assert {part.role for part in parts} <= {"body", "trim", "dark", "white", "shaded", "lit"}
        assert 0.01 < (np.minimum.reduce([part.distance for part in parts]) < 0).mean() < 0.95
