"""The canvas of scenes."""

from __future__ import annotations

import random

import numpy as np
import pytest

from brandpress.model.nano.world.backdrop import Backdrop, spot

SKY, INK = (200, 220, 240), (10, 20, 30)


def canvas(width: int = 80, height: int = 48) -> Backdrop:
    backdrop = Backdrop(random.Random(1), width, height)
    backdrop.gradient(0, 1, (0, SKY), (1, SKY))
    return backdrop


def inked(backdrop: Backdrop) -> tuple[float, float, float, float]:
    """Returns the bounding box of dark pixels, in fractions of the picture: left, top, right, bottom."""
    pixels = np.asarray(backdrop.finish())
    ys, xs = np.nonzero(pixels[..., 0] < 105)
    height, width = pixels.shape[:2]
    return xs.min() / width, ys.min() / height, (xs.max() + 1) / width, (ys.max() + 1) / height


def test_a_gradient_ranges_from_its_first_colour_to_its_last() -> None:
    backdrop = canvas()
    backdrop.gradient(0.5, 1, (0, SKY), (1, INK))
    column = np.asarray(backdrop.finish())[:, 7].astype(int)
    assert (column[:24] == SKY).all()
    assert (np.diff(column[24:].sum(-1)) < 0).all()
    assert np.abs(column[-1] - INK).max() < 8


def test_shapes_are_drawn_at_fractional_positions() -> None:
    box, disc, poly = canvas(), canvas(), canvas()
    box.box(0.25, 0.5, 0.75, 1, INK)
    disc.disc(0.5, 0.5, 0.25, INK)
    poly.poly([(0, 0), (0.5, 0), (0.5, 0.5), (0, 0.5)], INK)
    assert inked(box) == pytest.approx((0.25, 0.5, 0.75, 1), abs=0.03)
    assert inked(disc) == pytest.approx((0.35, 0.25, 0.65, 0.75), abs=0.03)  # round: its radius is 12 pixels
    assert inked(poly) == pytest.approx((0, 0, 0.5, 0.5), abs=0.03)


def test_softening_keeps_the_size_and_spreads_edges() -> None:
    backdrop = canvas()
    backdrop.box(0.5, 0, 1, 1, INK)
    sharp = np.asarray(backdrop.finish())
    backdrop.soften(0.1)
    soft = np.asarray(backdrop.finish())
    assert soft.shape == sharp.shape == (48, 80, 3)
    assert len(np.unique(soft[24, :, 0])) > len(np.unique(sharp[24, :, 0])) + 3


def test_softening_stops_at_its_lower_edge() -> None:
    backdrop = canvas()
    backdrop.box(0.5, 0, 1, 1, INK)
    sharp = np.asarray(backdrop.finish())
    backdrop.soften(0.1, 0.5)
    soft = np.asarray(backdrop.finish())
    assert np.array_equal(soft[25:], sharp[25:])
    assert len(np.unique(soft[10, :, 0])) > len(np.unique(sharp[10, :, 0])) + 3


def test_a_textured_surface_fills_its_rows_with_shades_of_its_colour() -> None:
    backdrop = canvas()
    backdrop.surface("planks", 0.5, (160, 120, 80))
    pixels = np.asarray(backdrop.finish()).astype(int)
    assert (pixels[:23] == SKY).all()
    assert np.abs(pixels[25:].mean(axis=(0, 1)) - (160, 120, 80)).max() < 25
    assert pixels[25:].std(axis=(0, 1)).min() > 3


def test_a_textured_shape_stays_inside_its_outline() -> None:
    backdrop = canvas()
    backdrop.shape([(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)], INK, "brick")
    pixels = np.asarray(backdrop.finish()).astype(int)
    inside = np.zeros((48, 80), bool)
    inside[11:38, 19:62] = True
    assert (pixels[~inside] == SKY).all()
    assert (pixels[14:34, 24:56] != SKY).any(axis=-1).all()


def test_a_ridge_rises_above_its_base() -> None:
    backdrop = canvas()
    edge = backdrop.ridge(0.6, 0.3, INK, "rock")
    heights = [y for _, y in edge]
    assert (min(heights), max(heights)) == pytest.approx((0.3, 0.6))
    assert edge[0][0] == 0
    assert edge[-1][0] == 1


def test_a_fade_covers_rows_more_and_more() -> None:
    backdrop = canvas()
    backdrop.fade(0.5, 1, INK, 0.0, 1.0)
    column = np.asarray(backdrop.finish())[:, 7].astype(int).sum(-1)
    assert (column[:24] == sum(SKY)).all()
    assert (np.diff(column[24:]) <= 0).all()
    assert column[-1] < sum(INK) + 30


def test_a_mirror_repeats_the_rows_above_its_line() -> None:
    backdrop = canvas()
    backdrop.box(0, 0, 1, 0.25, INK)
    backdrop.mirror(0.5, SKY, 0.0)
    pixels = np.asarray(backdrop.finish()).astype(int)
    assert (pixels[38:] == INK).all()
    assert (pixels[26:34] == SKY).all()


def test_shading_darkens_the_corners_and_not_the_middle() -> None:
    backdrop = canvas()
    pixels = np.asarray(backdrop.finish(shade=0.5)).astype(int)
    assert (pixels[24, 40] == SKY).all()
    assert pixels[0, 0].sum() < sum(SKY) - 150


def test_a_spot_fades_from_its_centre() -> None:
    row = np.asarray(spot(1.0))[32].astype(int)
    assert row[32] > 240
    assert row[0] == 0
    assert (np.diff(row[32:]) <= 0).all()
