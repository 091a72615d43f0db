"""State of a training that may be interrupted: safetensors files, replaced whole, and a line of progress."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from brandpress.model.errors import BrandpressError
from brandpress.model.nano.schedule import Schedule

CHECKPOINT_SECONDS = 120.0
REPORT_STEPS = 50


class Saved(NamedTuple):
    """What a checkpoint says of its stage. `seconds`: of the budget, used when it was written; `began`: used when the
    stage began. `share`: how much of the stage was over; 1 when it was finished."""

    step: int = 0
    seconds: float = 0.0
    began: float = 0.0
    share: float = 0.0


def save_state(path: Path, saved: Saved, model: nn.Module, ema: Mapping[str, Tensor]) -> None:
    """Write weights and their moving average; a reader finds the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"ema.{name}": value for name, value in ema.items()}
    partial = path.with_suffix(".partial")
    metadata = {name: str(value) for name, value in saved._asdict().items()}
    save_file({name: value.cpu().contiguous().clone() for name, value in tensors.items()}, partial, metadata=metadata)
    partial.replace(path)


def saved_state(path: Path) -> Saved | None:
    """What the checkpoint says of its stage; None when there is none."""
    if not path.exists():
        return None
    with safe_open(path, framework="pt") as file:
        values = file.metadata()
    floats = {name: float(values[name]) for name in ("seconds", "began", "share") if name in values}
    return Saved(step=int(values["step"]), **floats)


def load_state(path: Path, model: nn.Module, ema: dict[str, Tensor]) -> int:
    """Fill `model` and `ema` from the file and return the step it was written at; 0 when there is none."""
    saved = saved_state(path)
    if saved is None:
        return 0
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    model.load_state_dict({name[6:]: value for name, value in tensors.items() if name.startswith("model.")})
    for name, value in ema.items():
        ema[name] = tensors[f"ema.{name}"].to(value.device, copy=True)
    return saved.step


class MovingAverage:
    """The moving average of a model's weights: quick at first, then with a decay of `most`."""

    def __init__(self, model: nn.Module, most: float) -> None:
        self.most = most
        self.values = {name: value.detach().clone() for name, value in model.state_dict().items()}
        self._current = {name: value for name, value in model.state_dict().items() if value.is_floating_point()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        decay = min(self.most, (1 + step) / (10 + step))
        averages = [self.values[name] for name in self._current]
        torch._foreach_lerp_(averages, list(self._current.values()), 1 - decay)


class DivergedError(BrandpressError):
    """A training whose loss is NaN or infinite: nothing that follows would be worth anything."""


class Progress:
    """Prints averages every few steps, and says when it's time for a checkpoint.

    Figures are summed where they are computed and read only when they are printed: reading one waits for the device.
    """

    def __init__(self, what: str, schedule: Schedule, start: int) -> None:
        self.what, self.schedule = what, schedule
        self.sums: dict[str, Tensor] = {}
        self.began = self.saved = time.monotonic()
        self.first = self.last = start
        self.share = schedule.share(start)

    def report(self, step: int, **figures: Tensor) -> None:
        for name, value in figures.items():
            self.sums[name] = self.sums[name] + value.detach() if name in self.sums else value.detach()
        if step - self.last >= REPORT_STEPS or self.schedule.share(step) >= 1:
            self.end(step)

    def end(self, step: int) -> None:
        """Print what isn't printed yet: time may be up between two reports."""
        if not self.sums:
            return
        share = self.schedule.share(step)
        count, seconds = step - self.last, time.monotonic() - self.began
        means = {name: value.item() / count for name, value in self.sums.items()}
        if not all(map(math.isfinite, means.values())):
            raise DivergedError(
                f"{self.what}: the loss stopped being finite between steps {self.last + 1} and {step}: {means}; start "
                "again from an earlier checkpoint, with a lower learning rate"
            )
        averages = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
        pace, left = seconds / max(1, step - self.first), seconds * (1 - share) / max(1e-9, share - self.share) / 60
        label = self.schedule.label(step)
        print(f"{self.what} {label}  {averages}  {pace:.3f} s/step, {max(0.0, left):.0f} min left", flush=True)
        self.sums.clear()
        self.last = step

    def due_checkpoint(self) -> bool:
        """Whether it's time for a checkpoint. Only where the figures were just read, and so are known to be finite."""
        if self.sums or time.monotonic() - self.saved < CHECKPOINT_SECONDS:
            return False
        self.saved = time.monotonic()
        return True
