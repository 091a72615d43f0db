"""Parts that are in a device's memory one after the other: read from disk once where the machine has room for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from brandpress.model import Renderer, RenderRequest
from brandpress.model.checkpoint.weights import Weights
from brandpress.model.inference.components import load_model
from brandpress.model.inference.residency import Resident
from brandpress.model.memory.host import HostMemory
from brandpress.model.memory.offload import OffloadedWeights
from tests.model.small import Small
from tests.model.test_renderer import PROMPT, levels, pictures

CPU = torch.device("cpu")


def linear() -> nn.Linear:
    return nn.Linear(64, 64, bias=False)


def test_without_room_a_part_is_loaded_again() -> None:
    for host in (None, HostMemory(1000)):
        made: list[nn.Linear] = []
        part = Resident(lambda made=made: made.append(linear()) or made[-1], host)  # type: ignore[func-returns-value,misc]
        for _ in range(3):
            assert part.get() is made[-1]
            assert part.loaded
            part.drop()
            assert not part.loaded
        assert len(made) == 3


def test_with_room_it_is_loaded_once() -> None:
    part = Resident(linear, HostMemory(1 << 20))
    first = part.get()
    weight = first.weight.clone()
    for _ in range(3):
        part.drop()
        part.drop()
        assert not part.loaded and first.weight.numel() == 0
        assert part.get() is first
        assert part.loaded and torch.equal(first.weight, weight)


def test_memory_that_the_machine_refuses_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(module: nn.Module) -> None:
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr("brandpress.model.inference.residency.OffloadedWeights", refuse)
    part = Resident(linear, HostMemory(1 << 20))
    first = part.get()
    part.drop()
    assert part.get() is not first


def test_weights_that_are_half_back_can_be_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """However they came to be so."""
    part = Resident(linear, HostMemory(1 << 20))
    first = part.get()
    part.drop()

    def half(self: OffloadedWeights) -> None:
        first.weight.data = torch.ones(64, 64)
        raise torch.OutOfMemoryError("CUDA out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(OffloadedWeights, "restore", half)
        with pytest.raises(torch.OutOfMemoryError):
            part.get()
    part.drop()
    assert first.weight.numel() == 0
    assert part.get().weight.numel() == 64 * 64


@pytest.mark.parametrize("kind", ["klein", "dev"])
@pytest.mark.parametrize("quantise", [None, "fp8"])
def test_files_are_read_once_over_many_offloads_and_pictures_are_the_same(
    small_of: Callable[[str], Small], monkeypatch: pytest.MonkeyPatch, kind: str, quantise: str | None
) -> None:
    whole = Renderer.load(str(small_of(kind).folder), device="cpu", dtype="float32", quantise=quantise)
    assert isinstance(whole, Renderer)
    opened: list[object] = []
    read = Weights.read

    def noted(self: Weights, name: str, *rest: object) -> object:
        opened.append((self, name))
        return read(self, name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Weights, "read", noted)
    description = whole.description
    assert description.parts is not None
    loaded = load_model(description, description.parts, CPU, torch.float32, "offload", HostMemory(1 << 30))
    offloading = Renderer(loaded)
    once = 0
    for number in range(3):
        requests = [RenderRequest(f"{PROMPT} {number} {i}", pictures(1), 64, 64, seed=i, steps=2) for i in range(2)]
        for one, other in zip(whole.render(requests), offloading.render(requests), strict=True):
            assert levels(one, other) == 0
        assert not loaded.text_encoder.loaded
        once = once or len(opened)
        assert len(opened) == once > 0


@pytest.mark.parametrize(("room", "planned", "told"), [(1 << 30, False, "memory"), (1 << 10, True, "disk")])
def test_where_parts_come_from_is_what_happened(
    small_of: Callable[[str], Small], room: int, planned: bool, told: str
) -> None:
    """Another part may have taken the room that was planned with."""
    description = small_of("klein").renderer.description
    assert description.parts is not None
    loaded = load_model(
        description, description.parts, CPU, torch.float32, "offload", HostMemory(room), kept_in_memory=planned
    )
    assert loaded.offloaded_to == ("memory" if planned else "disk"), "nothing has been let go of yet"
    for part in (loaded.text_encoder, loaded.transformer, loaded.text_encoder):
        loaded.use(part)
    assert loaded.offloaded_to == told
