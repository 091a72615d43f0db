"""Lettering in capitals."""

from __future__ import annotations

import random

import numpy as np
import pytest

from brandpress.model.nano.world.lettering import LETTERS, Typeface, letter_mask, random_typeface

PEN = Typeface(0.18, 0.0, 1.0, 0.0, 0.3)
BUILT_IN = Typeface(0.0, 0.05, 1.0, 0.0, 0.0)


@pytest.mark.parametrize("face", [PEN, BUILT_IN], ids=["pen", "built in"])
def test_letters_have_the_height_asked_for_and_differ(face: Typeface) -> None:
    masks = {letter: letter_mask(letter, 24, face) for letter in sorted(LETTERS - {" ", "-"})}
    assert {mask.height for mask in masks.values()} == {24}
    shapes = {letter: mask.resize((24, 24)).tobytes() for letter, mask in masks.items()}
    assert len(set(shapes.values())) == len(shapes)
    assert letter_mask("SALE", 24, face).width > 2 * letter_mask("S", 24, face).width


def test_an_unknown_letter_is_refused() -> None:
    with pytest.raises(ValueError, match="no glyph for 'é'"):
        letter_mask("CAFé", 24, PEN)


def test_typefaces_vary() -> None:
    rng = random.Random(1)
    faces = {random_typeface(rng) for _ in range(60)}
    assert len(faces) > 20
    assert 0.3 < np.mean([face.pen == 0 for face in faces]) < 0.9
