"""The training loop that all stages share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from brandpress.model.nano.checkpoints import (
    MovingAverage,
    Progress,
    StageState,
    load_checkpoint,
    read_stage_state,
    save_checkpoint,
)
from brandpress.model.nano.schedule import BudgetError, Clock, Schedule, TimeSchedule, learning_rate_factor

Losses = Callable[[int], tuple[Tensor, dict[str, Tensor]]]


@dataclass(frozen=True)
class Recipe:
    """A stage's hyperparameters: warm-up steps, the share at which the learning rate starts to decay, and EMA decay."""

    warm_up: int
    decay_from: float
    ema_decay: float


@dataclass(frozen=True)
class Stage:
    """A training stage: its length, its checkpoint file, the budget's clock and its hyperparameters."""

    name: str
    schedule: Schedule
    checkpoint: Path
    clock: Clock
    recipe: Recipe

    def state(self, step: int, *, finished: bool = False) -> StageState:
        """Returns the state for a checkpoint at `step`. Without a budget, the used seconds stay as they were."""
        share = 1.0 if finished else min(self.schedule.share(step), 0.999)
        if isinstance(self.schedule, TimeSchedule):
            return StageState(step, self.clock.used(), self.schedule.began, share)
        previous = read_stage_state(self.checkpoint) or StageState()
        return StageState(step, previous.seconds, previous.began, share)


@contextmanager
def without_cudnn_attention() -> Iterator[None]:
    """Disable cuDNN's attention while the block runs.

    With it, gradients were NaN from the start on an H200 (torch 2.11, cuDNN 9.19). Others report NaN in its backward
    pass for some lengths, masks and batch sizes: pytorch/pytorch#196678, NVIDIA/cudnn-frontend#160.
    """
    enabled: bool = torch.backends.cuda.cudnn_sdp_enabled()  # type: ignore[no-untyped-call]
    torch.backends.cuda.enable_cudnn_sdp(False)
    try:
        yield
    finally:
        torch.backends.cuda.enable_cudnn_sdp(enabled)


@without_cudnn_attention()
def train(
    stage: Stage,
    model: nn.Module,
    optimisers: Sequence[torch.optim.Optimizer],
    clipped: Iterable[nn.Parameter],
    losses: Losses,
) -> int:
    """Train `model` in place to the end of the stage and return the number of steps; resumes from the checkpoint.

    losses: takes the step and returns the loss and figures to print. clipped: parameters whose gradients are clipped.
    Only reports synchronise with the device. Afterwards the model has its EMA weights; the caller writes the final
    checkpoint. Raises DivergedError if the loss isn't finite and BudgetError if there is no time for the first step;
    neither writes a checkpoint.
    """
    clipped = list(clipped)
    average = MovingAverage(model, stage.recipe.ema_decay)
    step = load_checkpoint(stage.checkpoint, model, average.values)
    peak_rates = [(group, group["lr"]) for optimiser in optimisers for group in optimiser.param_groups]
    progress = Progress(stage.name, stage.schedule, step)
    while (share := stage.schedule.share(step)) < 1:
        factor = learning_rate_factor(step, share, stage.recipe.warm_up, stage.recipe.decay_from)
        for group, peak_rate in peak_rates:
            group["lr"] = peak_rate * factor
        loss, figures = losses(step)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(clipped, 1.0)
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        average.update(step)
        step += 1
        progress.report(step, loss=loss, **figures)
        if progress.checkpoint_due():
            save_checkpoint(stage.checkpoint, stage.state(step), model, average.values)
    progress.flush(step)
    if not step and isinstance(stage.schedule, TimeSchedule):
        raise BudgetError.of(stage.name, stage.clock.used(), stage.schedule.seconds)
    model.load_state_dict(average.values)
    return step
