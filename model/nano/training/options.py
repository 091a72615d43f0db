"""The options of a training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

BATCH, GPU_BATCH = 16, 192
"""The transformer's default batch sizes on a CPU and on a GPU, in samples of 256x256 pixels with two references."""


@dataclass(frozen=True)
class Options:
    """The arguments of `python -m brandpress.model.nano.train`, with their defaults."""

    art: Path
    out: Path
    device: str | None = None
    minutes: float | None = None
    autoencoder_steps: int = 10_000
    steps: int = 9_000
    decoder_steps: int = 1_500
    batch: int | None = None
    rate: float = 1.0
    scale: float = 1.0
    init_from: Path | None = None
    autoencoder_from: Path | None = None
    keep_autoencoder: bool = False
    distil_guidance: float | None = None
    compile: bool = True
    threads: int | None = None
    processes: int | None = None
