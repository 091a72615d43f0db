"""The device and precision of a training."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

MEASURED_SECONDS = 0.5


@dataclass(frozen=True)
class Place:
    """A device and the dtype of matrix products under autocast; parameters stay in float32."""

    device: torch.device
    dtype: torch.dtype

    @classmethod
    def of(cls, device: torch.device) -> Place:
        """Returns the device with bfloat16 on a GPU, or the faster of bfloat16 and float32 on a CPU."""
        return cls(device, torch.bfloat16 if device.type == "cuda" else faster_dtype())

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a GPU."""
        return self.device.type == "cuda"

    def autocast(self) -> torch.autocast:
        """Returns the autocast context of this precision."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.dtype == torch.bfloat16)

    def generator(self, seed: int) -> torch.Generator:
        """Returns a generator on the device. A seed gives the same numbers on the same kind of device only."""
        return torch.Generator(self.device).manual_seed(seed)


def faster_dtype(seconds: float = MEASURED_SECONDS) -> torch.dtype:
    """Returns the faster of bfloat16 and float32 on this CPU; bfloat16 is faster only with hardware support."""
    return max((torch.bfloat16, torch.float32), key=lambda dtype: products_per_second(dtype, seconds))


def products_per_second(dtype: torch.dtype, seconds: float) -> float:
    """Returns the measured number of (2048, 256) by (256, 1024) matrix products per second."""
    left, right = torch.randn(2048, 256, dtype=dtype), torch.randn(256, 1024, dtype=dtype)
    left @ right
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        left @ right
        count += 1
    return count / (time.perf_counter() - start)
