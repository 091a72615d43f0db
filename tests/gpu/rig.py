"""The device under test: measures time, memory and kernels on it."""

from __future__ import annotations

import gc
import importlib.util
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from brandpress.model.network.compiled_kernels import compiled_kernels, compiler_works
from brandpress.model.network.kernel_choice import kernels_for
from brandpress.model.network.kernels import EAGER, Kernels

MEASURED_ELSEWHERE = 790e12
"""bf16 products of an H100 in operations per second, used until section `ceilings` has measured this card."""


@dataclass
class Rig:
    """device: the device under test. tiny: use small sizes, to prove that every section runs. folder: for pictures and
    small checkpoints. say: prints progress. products: the ceiling of bf16 products in operations per second. every:
    also measure what isn't the default."""

    device: torch.device
    tiny: bool
    folder: Path
    say: Callable[[str], None]
    products: float = MEASURED_ELSEWHERE
    profile: list[tuple[str, float, int]] = field(default_factory=list)
    every: bool = False

    @property
    def gpu(self) -> bool:
        return self.device.type == "cuda"

    @property
    def dtype(self) -> torch.dtype:
        return torch.bfloat16

    @property
    def diffusers(self) -> bool:
        """Whether diffusers is installed for comparison."""
        return importlib.util.find_spec("diffusers") is not None

    def kernels(self) -> dict[str, Kernels]:
        """Kernels by name: torch's own, torch.compile's (on a GPU, with `every`), and the default ones."""
        kernels = {"eager": EAGER}
        if self.gpu and self.every and compiler_works(self.device):
            kernels["compiled"] = compiled_kernels()
        return kernels | self.best()

    def best(self) -> dict[str, Kernels]:
        """`best_kernels`, keyed by name."""
        kernels = self.best_kernels()
        return {kernels.name: kernels}

    def best_kernels(self) -> Kernels:
        """The kernels that a renderer uses by default."""
        return kernels_for(self.device)

    def wait(self) -> None:
        if self.gpu:
            torch.cuda.synchronize(self.device)

    def seconds(self, work: Callable[[], object], rounds: int = 3, warm: int = 1) -> float:
        """The median time of `work` until the device has finished it."""
        for _ in range(warm):
            work()
        times = []
        for _ in range(1 if self.tiny else rounds):
            self.wait()
            start = time.perf_counter()
            work()
            self.wait()
            times.append(time.perf_counter() - start)
        return statistics.median(times)

    def peak(self, work: Callable[[], object]) -> int:
        """Peak bytes of the device's allocator during `work`; 0 on a CPU."""
        if not self.gpu:
            work()
            return 0
        self.free()
        torch.cuda.reset_peak_memory_stats(self.device)
        work()
        self.wait()
        return torch.cuda.max_memory_allocated(self.device)

    def held(self) -> int:
        """Bytes that tensors hold on the device; 0 on a CPU."""
        return torch.cuda.memory_allocated(self.device) if self.gpu else 0

    def free(self) -> None:
        gc.collect()
        if self.gpu:
            self.wait()
            torch.cuda.empty_cache()

    def profiled(self, work: Callable[[], object]) -> tuple[list[tuple[str, float, int]], float]:
        """Returns the kernels of `work` (name, milliseconds, calls), longest first, and the share of idle time between
        the first and the last. Empty on a CPU."""
        if not self.gpu:
            work()
            return [], 0.0
        from torch.profiler import ProfilerActivity, profile

        self.wait()
        with profile(activities=[ProfilerActivity.CUDA]) as profiler:
            work()
            self.wait()
        events = [event for event in profiler.events() if event.device_type == torch.autograd.DeviceType.CUDA]
        return kernel_table(events), idle_share([(e.time_range.start, e.time_range.end) for e in events])


def kernel_table(events: Sequence[Any], most: int = 15) -> list[tuple[str, float, int]]:
    """(name, milliseconds, calls) of events (name, time_range in microseconds), longest first."""
    times: dict[str, list[float]] = {}
    for event in events:
        times.setdefault(event.name, []).append((event.time_range.end - event.time_range.start) / 1000)
    rows = sorted(((name, sum(spent), len(spent)) for name, spent in times.items()), key=lambda row: -row[1])
    return rows[:most]


def idle_share(ranges: Sequence[tuple[float, float]]) -> float:
    """The share of the time between first start and last end that no range (start, end) covers."""
    if not ranges:
        return 0.0
    ordered = sorted(ranges)
    first, end, idle = ordered[0][0], ordered[0][0], 0.0
    for start, stop in ordered:
        idle += max(0.0, start - end)
        end = max(end, stop)
    return idle / (end - first) if end > first else 0.0
