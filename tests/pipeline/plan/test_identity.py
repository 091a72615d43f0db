"""The render key: literal values that must never change by accident, and which fields it depends on."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields, replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from brandpress.pipeline.plan.identity import KeyInputs, canonical_json, render_key
from tests.pipeline.plan.keys import INPUTS

digests = st.text("0123456789abcdef", min_size=64, max_size=64)
FIELDS = {
    "weights": digests,
    "prompt": st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    "references": st.lists(digests, max_size=3).map(tuple),
    "width": st.integers(64, 4096),
    "height": st.integers(64, 4096),
    "steps": st.none() | st.integers(1, 200),
    "guidance": st.none() | st.floats(0, 100),
    "seed": st.integers(0, 2**53 - 1),
    "quantisation": st.none() | st.sampled_from(["fp8", "nvfp4"]),
    "sampler": st.sampled_from(["euler/1", "euler/2"]),
    "format": st.sampled_from(["png", "jpeg", "webp"]),
    "negative_prompt": st.sampled_from(["", "blurry"]),
    "reference_pixels": st.none() | st.integers(4096, 4_096_576),
    "upsample": st.booleans(),
    "reuse": st.sampled_from(["exact", "approximate/1", "approximate/2"]),
}
inputs = st.builds(KeyInputs, **FIELDS)


def test_the_literal_key() -> None:
    text = (
        '{"format":"png","guidance":1.0,"height":768,'
        '"prompt":"a green mug on the left, “überall” 東京","quantisation":null,'
        f'"references":["{"1" * 64}","{"2" * 64}"],"sampler":"euler-empirical-mu/2","seed":7,"steps":4,'
        f'"weights":"{"0" * 64}","width":1024}}'
    )
    assert canonical_json(INPUTS) == text
    assert render_key(INPUTS) == hashlib.sha256(text.encode("utf-8")).hexdigest()
    assert render_key(INPUTS) == "ff011fad7e0be71626bebfedebd913bd1ca086857309225cbab1d86e89d820e4"


def test_the_literal_key_with_every_sampling_parameter_set() -> None:
    inputs = replace(
        INPUTS,
        steps=None,
        guidance=2.5,
        negative_prompt="a blur",
        reference_pixels=4096,
        upsample=True,
        reuse="approximate/1",
        quantisation="fp8",
    )
    text = (
        '{"format":"png","guidance":2.5,"height":768,"negative_prompt":"a blur",'
        '"prompt":"a green mug on the left, “überall” 東京","quantisation":"fp8","reference_pixels":4096,'
        f'"references":["{"1" * 64}","{"2" * 64}"],"reuse":"approximate/1","sampler":"euler-empirical-mu/2","seed":7,'
        f'"steps":null,"upsample":true,"weights":"{"0" * 64}","width":1024}}'
    )
    assert canonical_json(inputs) == text
    assert render_key(inputs) == hashlib.sha256(text.encode("utf-8")).hexdigest()
    assert render_key(inputs) == "4121ec300b4157fa818d66ef6738eb3d2fef6e44f9218f13ef7f711b7a3638f2"


def test_parameters_that_were_added_later_are_written_only_if_set() -> None:
    params = {"negative_prompt": "a blur", "reference_pixels": 4096, "upsample": True, "reuse": "approximate/1"}
    with_params = replace(INPUTS, **params)
    written = json.loads(canonical_json(with_params))
    assert {name: written.pop(name) for name in params} == params
    assert written == json.loads(canonical_json(INPUTS))


def test_values_that_a_hosted_model_chooses_are_null() -> None:
    text = canonical_json(replace(INPUTS, steps=None, guidance=None))
    assert '"guidance":null' in text
    assert '"steps":null' in text


def test_exactly_the_fields_of_the_design() -> None:
    assert {field.name for field in fields(KeyInputs)} == set(FIELDS)


@given(inputs, st.data())
def test_every_field_changes_the_key(given_inputs: KeyInputs, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(FIELDS)))
    value = data.draw(FIELDS[name])
    assume(value != getattr(given_inputs, name))
    changed = replace(given_inputs, **{name: value})
    assert render_key(changed) != render_key(given_inputs)


@given(inputs, inputs)
def test_keys_are_equal_if_and_only_if_the_inputs_are(one: KeyInputs, other: KeyInputs) -> None:
    assert (render_key(one) == render_key(other)) == (one == other)
    assert render_key(replace(one)) == render_key(one)


@given(inputs)
def test_the_order_of_references_counts(given_inputs: KeyInputs) -> None:
    backwards = replace(given_inputs, references=given_inputs.references[::-1])
    same = given_inputs.references == backwards.references
    assert (render_key(backwards) == render_key(given_inputs)) == same


@pytest.mark.parametrize(("one", "other"), [(4, 4.0), (0.0, -0.0), (1.5, 1.50)])
def test_equal_guidance_has_one_representation(one: float, other: float) -> None:
    assert render_key(replace(INPUTS, guidance=one)) == render_key(replace(INPUTS, guidance=other))


def test_no_text_moves_from_one_field_into_another() -> None:
    tricky = replace(INPUTS, prompt='x","quantisation":"fp8', quantisation=None)
    assert render_key(tricky) != render_key(replace(INPUTS, prompt="x", quantisation="fp8"))
