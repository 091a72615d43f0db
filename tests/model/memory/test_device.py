"""What a process learns of its device. torch's answers of a GPU are given here: there may be none."""

from __future__ import annotations

from itertools import chain, repeat
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from brandpress.model.errors import RequestError
from brandpress.model.memory import gpu_share
from brandpress.model.memory.device import device_of, limit_to_budget, memory_of, settled_memory
from brandpress.model.memory.host import available_memory
from brandpress.model.memory.plan import DeviceMemory, machine_memory

GB = 10**9


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[float, torch.device]]:
    """80 GB, of which others hold 50, this process 12, and 2 of those only its allocator. Notes the fractions that are
    set."""
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
def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch, name: str, count: int, message: str) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    with pytest.raises(RequestError, match=message):
        device_of(name)


def test_what_others_hold_is_not_ours(gpu: object) -> None:
    assert memory_of(torch.device("cuda")) == DeviceMemory("cuda:0 TEST", 80 * GB, 20 * GB, 1)
    assert memory_of(torch.device("cuda:1"), 2) == DeviceMemory("cuda:1 TEST", 80 * GB, 20 * GB, 2, 20 * GB)


@pytest.mark.parametrize(
    ("needed", "queries", "free"),
    [
        (10 * GB, 1, 18),
        (50 * GB, 3, 70),
        (71 * GB, 4, 79),
        (73 * GB, 1, 18),
        (71.5 * GB, 21, 79),
    ],
)
def test_what_another_process_is_about_to_give_back_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, gpu: object, needed: int, queries: int, free: int
) -> None:
    """Of 80 GB, 72 can be used when it's empty; at most 79 get free here, of which 71.1 can be."""
    answers = chain([18, 40, 70], repeat(79))
    answered: list[int] = []

    def ask(device: torch.device) -> tuple[int, int]:
        answered.append(next(answers))
        return answered[-1] * GB, 80 * GB

    clock = Clock()
    monkeypatch.setattr(torch.cuda, "mem_get_info", ask)
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 0)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 0)
    monkeypatch.setattr("brandpress.model.memory.device.time", clock)
    assert settled_memory(torch.device("cuda"), 1, int(needed)).free == free * GB
    assert len(answered) == queries


class Clock:
    """Stands in for `time`: it passes while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_worker_that_shares_a_gpu_keeps_to_its_budget(gpu: list[tuple[float, torch.device]]) -> None:
    for workers, place in ((1, "cuda"), (2, "cuda"), (8, "cuda:1"), (2, "cpu")):
        device = torch.device(place)
        limit_to_budget(device, memory_of(device, workers))
    assert gpu == [(0.125, torch.device("cuda")), (1 / 32, torch.device("cuda:1"))]


def test_without_a_gpu_it_is_what_the_machine_has() -> None:
    memory = memory_of(torch.device("cpu"), 2)
    assert (memory.total, memory.workers) == (machine_memory(), 2)
    assert 0 < memory.free <= memory.total
    assert memory.free == pytest.approx(available_memory(), rel=0.5)
