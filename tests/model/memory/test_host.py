"""How much of a machine's memory a worker can use."""

from __future__ import annotations

from pathlib import Path

import pytest

from brandpress.model.memory import host as host_memory
from brandpress.model.memory.host import HostMemory, available_memory, machine_memory
from brandpress.model.memory.plan import Need

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
def test_available_memory_is_limited_by_the_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meminfo: str, cgroup: dict[str, str], available: int
) -> None:
    (tmp_path / "meminfo").write_text(meminfo)
    for name, text in cgroup.items():
        (tmp_path / name).write_text(text + "\n")
    monkeypatch.setattr(host_memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(host_memory, "CGROUP", tmp_path)
    assert available_memory() == available


def test_this_machine_has_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 10**8 < machine_memory() < 10**15
    assert 0 < available_memory() <= machine_memory()
    monkeypatch.setattr(host_memory, "MEMINFO", tmp_path / "none")
    assert 0 < available_memory() <= machine_memory()


def test_weights_can_take_four_fifths_of_the_share() -> None:
    host = HostMemory(50)
    assert host.room == 40
    assert host.take(30) and not host.take(11) and host.take(10)
    need = Need(transformer=30, text_encoder=10, autoencoder=1, work=1)
    assert HostMemory(50).holds_offloaded(need)
    assert not HostMemory(49).holds_offloaded(need)


@pytest.mark.parametrize(("workers", "available", "share"), [(1, 90, 90), (2, 90, 50), (8, 90, 12), (8, 5, 5)])
def test_a_workers_share_is_an_equal_part_of_the_machine_but_no_more_than_is_available(
    monkeypatch: pytest.MonkeyPatch, workers: int, available: int, share: int
) -> None:
    monkeypatch.setattr(host_memory, "machine_memory", lambda: 100)
    monkeypatch.setattr(host_memory, "available_memory", lambda: available)
    assert HostMemory.here(workers).room == int(share * host_memory.OFFLOAD_SHARE)


@pytest.mark.parametrize(
    ("share", "reference_set", "weights", "budget"),
    [
        (256 * GB, int(8.6 * GB), 0, 64 * GB),
        (32 * GB, int(8.6 * GB), 0, int(8.6 * GB)),
        (16 * GB, int(8.6 * GB), 0, 4 * GB),
        (256 * GB, int(8.6 * GB), 96 * GB, 40 * GB),
        (8 * GB, 0, 0, 2 * GB),
        (8 * GB, 0, 9 * GB, 0),
    ],
)
def test_the_cache_of_reference_sets_gets_a_quarter_or_one_whole_set(
    share: int, reference_set: int, weights: int, budget: int
) -> None:
    """A 9B model's largest set is more than half of 16 GB, so it gets no room there."""
    assert HostMemory(share).cache_budget(reference_set, weights) == budget
