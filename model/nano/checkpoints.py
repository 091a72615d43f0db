"""State of a training that may be interrupted: safetensors files, replaced whole, and a line of progress."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

CHECKPOINT_SECONDS = 120.0
REPORT_STEPS = 50


def save_state(path: Path, step: int, model: nn.Module, ema: Mapping[str, Tensor]) -> None:
    """Write weights and their moving average; a reader finds the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {f"model.{name}": value.contiguous() for name, value in model.state_dict().items()}
    tensors |= {f"ema.{name}": value.contiguous() for name, value in ema.items()}
    partial = path.with_suffix(".partial")
    save_file({name: value.clone() for name, value in tensors.items()}, partial, metadata={"step": str(step)})
    partial.replace(path)


def saved_step(path: Path) -> int:
    """The step that the file was written at; 0 when there is none."""
    if not path.exists():
        return 0
    with safe_open(path, framework="pt") as file:
        return int(file.metadata()["step"])


def load_state(path: Path, model: nn.Module, ema: dict[str, Tensor]) -> int:
    """Fill `model` and `ema` from the file and return the step it was written at; 0 when there is none."""
    if not path.exists():
        return 0
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    model.load_state_dict({name[6:]: value for name, value in tensors.items() if name.startswith("model.")})
    for name in ema:
        ema[name] = tensors[f"ema.{name}"].clone()
    return saved_step(path)


@torch.no_grad()
def average(ema: dict[str, Tensor], model: nn.Module, step: int, most: float) -> None:
    """Move the average towards the model's weights after a step: quickly at first, then with a decay of `most`."""
    decay = min(most, (1 + step) / (10 + step))
    values = {name: value for name, value in model.state_dict().items() if value.is_floating_point()}
    torch._foreach_lerp_([ema[name] for name in values], list(values.values()), 1 - decay)


class Progress:
    """Prints averages every few steps, and says when it's time for a checkpoint."""

    def __init__(self, what: str, steps: int, start: int) -> None:
        self.what, self.steps = what, steps
        self.sums: dict[str, float] = {}
        self.began = self.saved = time.monotonic()
        self.first = self.last = start

    def report(self, step: int, **figures: float) -> None:
        for name, value in figures.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        if (step - self.last) < REPORT_STEPS and step != self.steps:
            return
        count, pace = step - self.last, (time.monotonic() - self.began) / max(1, step - self.first)
        averages = "  ".join(f"{name} {value / count:.4f}" for name, value in self.sums.items())
        left = pace * (self.steps - step) / 60
        print(f"{self.what} {step}/{self.steps}  {averages}  {pace:.3f} s/step, {left:.0f} min left", flush=True)
        self.sums.clear()
        self.last = step

    def due_checkpoint(self, step: int) -> bool:
        if step != self.steps and time.monotonic() - self.saved < CHECKPOINT_SECONDS:
            return False
        self.saved = time.monotonic()
        return True
