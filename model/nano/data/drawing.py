"""Renders training data in background processes. A resumed training reuses finished files."""

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

from brandpress.model.nano.data.dataset import CAPTIONS_PER_COMPOSITION, draw_shard
from brandpress.model.nano.world.library import Library
from brandpress.model.nano.world.placing import Size

Result = TypeVar("Result")
CHUNK = 100
"""Compositions per file."""
NICENESS = 19
LEAD = 0.25

Sizes = tuple[Size, Size]
"""(width, height) of the pictures and of their references."""


@dataclass(frozen=True)
class Job:
    """Compositions to render into one file, with captions if there is a tokenizer."""

    art: Path
    path: Path
    count: int
    sizes: Sizes
    seed: str
    tokenizer: Path | None


def make_jobs(
    art: Path, folder: Path, counts: Mapping[Sizes, int], seed: int, tokenizer: Path | None = None
) -> list[Job]:
    """Returns the jobs for `counts` compositions. Sizes are interleaved, so that any prefix has them in proportion.

    The compositions depend on the seed only, not on the number of processes.
    """
    ordered = []
    for sizes, count in counts.items():
        (width, height), (across, down) = sizes
        for first in range(0, count, CHUNK):
            name = f"{seed}-{width}x{height}-{across}x{down}-{first:06}"
            job = Job(art, folder / f"{name}.safetensors", min(CHUNK, count - first), sizes, name, tokenizer)
            ordered.append((first / count, job))
    return [job for _, job in sorted(ordered, key=lambda pair: pair[0])]


def run_job(job: Job) -> Path:
    """Render the job's compositions and return their file; does nothing if the file exists."""
    if not job.path.exists():
        tokenizer = load_tokenizer(job.tokenizer) if job.tokenizer else None
        captions = CAPTIONS_PER_COMPOSITION if job.tokenizer else 0
        draw_shard(load_library(job.art), job.count, *job.sizes, job.seed, tokenizer, captions).save(job.path)
    return job.path


@lru_cache(1)
def load_library(art: Path) -> Library:
    """Returns the artwork, loaded once per process."""
    return Library.load(art, art / "cache")


@lru_cache(1)
def load_tokenizer(folder: Path) -> Any:
    """Returns the tokenizer, loaded once per process."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


class DrawingPool:
    """A pool of low-priority processes that render in the background.

    They are spawned, because CUDA doesn't work in a forked process.
    """

    def __init__(self, processes: int | None = None) -> None:
        """processes: by default a quarter fewer than the cores; the training and its compilation need some, too."""
        self._other_children = set(active_children())
        self._pool = ProcessPoolExecutor(processes or max(1, cores() * 3 // 4), get_context("spawn"), _begin)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def submit(self, jobs: Sequence[Job]) -> list[Future[Path]]:
        """Start the jobs and return the futures of their files."""
        return [self._pool.submit(run_job, job) for job in jobs]

    def submit_together(
        self, early: Sequence[Job], late: Sequence[Job]
    ) -> tuple[list[Future[Path]], list[Future[Path]]]:
        """Start two lists of jobs side by side: `early` is finished when the share LEAD of `late` is.

        However little is drawn, both lists then have their first files.
        """
        order = [(LEAD * index / len(early), job) for index, job in enumerate(early)]
        order += [(index / len(late), job) for index, job in enumerate(late)]
        futures = {job.path: self._pool.submit(run_job, job) for _, job in sorted(order, key=lambda pair: pair[0])}
        return [futures[job.path] for job in early], [futures[job.path] for job in late]

    def call(self, function: Callable[..., Result], *arguments: object) -> Future[Result]:
        """Run a function in one of the processes."""
        return self._pool.submit(function, *arguments)

    def stop(self) -> None:
        """Cancel pending jobs and terminate the processes, because running jobs would delay this process's exit."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for child in set(active_children()) - self._other_children:
            child.terminate()


def cores() -> int:
    """Returns the number of cores that this process is allowed to use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _begin() -> None:
    os.nice(NICENESS)  # the training's threads wait for each other, so a busy core slows all of them
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    torch.set_num_threads(1)


def finished_files(futures: Sequence[Future[Path]], seconds: float | None, minimum: int = 1) -> list[Path]:
    """Wait for `seconds` (None: for all jobs) and for at least `minimum` jobs; return the files of finished jobs."""
    finished, pending = wait(futures, timeout=None if seconds is None else max(0.0, seconds))
    while pending and len(finished) < minimum:
        newly_finished, pending = wait(pending, return_when=FIRST_COMPLETED)
        finished |= newly_finished
    return [future.result() for future in futures if future in finished]
