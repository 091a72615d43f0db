"""Measures pictures in threads, so that measuring costs no time while others are rendered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

import torch

from brandpress.pipeline.cpus import available_cpus

MAX_THREADS = 8
CORES_PER_THREAD = 2
MAX_WAITING = 1_000
"""Pictures that wait to be measured. Further ones are measured when they are judged."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def measuring_threads() -> int:
    """Returns how many pictures are measured at a time: half as many as this process has cores, at most eight."""
    return max(1, min(MAX_THREADS, available_cpus() // CORES_PER_THREAD))


def in_threads(measure: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
    """Yields the result of each item, in order. What hasn't begun is dropped if the caller stops."""
    threads = _pool()
    try:
        yield from threads.map(measure, items)
    finally:
        threads.shutdown(cancel_futures=True)


class MeasuringAhead:
    """Measures pictures in the background, named by their SHA-256. The results are whatever `measure` keeps."""

    def __init__(self) -> None:
        self._futures: dict[str, Future[None]] = {}
        self._threads: ThreadPoolExecutor | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Accepts pictures while the block runs, and drops those that haven't begun at its end."""
        self._threads = _pool()
        try:
            yield
        finally:
            self._threads.shutdown(cancel_futures=True)
            self._threads = None
            self._futures.clear()

    def start(self, sha256: str, measure: Callable[[], None]) -> None:
        """Has a picture measured, unless it was before or too many wait. Outside of `running`, nothing happens."""
        if self._threads is None or sha256 in self._futures:
            return
        if len(self._futures) >= MAX_WAITING:
            self._futures = {key: future for key, future in self._futures.items() if not future.done()}
        if len(self._futures) < MAX_WAITING:
            self._futures[sha256] = self._threads.submit(measure)

    def hand_over(self, sha256s: Iterable[str]) -> None:
        """Leaves these pictures to the caller: drops those that haven't begun, and waits for those that have.

        The caller can show its progress and stop between pictures, which waiting for all of them couldn't.
        """
        futures = [future for sha256 in sha256s if (future := self._futures.pop(sha256, None)) is not None]
        wait([future for future in futures if not future.cancel()])


def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(measuring_threads(), "measure", initializer=_use_few_threads)


def _use_few_threads() -> None:
    torch.set_num_threads(min(CORES_PER_THREAD, torch.get_num_threads()))
