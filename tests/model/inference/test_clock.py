"""The seconds of stages."""

from __future__ import annotations

import pytest
import torch

from brandpress.model.inference.clock import Clock


def test_stages_are_timed_separately() -> None:
    clock = Clock(torch.device("cpu"), now=iter([1.0, 3.5, 4.0, 4.25]).__next__)
    with clock.stage("a"):
        pass
    with clock.stage("b"):
        pass
    assert list(clock.seconds().items()) == [("a", 2.5), ("b", 0.25)]


def test_a_batchs_stage_is_divided_among_its_pictures() -> None:
    together, one = Clock(torch.device("cpu"), now=iter([1.0, 3.0]).__next__), Clock(torch.device("cpu"))
    with together.stage("denoise"):
        pass
    one.share("denoise", together, 4)
    assert one.seconds() == {"denoise": 0.5}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device here")
def test_stages_on_a_gpu_are_timed_by_events() -> None:
    clock, x = Clock(torch.device("cuda")), torch.randn(2048, 2048, device="cuda")
    with clock.stage("a"):
        for _ in range(20):
            x = x @ x
    assert clock.seconds()["a"] > 0
