"""Warnings about what a worker's machine can't do, each given once in a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

NOT_COMPILED = (
    "the model's kernels run uncompiled, which is slower: no compiler was found; on a GPU install Triton and a C "
    "compiler, for --compile on a CPU install a C++ compiler and Python's headers (Debian: g++ and python3-dev)"
)
NO_GPU = (
    "Ray assigned GPUs to the workers, but torch {torch} sees none, so they render on the CPU: install a torch build "
    "with CUDA or update the GPU driver; to use the CPU on purpose, set CUDA_VISIBLE_DEVICES= (empty)"
)


class HostWarnings:
    """What the workers of a run were expected to do, and haven't been warned about yet."""

    def __init__(self, *, compiles: bool | None, gpus: bool) -> None:
        """compiles: whether workers should compile kernels; None: only on GPUs. gpus: whether workers have GPUs."""
        self._compiles, self._gpus = compiles, gpus

    def of(self, host: Mapping[str, str]) -> Iterator[str]:
        """Yields new warnings about a worker. host: what it says about its machine: device, torch, compiled."""
        on_gpu = self._gpus and host.get("device") != "cpu"
        if (on_gpu if self._compiles is None else self._compiles) and "compiled" not in host:
            self._compiles = False
            yield NOT_COMPILED
        if self._gpus and host.get("device") == "cpu":
            self._gpus = False
            yield NO_GPU.format(torch=host["torch"])
