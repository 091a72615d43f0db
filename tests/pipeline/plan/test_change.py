"""What differs between a published record and a planned variant, field by field."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from brandpress.model.choice import ModelChoice
from brandpress.pipeline.deliver.record import new_record, stamp_of
from brandpress.pipeline.plan.change import FIELDS, OTHER, Change, changes_of
from brandpress.pipeline.plan.variant import Reference, Variant
from tests.pipeline.plan.keys import model

MUG = Reference("product", "mug.png", Path("/mug.png"), "a" * 64)
DAWN = Reference("style", "dawn.png", Path("/dawn.png"), "d" * 64, "#ffffff")
VARIANT = Variant(
    "mug/beach", {"product": "mug"}, "a mug", (MUG, DAWN), 64, 64, 7, "png", "1" * 64, steps=4, guidance=4
)
NOW = replace(VARIANT, render_key="2" * 64)


def recorded(variant: Variant = VARIANT, **changes: Any) -> dict[str, Any]:
    """Returns the fields of a variant's published record, as a manifest has them."""
    record = new_record(variant, stamp_of(model()), "done").model_copy(update={"asset": "assets/mug.png"})
    fields: dict[str, Any] = json.loads(record.to_json())
    return fields | changes


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ({"prompt": "a cup"}, Change("prompt", "a mug", "a cup")),
        ({"negative_prompt": "blur"}, Change("negative_prompt", "", "blur")),
        ({"width": 128}, Change("size", "64x64", "128x64")),
        ({"format": "webp"}, Change("format", "png", "webp")),
        ({"seed": 8}, Change("seed", 7, 8)),
        ({"steps": 8}, Change("steps", 4, 8)),
        ({"guidance": None}, Change("guidance", 4.0, None)),
        ({"reference_pixels": 4096}, Change("reference_pixels", None, 4096)),
        ({"upsample": True}, Change("upsample", False, True)),
        ({"reuse": "approximate"}, Change("reuse", "exact", "approximate")),
        ({"references": (replace(MUG, sha256="b" * 64), DAWN)},
         Change("reference", "a" * 64, "b" * 64, "product mug.png")),
        ({"references": (MUG,)}, Change("reference", "d" * 64, None, "style dawn.png")),
        ({"references": (MUG, DAWN, replace(MUG, file="side.png", sha256="c" * 64))},
         Change("reference", None, "c" * 64, "product side.png")),
        ({"references": (MUG, replace(DAWN, background="#000000"))},
         Change("background", "#ffffff", "#000000", "style dawn.png")),
        ({"references": (DAWN, MUG)},
         Change("reference_order", "product mug.png, style dawn.png", "style dawn.png, product mug.png")),
    ],
)  # fmt: skip
def test_each_field_that_decides_pixels_is_compared(now: dict[str, Any], expected: Change) -> None:
    assert changes_of(recorded(), replace(NOW, **now), model()) == (expected,)
    assert expected.field in FIELDS


def test_the_model_is_compared() -> None:
    other = model(weights_digest="cd" * 32, choice=ModelChoice("other", quantise="fp8"), sampler="euler/9")
    assert [(c.field, c.after) for c in changes_of(recorded(), NOW, other)] == [
        ("weights", "cd" * 32),
        ("quantisation", "fp8"),
        ("sampler", "euler/9"),
    ]


def test_a_record_without_a_sampler_leaves_open_what_changed() -> None:
    """Records of earlier versions don't hold it, so that nothing visible differs."""
    old = recorded()
    del old["model"]["sampler"]
    assert changes_of(old, NOW, model(sampler="euler/9")) == (Change(OTHER, None, "euler/9"),)


def test_renamed_reference_files_are_no_change() -> None:
    renamed = (replace(MUG, file="other.png"), replace(DAWN, role="character"))
    assert changes_of(recorded(), replace(NOW, references=renamed), model())[0].field == OTHER
    mixed = (replace(MUG, file="other.png"), replace(DAWN, sha256="e" * 64))
    assert changes_of(recorded(), replace(NOW, references=mixed), model()) == (
        Change("reference", "d" * 64, "e" * 64, "style dawn.png"),
    )


@pytest.mark.parametrize("gone", ["mug.png", "twin.png"])
def test_one_of_two_equal_references_is_removed(gone: str) -> None:
    both = (MUG, replace(MUG, file="twin.png"))
    left = tuple(one for one in both if one.file != gone)
    removed = changes_of(recorded(replace(VARIANT, references=both)), replace(NOW, references=left), model())
    added = changes_of(recorded(replace(VARIANT, references=left)), replace(NOW, references=both), model())
    assert removed == (Change("reference", "a" * 64, None, f"product {gone}"),)
    assert added == (Change("reference", None, "a" * 64, f"product {gone}"),)


def test_a_missing_picture_of_the_same_key() -> None:
    assert changes_of(recorded(), VARIANT, model()) == (Change("picture", "assets/mug.png", None),)


@pytest.mark.parametrize(
    "damage",
    [
        {"model": None}, {"model": "x"}, {"references": None}, {"references": [1, {"sha256": ["x"]}]},
        {"prompt": None}, {"width": None}, {"guidance": {"a": 1}},
    ],
)  # fmt: skip
def test_fields_of_a_foreign_record_may_be_anything(damage: dict[str, Any]) -> None:
    assert changes_of(recorded(**damage), NOW, model())
