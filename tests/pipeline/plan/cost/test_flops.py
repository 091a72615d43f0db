"""Operations of a picture, against the figures that are published or computed elsewhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from brandpress.model.inference.step_cache import approximate_kinds
from brandpress.pipeline.plan.cost.flops import (
    convolution_flops,
    reference_pass_flops,
    step_counts,
    step_flops,
    text_flops,
)
from tests.pipeline.plan.cost.sizes import architecture, square

TERA, PETA = 1e12, 1e15


@pytest.mark.parametrize(
    ("model", "side", "without", "with_four"),
    [
        ("flux.2-klein-4b", 1024, 35, 264),
        ("flux.2-klein-9b", 1024, 76, 524),
        ("flux.2-dev", 1024, 283, 1760),
        ("flux.2-klein-4b", 2048, 191, 544),
        ("flux.2-klein-9b", 2048, 386, 1045),
        ("flux.2-dev", 2048, 1322, 3353),
    ],
)
def test_a_step_takes_the_operations_that_are_known(model: str, side: int, without: float, with_four: float) -> None:
    """In TFLOP, without references and with four of 1024x1024."""
    sizes = architecture(model)
    assert step_flops(sizes, square(side)) / TERA == pytest.approx(without, rel=0.02)
    assert step_flops(sizes, square(side, references=4)) / TERA == pytest.approx(with_four, rel=0.02)


@pytest.mark.parametrize(
    ("side", "references", "picture", "with_set"),
    [(1024, 1, 0.341, 0.407), (1024, 4, 0.460, 0.830), (2048, 4, 2.123, 2.492), (2048, 8, 2.703, 3.723)],
)
def test_a_kv_model_passes_over_references_once_a_set(
    side: int, references: int, picture: float, with_set: float
) -> None:
    """In PFLOP for 4 steps of klein-9B-KV."""
    sizes, shape = architecture("flux.2-klein-9b-kv"), square(side, references)
    denoising = shape.steps * step_flops(sizes, shape)
    assert denoising / PETA == pytest.approx(picture, rel=0.02)
    both = denoising + reference_pass_flops(sizes, shape.reference_tokens)
    assert both / PETA == pytest.approx(with_set, rel=0.02)


def test_other_models_have_no_pass_over_references() -> None:
    assert reference_pass_flops(architecture("flux.2-klein-9b"), 4096) == 0
    assert reference_pass_flops(architecture("flux.2-klein-9b-kv"), 0) == 0


def test_guidance_of_an_undistilled_model_doubles_a_step() -> None:
    sizes = architecture("flux.2-klein-base-4b")
    assert step_flops(sizes, square(1024, passes=2)) == 2 * step_flops(sizes, square(1024))


@pytest.mark.parametrize("steps", [1, 4, 11, 12, 13, 20, 50, 51])
def test_approximate_steps_are_those_that_the_model_takes(steps: int) -> None:
    kinds = approximate_kinds(steps)
    shape = replace(square(1024, references=1, steps=steps), approximate=True)
    assert step_counts(shape) == (kinds.count("full"), kinds.count("reused"))
    assert step_counts(replace(shape, approximate=False)) == (steps, 0)


def test_the_decoder_takes_the_operations_of_its_layers() -> None:
    """Counted from the shapes by hand: 10.5 TFLOP at 1024x1024; the attention in the middle grows with its square."""
    decoder = architecture("flux.2-dev").decoder
    small, large = convolution_flops(decoder, 1024**2), convolution_flops(decoder, 2048**2)
    assert small / TERA == pytest.approx(10.47, rel=0.01)
    assert large / TERA == pytest.approx(48.5, rel=0.01)


def test_the_text_encoder_takes_two_operations_per_weight_and_token() -> None:
    encoder = architecture("flux.2-klein-4b").text_encoder
    weights = 27 * (2 * 2560 * (4096 + 1024) + 3 * 2560 * 9728)
    assert text_flops(encoder, 512) == pytest.approx(2 * 512 * weights, rel=0.05)
