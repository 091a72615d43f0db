"""Where training computes, and how exactly."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

MEASURED_SECONDS = 0.5


@dataclass(frozen=True)
class Place:
    """A device, and the dtype of the products under autocast; parameters stay in float32."""

    device: torch.device
    dtype: torch.dtype

    @classmethod
    def of(cls, device: torch.device) -> Place:
        """bfloat16 on a GPU; on a CPU whichever of bfloat16 and float32 is faster there."""
        return cls(device, torch.bfloat16 if device.type == "cuda" else faster_dtype())

    @property
    def on_gpu(self) -> bool:
        return self.device.type == "cuda"

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.dtype == torch.bfloat16)

    def generator(self, seed: int) -> torch.Generator:
        """Random numbers that are drawn on the device; the same for the same seed on the same kind of device."""
        return torch.Generator(self.device).manual_seed(seed)


CPU = Place(torch.device("cpu"), torch.float32)


def faster_dtype(seconds: float = MEASURED_SECONDS) -> torch.dtype:
    """bfloat16 or float32, measured on this CPU: with bfloat16 instructions four times as fast, without them slower."""
    return max((torch.bfloat16, torch.float32), key=lambda dtype: products_a_second(dtype, seconds))


def products_a_second(dtype: torch.dtype, seconds: float) -> float:
    """How many products of (2048, 256) by (256, 1024) this CPU makes in a second."""
    left, right = torch.randn(2048, 256, dtype=dtype), torch.randn(256, 1024, dtype=dtype)
    left @ right
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        left @ right
        count += 1
    return count / (time.perf_counter() - began)
