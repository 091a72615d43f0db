"""Offloading: weights are read from disk once if the machine's memory has room for them, and pictures stay the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from brandpress.model import Renderer, RenderRequest
from brandpress.model.checkpoint.weights import Weights
from brandpress.model.inference import components as module
from brandpress.model.inference.components import Offloadable, load_model
from brandpress.model.memory.host import HostMemory
from brandpress.model.memory.offload import OffloadedWeights
from tests.model.small import Small
from tests.model.test_renderer import PROMPT, levels, pictures

CPU = torch.device("cpu")


def linear() -> nn.Linear:
    return nn.Linear(64, 64, bias=False)


@pytest.mark.parametrize("host", [None, HostMemory(1000)], ids=["no host memory", "too little"])
def test_without_room_a_part_is_loaded_again(host: HostMemory | None) -> None:
    loads: list[nn.Linear] = []

    def load() -> nn.Linear:
        loads.append(linear())
        return loads[-1]

    part = Offloadable(load, host)
    for _ in range(3):
        assert part.get() is loads[-1]
        assert part.loaded
        part.offload()
        assert not part.loaded
    assert len(loads) == 3


def test_with_room_a_part_is_loaded_once() -> None:
    part = Offloadable(linear, HostMemory(1 << 20))
    first = part.get()
    weight = first.weight.clone()
    for _ in range(3):
        part.offload()
        part.offload()
        assert not part.loaded and first.weight.numel() == 0
        assert part.get() is first
        assert part.loaded and torch.equal(first.weight, weight)


def test_a_failed_allocation_of_host_memory_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(module: nn.Module) -> None:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(module, "OffloadedWeights", refuse)
    host = HostMemory(1 << 20)
    room = host.room
    part = Offloadable(linear, host)
    first = part.get()
    part.offload()
    assert part.get() is not first
    assert host.room == room, "the other parts can use it"


def test_partly_restored_weights_can_be_offloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    part = Offloadable(linear, HostMemory(1 << 20))
    first = part.get()
    part.offload()

    def restore_partly(self: OffloadedWeights) -> None:
        first.weight.data = torch.ones(64, 64)
        raise torch.OutOfMemoryError("CUDA out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(OffloadedWeights, "restore", restore_partly)
        with pytest.raises(torch.OutOfMemoryError):
            part.get()
    part.offload()
    assert first.weight.numel() == 0
    assert part.get().weight.numel() == 64 * 64


@pytest.mark.parametrize("kind", ["klein", "dev"])
@pytest.mark.parametrize("quantise", [None, "fp8"])
def test_files_are_read_once_over_many_offloads_and_pictures_are_the_same(
    small_of: Callable[[str], Small], monkeypatch: pytest.MonkeyPatch, kind: str, quantise: str | None
) -> None:
    resident = Renderer.load(str(small_of(kind).folder), device="cpu", dtype="float32", quantise=quantise)
    assert isinstance(resident, Renderer)
    reads: list[object] = []
    read = Weights.read

    def recording(self: Weights, name: str, *rest: object) -> object:
        reads.append((self, name))
        return read(self, name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Weights, "read", recording)
    description = resident.description
    assert description.parts is not None
    loaded = load_model(description, description.parts, CPU, torch.float32, "offload", HostMemory(1 << 30))
    offloading = Renderer(loaded)
    once = 0
    for number in range(3):
        requests = [RenderRequest(f"{PROMPT} {number} {i}", pictures(1), 64, 64, seed=i, steps=2) for i in range(2)]
        for one, other in zip(resident.render(requests), offloading.render(requests), strict=True):
            assert levels(one, other) == 0
        assert not loaded.text_encoder.loaded
        once = once or len(reads)
        assert len(reads) == once > 0


@pytest.mark.parametrize(("room", "planned", "actual"), [(1 << 30, False, "memory"), (1 << 10, True, "disk")])
def test_where_parts_are_offloaded_to_is_reported_as_it_happened(
    small_of: Callable[[str], Small], room: int, planned: bool, actual: str
) -> None:
    """Another part may have taken the room that was planned."""
    description = small_of("klein").renderer.description
    assert description.parts is not None
    loaded = load_model(
        description, description.parts, CPU, torch.float32, "offload", HostMemory(room), host_has_room=planned
    )
    assert loaded.offloaded_to == ("memory" if planned else "disk"), "nothing was offloaded yet"
    for part in (loaded.text_encoder, loaded.transformer, loaded.text_encoder):
        loaded.use(part)
    assert loaded.offloaded_to == actual
