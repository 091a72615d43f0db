"""Random products and their drawings."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pytest

from brandpress.model.nano.world.colours import COLOURS, distance
from brandpress.model.nano.world.kinds import KINDS
from brandpress.model.nano.world.products import PATTERNS, Product, draw_product, is_held_out, random_product
from brandpress.model.nano.world.shapes import LOGOS

PLAIN = Product(0, "mug", "plain", "green", COLOURS["green"], None, COLOURS["grey"], None, None, COLOURS["white"])
KIND_NAMES = [kind.nouns[0] for kind in KINDS]


def pixels(product: Product, size: int = 100) -> np.ndarray:
    return np.asarray(draw_product(product, size)).astype(int)


def share_of(product: Product, name: str) -> float:
    """Returns the share of opaque pixels whose RGB distance to a named colour is below 90."""
    picture = pixels(product)
    opaque = picture[picture[..., 3] == 255][:, :3]
    return float((np.linalg.norm(opaque - COLOURS[name], axis=1) < 90).mean())


def test_products_and_drawings_depend_on_the_seed_only() -> None:
    one, other = random_product(random.Random(7)), random_product(random.Random(7))
    assert one == other
    assert np.array_equal(pixels(one), pixels(other))


def test_training_never_shows_held_out_combinations() -> None:
    rng = random.Random(3)
    seen = {(KINDS[p.kind].nouns[0], p.pattern) for p in (random_product(rng) for _ in range(3000))}
    held_out = {(KINDS[p.kind].nouns[0], p.pattern) for p in (random_product(rng, held_out=True) for _ in range(400))}
    everything = {(kind, pattern) for kind in KIND_NAMES for pattern in PATTERNS}
    assert not seen & held_out
    assert seen | held_out == everything
    assert held_out == {pair for pair in everything if is_held_out(*pair)}


def test_about_one_combination_in_eight_is_held_out_but_none_is_plain() -> None:
    pairs = [(kind, pattern) for kind in KIND_NAMES for pattern in PATTERNS if is_held_out(kind, pattern)]
    assert 0.08 < len(pairs) / (len(KINDS) * len(PATTERNS)) < 0.17
    assert "plain" not in {pattern for _, pattern in pairs}


def test_colours_of_a_product_are_distinct() -> None:
    rng = random.Random(5)
    for _ in range(500):
        product = random_product(rng)
        assert distance(product.rgb, COLOURS[product.colour]) < 25
        assert (product.second is None) == (product.pattern == "plain")
        assert (product.logo_colour is None) == (product.logo is None)
        if product.second:
            assert distance(product.rgb, product.second_rgb) > 90
        if product.logo:
            assert distance(product.rgb, product.logo_rgb) > 90


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=KIND_NAMES)
def test_a_kind_shows_its_colour_pattern_and_logo(kind: int) -> None:
    plain = dataclasses.replace(PLAIN, kind=kind)
    picture = pixels(plain)
    edges = (picture[0], picture[-1], picture[:, 0], picture[:, -1])
    assert all((edge[:, 3] > 0).any() for edge in edges)  # trimmed
    assert 40 < max(picture.shape[:2]) <= 100
    for pattern in PATTERNS[1:]:
        patterned = dataclasses.replace(plain, pattern=pattern, second="yellow", second_rgb=COLOURS["yellow"])
        assert share_of(patterned, "yellow") > share_of(plain, "yellow") + 0.04, pattern
        assert share_of(patterned, "green") > 0.04, pattern
    logoed = dataclasses.replace(plain, logo="circle", logo_colour="pink", logo_rgb=COLOURS["pink"])
    assert share_of(logoed, "pink") > share_of(plain, "pink") + 0.015


def test_every_kind_and_every_logo_looks_different() -> None:
    kinds = [dataclasses.replace(PLAIN, kind=kind) for kind in range(len(KINDS))]
    logos = [dataclasses.replace(PLAIN, logo=logo, logo_colour="white") for logo in LOGOS]
    drawings = [draw_product(product, 100).resize((50, 50)).tobytes() for product in (*kinds, *logos)]
    assert len(set(drawings)) == len(drawings)


def test_a_label_shows_its_word_in_the_logos_place() -> None:
    bare = pixels(PLAIN, 200)
    labels = [pixels(dataclasses.replace(PLAIN, label=word), 200) for word in ("NOVA", "MIRA")]
    for label in labels:
        ys, xs = np.nonzero(np.abs(label - bare).max(-1) > 40)
        assert len(ys) > 100
        assert np.ptp(xs) < 90
        assert np.ptp(ys) < 60
    assert not np.array_equal(*labels)
    rng = random.Random(3)
    products = [random_product(rng) for _ in range(1000)]
    assert 0.06 < np.mean([product.label is not None for product in products]) < 0.2
    assert not any(product.label and product.logo for product in products)


def test_no_two_kinds_share_a_name() -> None:
    names = [name for kind in KINDS for name in set(kind.nouns)]
    assert len(names) == len(set(names))
