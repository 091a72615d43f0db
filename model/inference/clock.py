"""Measures how long the stages of a picture take."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

_Event: Any = torch.cuda.Event


class Clock:
    """Measures seconds per stage. On a GPU it records CUDA events, which doesn't wait for the GPU."""

    def __init__(self, device: torch.device, now: Callable[[], float] = time.perf_counter) -> None:
        """now: returns the seconds of a monotonic clock. It isn't called on a GPU."""
        self._device, self._now = device, now
        self._stages: dict[str, Callable[[], float]] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Returns a context that times the stage `name`."""
        start = self._mark()
        yield
        end = self._mark()
        self._stages[name] = lambda: _between(start, end)

    def share(self, name: str, other: Clock, pictures: int) -> None:
        """Take over a stage of `other`, divided by the number of pictures that it was for."""
        stage = other._stages[name]
        self._stages[name] = lambda: stage() / pictures

    def seconds(self) -> dict[str, float]:
        """Returns the seconds of each stage. Waits until a GPU has finished them."""
        return {name: stage() for name, stage in self._stages.items()}

    def _mark(self) -> float | torch.cuda.Event:
        if self._device.type != "cuda":
            return self._now()
        event: torch.cuda.Event = _Event(enable_timing=True)
        event.record(torch.cuda.current_stream(self._device))
        return event


def _between(start: float | torch.cuda.Event, end: float | torch.cuda.Event) -> float:
    if isinstance(start, float) or isinstance(end, float):
        return float(end) - float(start)  # type: ignore[arg-type]
    end.synchronize()
    return float(start.elapsed_time(end)) / 1000  # elapsed_time is in milliseconds
