"""Devices and their memory. torch's functions for GPUs are replaced, so no GPU is needed."""

from __future__ import annotations

from itertools import chain, repeat
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from brandpress.model.errors import RequestError
from brandpress.model.memory import gpu_share
from brandpress.model.memory.device import device_of, limit_to_budget, memory_of, settled_memory
from brandpress.model.memory.host import available_memory, machine_memory
from brandpress.model.memory.plan import DeviceMemory, Need

GB = 10**9


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[float, torch.device]]:
    """A GPU of 80 GB: other processes hold 50, this one 12, of which tensors use 10. Returns the list of the memory
    fractions that are set."""
    fractions: list[tuple[float, torch.device]] = []
    answers = {
        "mem_get_info": lambda device: (18 * GB, 80 * GB),
        "memory_reserved": lambda device: 12 * GB,
        "memory_allocated": lambda device: 10 * GB,
        "get_device_name": lambda device: "TEST",
        "current_device": lambda: 0,
        "get_device_properties": lambda device: SimpleNamespace(uuid="1"),
        "set_per_process_memory_fraction": lambda fraction, device: fractions.append((fraction, device)),
    }
    monkeypatch.setattr(gpu_share, "FOLDER", tmp_path)
    for name, answer in answers.items():
        monkeypatch.setattr(torch.cuda, name, answer)
    return fractions


@pytest.mark.parametrize(
    ("name", "count", "message"),
    [
        ("card", 0, "device 'card': allowed are cpu, cuda, cuda:1 and so on"),
        ("cuda", 0, "device 'cuda': torch .* finds no GPU; use cpu, or install a torch build for CUDA"),
        ("cuda:2", 2, "device 'cuda:2': torch finds 2 GPUs, cuda:0 to cuda:1"),
    ],
)
def test_a_missing_device_is_rejected(monkeypatch: pytest.MonkeyPatch, name: str, count: int, message: str) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    with pytest.raises(RequestError, match=message):
        device_of(name)


def test_memory_of_other_processes_is_not_free(gpu: object) -> None:
    assert memory_of(torch.device("cuda")) == DeviceMemory("cuda:0 TEST", 80 * GB, 20 * GB, 1)
    assert memory_of(torch.device("cuda:1"), 2) == DeviceMemory("cuda:1 TEST", 80 * GB, 20 * GB, 2, 20 * GB)


@pytest.mark.parametrize(
    ("transformer", "text_encoder", "queries", "free"),
    [
        (10, 0, 1, 18),
        (50, 0, 3, 70),
        (71, 0, 4, 79),
        (73, 0, 1, 18),
        (71.5, 0, 21, 79),
        (60, 40, 3, 70),
        (40, 30, 4, 79),
        (73, 40, 1, 18),
    ],
)
def test_memory_that_another_process_is_freeing_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, gpu: object, transformer: float, text_encoder: int, queries: int, free: int
) -> None:
    """72 of 80 GB can be used if the GPU is empty. Here at most 79 become free, of which 71.1 can be used. A model that
    doesn't fit as a whole is offloaded, and waits for its larger part."""
    free_over_time = chain([18, 40, 70], repeat(79))
    measured: list[int] = []

    def mem_get_info(device: torch.device) -> tuple[int, int]:
        measured.append(next(free_over_time))
        return measured[-1] * GB, 80 * GB

    clock, need = Clock(), Need(int(transformer * GB), text_encoder * GB, 0, 0)
    monkeypatch.setattr(torch.cuda, "mem_get_info", mem_get_info)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 0)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 0)
    monkeypatch.setattr("brandpress.model.memory.device.time", clock)
    assert settled_memory(torch.device("cuda"), 1, need).free == free * GB
    assert len(measured) == queries


class Clock:
    """Replaces `time`: time passes only during `sleep`."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_worker_is_limited_to_its_budget_of_a_shared_gpu(gpu: list[tuple[float, torch.device]]) -> None:
    for workers, place in ((1, "cuda"), (2, "cuda"), (8, "cuda:1"), (2, "cpu")):
        device = torch.device(place)
        limit_to_budget(device, memory_of(device, workers))
    assert gpu == [(0.125, torch.device("cuda")), (1 / 32, torch.device("cuda:1"))]


def test_a_cpus_memory_is_the_machines() -> None:
    memory = memory_of(torch.device("cpu"), 2)
    assert (memory.total, memory.workers) == (machine_memory(), 2)
    assert 0 < memory.free <= memory.total
    assert memory.free == pytest.approx(available_memory(), rel=0.5)
