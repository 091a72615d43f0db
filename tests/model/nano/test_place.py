"""The device and precision of a training."""

from __future__ import annotations

import pytest
import torch

from brandpress.model.nano import place
from brandpress.model.nano.place import Place
from tests.model.nano.cpu import CPU


@pytest.mark.parametrize("faster", [torch.bfloat16, torch.float32])
def test_a_cpu_uses_the_faster_dtype(faster: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "products_per_second", lambda dtype, _: 2.0 if dtype == faster else 1.0)
    assert Place.of(torch.device("cpu")).dtype == faster


def test_products_per_second_is_positive() -> None:
    assert place.products_per_second(torch.float32, 0.01) > 0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_products_have_the_configured_dtype(dtype: torch.dtype) -> None:
    with Place(torch.device("cpu"), dtype).autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


def test_a_seed_is_reproducible() -> None:
    one, other = (torch.randn(3, generator=CPU.generator(5)) for _ in range(2))
    assert torch.equal(one, other)
