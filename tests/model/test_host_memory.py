"""What of a machine's memory a worker may take."""

from __future__ import annotations

from pathlib import Path

import pytest

from model import host_memory
from model.host_memory import HostMemory, available_memory
from model.memory import Need, machine_memory

GB = 10**9
KIB = 1 << 10


@pytest.mark.parametrize(
    ("meminfo", "cgroup", "available"),
    [
        ("MemTotal: 900 kB\nMemAvailable:  700 kB\nSwapFree: 9 kB", {}, 700 * KIB),
        ("MemAvailable: 700 kB", {"memory.max": "max", "memory.current": "5"}, 700 * KIB),
        ("MemAvailable: 700 kB", {"memory.max": str(500 * KIB), "memory.current": str(200 * KIB)}, 300 * KIB),
        (
            "MemAvailable: 700 kB",
            {
                "memory.max": str(500 * KIB),
                "memory.current": str(450 * KIB),
                "memory.stat": f"anon 1\ninactive_file {100 * KIB}\nactive_file 7",
            },
            150 * KIB,
        ),
        ("MemAvailable: 700 kB", {"memory.max": "100", "memory.current": "900"}, 0),
    ],
)
def test_what_is_available(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meminfo: str, cgroup: dict[str, str], available: int
) -> None:
    (tmp_path / "meminfo").write_text(meminfo)
    for name, text in cgroup.items():
        (tmp_path / name).write_text(text + "\n")
    monkeypatch.setattr(host_memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(host_memory, "CGROUP", tmp_path)
    assert available_memory() == available


def test_this_machine_has_memory_to_give(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 < available_memory() <= machine_memory()
    monkeypatch.setattr(host_memory, "MEMINFO", tmp_path / "none")
    assert 0 < available_memory() <= machine_memory()


def test_a_worker_has_its_part_of_the_machine() -> None:
    host = HostMemory(100, workers=2)
    assert host.room == 40
    assert host.take(30) and not host.take(11) and host.take(10)
    need = Need(transformer=30, text_encoder=10, autoencoder=1, work=1)
    assert HostMemory(100, workers=2).holds_turns(need)
    assert not HostMemory(98, workers=2).holds_turns(need)


@pytest.mark.parametrize(
    ("available", "workers", "reference_set", "weights", "budget"),
    [
        (256 * GB, 1, int(8.6 * GB), 0, 64 * GB),
        (256 * GB, 8, int(8.6 * GB), 0, int(8.6 * GB)),
        (128 * GB, 8, int(8.6 * GB), 0, 4 * GB),
        (256 * GB, 1, int(8.6 * GB), 96 * GB, 40 * GB),
        (30 * GB, 1, int(8.6 * GB), 0, int(8.6 * GB)),
        (8 * GB, 1, 0, 0, 2 * GB),
        (8 * GB, 1, 0, 9 * GB, 0),
    ],
)
def test_reference_sets_have_a_quarter_or_at_least_one_has_room(
    available: int, workers: int, reference_set: int, weights: int, budget: int
) -> None:
    """Eight workers on 128 GB: half of what one has is less than its set."""
    assert HostMemory(available, workers).cache_budget(reference_set, weights) == budget
