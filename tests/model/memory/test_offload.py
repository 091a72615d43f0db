"""Offloaded tensors: every byte is restored, and the device's memory is free in between."""

from __future__ import annotations

import weakref

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from brandpress.model.memory import offload
from brandpress.model.memory.offload import HostBytes, OffloadedWeights, large_tensors
from brandpress.model.network.fp8 import Fp8Linear, quantise

CPU = torch.device("cpu")
DTYPES = [torch.float32, torch.bfloat16, torch.float8_e4m3fn, torch.int64, torch.bool, torch.complex64]


def bytes_of(tensor: Tensor) -> Tensor:
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8)


def noise(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    count = torch.empty(shape, dtype=dtype).numel() * dtype.itemsize
    return torch.randint(0, 2 if dtype == torch.bool else 256, (count,), dtype=torch.uint8).view(dtype).reshape(shape)


@given(
    st.lists(st.tuples(st.sampled_from(DTYPES), st.lists(st.integers(0, 7), max_size=3)), max_size=6),
    st.integers(1, 300),
)
def test_every_byte_is_restored_for_any_slab_size(shapes: list[tuple[torch.dtype, list[int]]], slab: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(offload, "SLAB_BYTES", slab)
        tensors = [noise(tuple(shape), dtype) for dtype, shape in shapes]
        copies = HostBytes(tensors, pinned=False)
        assert copies.nbytes == sum(len(bytes_of(tensor)) for tensor in tensors)
        for number, tensor in reversed(list(enumerate(tensors))):
            restored = torch.empty_like(tensor)
            copies.read(number, restored)
            assert torch.equal(bytes_of(restored), bytes_of(tensor))


class Model(nn.Module):
    """Dense and quantised layers, a transposed weight, one that two layers share, and a small one."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(64, 64)
        self.second = nn.Linear(64, 64, bias=False)
        self.second.weight = nn.Parameter(torch.randn(64, 64).t())
        self.third = nn.Linear(64, 64, bias=False)
        self.third.weight = self.first.weight
        self.fourth = Fp8Linear(*quantise(torch.randn(128, 64)))
        self.register_buffer("table", torch.randn(2048))
        self.norm = nn.RMSNorm(128)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(self.fourth(self.third(self.second(self.first(x))))) + self.table[:128]
        return out


@pytest.mark.parametrize("inference", [True, False])
def test_a_restored_module_is_unchanged(inference: bool) -> None:
    torch.manual_seed(0)
    model, x = Model().requires_grad_(False), torch.randn(3, 64)
    before, strides = model(x), model.second.weight.stride()
    weights = OffloadedWeights(model)
    for _ in range(3):
        storages = [weakref.ref(tensor.untyped_storage()) for tensor in large_tensors(model)]
        weights.remove()
        assert len(storages) == 4
        assert all(storage() is None for storage in storages)
        assert model.norm.weight.numel() == 128
        weights.restore()
        with torch.inference_mode(inference):
            assert torch.equal(model(x), before)
    assert model.third.weight is model.first.weight
    assert model.second.weight.stride() == strides


def test_a_weight_with_gaps_is_made_dense() -> None:
    model = nn.Module()
    model.weight = nn.Parameter(torch.randn(64, 128)[:, ::2], requires_grad=False)
    before = model.weight.clone()
    weights = OffloadedWeights(model)
    weights.remove()
    weights.restore()
    assert torch.equal(model.weight, before)


def test_a_failed_restore_leaves_nothing_on_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model().requires_grad_(False)
    before = model.fourth.weight.clone()
    weights = OffloadedWeights(model)
    weights.remove()
    assert weights.removed
    with monkeypatch.context() as patch:
        read = HostBytes.read

        def refuse(self: HostBytes, number: int, into: Tensor) -> None:
            if number == 2:
                raise torch.OutOfMemoryError("CUDA out of memory")
            read(self, number, into)

        patch.setattr(HostBytes, "read", refuse)
        with pytest.raises(torch.OutOfMemoryError):
            weights.restore()
    assert weights.removed
    weights.restore()
    assert not weights.removed and torch.equal(model.fourth.weight, before)
