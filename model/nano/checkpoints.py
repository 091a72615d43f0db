"""Checkpoints of a training stage (safetensors files, replaced atomically), the weights' EMA, and progress."""

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


class StageState(NamedTuple):
    """The state of a stage, stored in its checkpoint's metadata under these field names.

    seconds: of the budget, used when the checkpoint was written. began: of the budget, used when the stage began.
    share: the completed share of the stage; 1 if it is finished.
    """

    step: int = 0
    seconds: float = 0.0
    began: float = 0.0
    share: float = 0.0


def save_checkpoint(path: Path, state: StageState, model: nn.Module, ema: Mapping[str, Tensor]) -> None:
    """Write weights and their EMA. The file is replaced atomically: readers see the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"ema.{name}": value for name, value in ema.items()}
    partial = path.with_suffix(".partial")
    metadata = {name: str(value) for name, value in state._asdict().items()}
    save_file({name: value.cpu().contiguous().clone() for name, value in tensors.items()}, partial, metadata=metadata)
    partial.replace(path)


def read_stage_state(path: Path) -> StageState | None:
    """Returns the state in a checkpoint's metadata; None if there is no checkpoint."""
    if not path.exists():
        return None
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    floats = {name: float(metadata[name]) for name in ("seconds", "began", "share") if name in metadata}
    return StageState(step=int(metadata["step"]), **floats)


def load_checkpoint(path: Path, model: nn.Module, ema: dict[str, Tensor]) -> int:
    """Fill `model` and `ema` from the checkpoint and return its step; 0 if there is no checkpoint."""
    state = read_stage_state(path)
    if state is None:
        return 0
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    model.load_state_dict({name[6:]: value for name, value in tensors.items() if name.startswith("model.")})
    for name, value in ema.items():
        ema[name] = tensors[f"ema.{name}"].to(value.device, copy=True)
    return state.step


def load_ema(path: Path, model: nn.Module) -> None:
    """Fill `model` with the EMA weights of the checkpoint."""
    ema = dict(model.state_dict())
    load_checkpoint(path, model, ema)
    model.load_state_dict(ema)


class MovingAverage:
    """The EMA of a model's weights. The decay starts low and rises to `max_decay`."""

    def __init__(self, model: nn.Module, max_decay: float) -> None:
        self.max_decay = max_decay
        self.values = {name: value.detach().clone() for name, value in model.state_dict().items()}
        self._current = {name: value for name, value in model.state_dict().items() if value.is_floating_point()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move the average towards the model's current weights."""
        decay = min(self.max_decay, (1 + step) / (10 + step))
        averages = [self.values[name] for name in self._current]
        torch._foreach_lerp_(averages, list(self._current.values()), 1 - decay)


class DivergedError(BrandpressError):
    """The loss of a training is NaN or infinite."""


class Progress:
    """Prints averaged figures every REPORT_STEPS steps, and decides when a checkpoint is due.

    Figures are summed on the device and read only when they are printed, because reading one synchronises.
    """

    def __init__(self, name: str, schedule: Schedule, start: int) -> None:
        self.name, self.schedule = name, schedule
        self.sums: dict[str, Tensor] = {}
        self.start_time = self.checkpoint_time = time.monotonic()
        self.start = self.reported = start
        self.start_share = schedule.share(start)

    def report(self, step: int, **figures: Tensor) -> None:
        """Add a step's figures; print their averages if a report is due or the stage is over."""
        for name, value in figures.items():
            self.sums[name] = self.sums[name] + value.detach() if name in self.sums else value.detach()
        if step - self.reported >= REPORT_STEPS or self.schedule.share(step) >= 1:
            self.flush(step)

    def flush(self, step: int) -> None:
        """Print the figures not printed yet. Raises DivergedError if an average isn't finite."""
        if not self.sums:
            return
        share = self.schedule.share(step)
        count, seconds = step - self.reported, time.monotonic() - self.start_time
        means = {name: value.item() / count for name, value in self.sums.items()}
        if not all(map(math.isfinite, means.values())):
            raise DivergedError(
                f"{self.name}: the loss became NaN or infinite between steps {self.reported + 1} and {step}: {means}; "
                "restart from an earlier checkpoint with a lower learning rate"
            )
        averages = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
        pace = seconds / max(1, step - self.start)
        minutes_left = seconds * (1 - share) / max(1e-9, share - self.start_share) / 60
        label = self.schedule.label(step)
        print(f"{self.name} {label}  {averages}  {pace:.3f} s/step, {max(0.0, minutes_left):.0f} min left", flush=True)
        self.sums.clear()
        self.reported = step

    def checkpoint_due(self) -> bool:
        """Returns whether to write a checkpoint now: only right after a report, when the loss is known to be finite."""
        if self.sums or time.monotonic() - self.checkpoint_time < CHECKPOINT_SECONDS:
            return False
        self.checkpoint_time = time.monotonic()
        return True
