"""Seconds by operations, against what was measured on an H200."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from brandpress.pipeline.plan.cost.device import device_named
from brandpress.pipeline.plan.cost.seconds import picture_seconds, set_seconds
from tests.pipeline.plan.cost.sizes import architecture, square

H200 = device_named("NVIDIA H200")
KV = "klein-9b-kv 2048², 4 references of 1024², 4 steps, Triton: "


@pytest.fixture(scope="module")
def measured() -> dict[str, float]:
    """Figures of docs/gpu.json: name -> value."""
    report = json.loads((Path(__file__).parents[4] / "docs" / "gpu.json").read_text())
    return {figure["name"]: figure["value"] for section in report["sections"] for figure in section["figures"]}


def test_pictures_take_what_was_measured(measured: dict[str, float]) -> None:
    klein_4b, kv = architecture("flux.2-klein-4b"), architecture("flux.2-klein-9b-kv")
    one = picture_seconds(klein_4b, square(1024), H200)
    assert one == pytest.approx(measured["klein-4b 1024², 4 steps, Triton: the whole picture"], rel=0.1)
    large = picture_seconds(kv, square(2048, references=4), H200)
    assert large == pytest.approx(measured[f"{KV}the whole picture"], rel=0.1)
    with_references = picture_seconds(klein_4b, square(1024, references=2), H200)
    assert with_references == pytest.approx(measured["a picture"], rel=0.1)


def test_a_reference_set_takes_what_was_measured(measured: dict[str, float]) -> None:
    encoding = measured[f"{KV}references to latents, once a set"]
    kv = measured[f"{KV}keys and values of the references, once a set"]
    shape = square(2048, references=4)
    assert set_seconds(architecture("flux.2-klein-9b-kv"), shape, H200) == pytest.approx(encoding + kv, rel=0.1)
    assert set_seconds(architecture("flux.2-klein-9b"), shape, H200) == pytest.approx(encoding, rel=0.1)
    assert set_seconds(architecture("flux.2-klein-9b"), square(2048), H200) == 0


@pytest.mark.parametrize(("fp8", "name"), [(False, "bf16, a step, Triton"), (True, "fp8, a step, Triton")])
def test_a_step_of_dev_takes_what_was_measured(measured: dict[str, float], fp8: bool, name: str) -> None:
    sizes = architecture("flux.2-dev", fp8=fp8)
    step = picture_seconds(sizes, square(1024, references=3, steps=21), H200)
    step -= picture_seconds(sizes, square(1024, references=3, steps=20), H200)
    assert step == pytest.approx(measured[name], rel=0.1)


def test_small_pictures_wait_for_kernels_to_be_launched(measured: dict[str, float]) -> None:
    sizes = architecture("flux.2-klein-4b")
    step = picture_seconds(sizes, square(256, steps=5), H200) - picture_seconds(sizes, square(256), H200)
    assert step == pytest.approx(measured["klein-4B 256²: a step, kernel by kernel"] / 1000, rel=0.1)


def test_a_slower_card_takes_longer() -> None:
    sizes = architecture("flux.2-klein-4b")
    seconds = [picture_seconds(sizes, square(1024), device_named(name)) for name in ("B200", "H100", "A100", "L4")]
    assert seconds == sorted(seconds)
    assert seconds[2] / seconds[1] == pytest.approx(989 / 312, rel=0.01)
