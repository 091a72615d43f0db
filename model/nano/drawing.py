"""Drawing in processes of its own, into files that stay: what was drawn before an interruption isn't drawn again."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any, Self, TypeVar

import torch

from brandpress.model.nano.dataset import CAPTION_DRAWS, draw_from
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.placing import Size

Result = TypeVar("Result")
CHUNK = 200
NICENESS = 19

Shape = tuple[Size, Size]
"""Width and height of a picture and of its references."""


@dataclass(frozen=True)
class Job:
    """Some compositions of one shape to draw into one file; with captions where there is a tokenizer."""

    art: Path
    path: Path
    count: int
    shape: Shape
    seed: str
    tokenizer: Path | None


def jobs(art: Path, folder: Path, counts: Mapping[Shape, int], seed: int, tokenizer: Path | None = None) -> list[Job]:
    """The jobs for so many compositions of each shape, the shapes in turns: any first part of them has all shapes in
    proportion. The same seed gives the same compositions, however many processes draw."""
    ordered = []
    for shape, count in counts.items():
        (width, height), (across, down) = shape
        for first in range(0, count, CHUNK):
            name = f"{seed}-{width}x{height}-{across}x{down}-{first:06}"
            job = Job(art, folder / f"{name}.safetensors", min(CHUNK, count - first), shape, name, tokenizer)
            ordered.append((first / count, job))
    return [job for _, job in sorted(ordered, key=lambda pair: pair[0])]


def draw(job: Job) -> Path:
    """Draw the job's compositions, unless they have been; return their file."""
    if not job.path.exists():
        tokenizer = load_tokenizer(job.tokenizer) if job.tokenizer else None
        draws = CAPTION_DRAWS if job.tokenizer else 0
        draw_from(load_library(job.art), job.count, *job.shape, job.seed, tokenizer, draws).save(job.path)
    return job.path


@lru_cache(1)
def load_library(art: Path) -> Library:
    return Library.load(art, art / "cache")


@lru_cache(1)
def load_tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


class Drawing:
    """A pool of processes that draw in the background, behind everything else that wants the cores.

    They are spawned, never forked: a fork of a process that uses CUDA is of no use.
    """

    def __init__(self, processes: int | None = None) -> None:
        """processes: all cores but one when None."""
        self._others = set(active_children())
        self._pool = ProcessPoolExecutor(processes or max(1, cores() - 1), get_context("spawn"), _begin)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def submit(self, jobs: Sequence[Job]) -> list[Future[Path]]:
        return [self._pool.submit(draw, job) for job in jobs]

    def call(self, function: Callable[..., Result], *arguments: object) -> Future[Result]:
        """Work out something else in one of the processes."""
        return self._pool.submit(function, *arguments)

    def stop(self) -> None:
        """Draw nothing more, and end the processes: what they are at would keep this one from leaving."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for child in set(active_children()) - self._others:
            child.terminate()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin() -> None:
    os.nice(NICENESS)  # threads of a training that shares its cores wait for each other
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    torch.set_num_threads(1)


def drawn_files(futures: Sequence[Future[Path]], seconds: float | None, least: int = 1) -> list[Path]:
    """The files of the jobs that are done after so many seconds, `least` of them where there are; of all when None."""
    done, left = wait(futures, timeout=None if seconds is None else max(0.0, seconds))
    while left and len(done) < least:
        fresh, left = wait(left, return_when=FIRST_COMPLETED)
        done |= fresh
    return [future.result() for future in futures if future in done]
