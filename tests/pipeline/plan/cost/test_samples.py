from __future__ import annotations

from typing import Any

import pytest

from brandpress.pipeline.plan.cost.samples import MAX_SAMPLES, samples_of
from brandpress.pipeline.plan.cost.shape import PictureShape
from tests.pipeline.plan.cost.sizes import record
from tests.pipeline.plan.keys import model


def test_a_record_tells_seconds_and_bytes() -> None:
    fields = record(timings={"model": 2.0, "references": 0.5}, cache={"latents": 0, "text": 1})
    (sample,) = samples_of([fields], model(), {})
    assert sample.shape == PictureShape(1024, 1024, 1024 * 1024, 20, 1, ())
    assert (sample.device, sample.format, sample.warm) == ("NVIDIA H100 80GB HBM3", "png", False)
    assert sample.seconds == 1.5, "encoding references is shared by a set"
    assert sample.bytes_per_pixel == pytest.approx(1_500_000 / 2**20)


def test_hosted_tiers_have_credits_and_no_seconds() -> None:
    (sample,) = samples_of([record(cost=4.5, steps=None)], model(hosted=True), {})
    assert (sample.credits, sample.seconds) == (4.5, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"model": {"weights_digest": "00" * 32}},
        {"model": {"weights_digest": "ab" * 32, "quantisation": "fp8"}},
        {"model": "some-model"},
        {"status": "failed"},
        {"width": None},
    ],
)
def test_records_of_other_weights_or_without_a_picture_are_no_samples(changes: dict[str, Any]) -> None:
    assert samples_of([record(**changes)], model(), {}) == ()


@pytest.mark.parametrize("timings", [None, [], {}, {"model": "long"}, {"model": -1}, {"model": float("inf")}])
def test_odd_timings_are_left_out(timings: object) -> None:
    (sample,) = samples_of([record(timings=timings, host=None, cache=7, bytes="many", cost=True)], model(), {})
    assert (sample.seconds, sample.device, sample.bytes_per_pixel, sample.credits) == (None, "", None, None)


def test_samples_are_bounded() -> None:
    assert len(samples_of([record()] * (MAX_SAMPLES + 5), model(), {})) == MAX_SAMPLES
