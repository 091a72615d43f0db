"""The seconds of stages."""

from __future__ import annotations

import time

import pytest
import torch

from brandpress.model.inference.clock import Clock


def test_stages_are_timed_separately() -> None:
    clock = Clock(torch.device("cpu"))
    with clock.stage("a"):
        time.sleep(0.02)
    with clock.stage("b"):
        pass
    seconds = clock.seconds()
    assert list(seconds) == ["a", "b"]
    assert seconds["a"] >= 0.02 > seconds["b"] >= 0


def test_a_batchs_stage_is_divided_among_its_pictures() -> None:
    together, one = Clock(torch.device("cpu")), Clock(torch.device("cpu"))
    with together.stage("denoise"):
        time.sleep(0.02)
    one.share("denoise", together, 4)
    assert one.seconds()["denoise"] == pytest.approx(together.seconds()["denoise"] / 4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device here")
def test_stages_on_a_gpu_are_timed_by_events() -> None:
    clock, x = Clock(torch.device("cuda")), torch.randn(2048, 2048, device="cuda")
    with clock.stage("a"):
        for _ in range(20):
            x = x @ x
    assert clock.seconds()["a"] > 0
