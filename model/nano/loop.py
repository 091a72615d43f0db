"""The training loop that all stages share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from brandpress.model.nano.checkpoints import MovingAverage, Progress, Saved, load_state, save_state, saved_state
from brandpress.model.nano.schedule import BudgetError, Clock, Schedule, TimeSchedule, rate

Losses = Callable[[int], tuple[Tensor, dict[str, Tensor]]]


@dataclass(frozen=True)
class Stage:
    """A stage's name, how long it goes on, where its state is kept, and how its learning rate and average go."""

    name: str
    schedule: Schedule
    checkpoint: Path
    clock: Clock
    warm_up: int
    falls_from: float
    decay: float

    def saved(self, step: int, finished: bool = False) -> Saved:
        """What a checkpoint at `step` says of the stage. Steps made without a budget use nothing of one."""
        share = 1.0 if finished else min(self.schedule.share(step), 0.999)
        if isinstance(self.schedule, TimeSchedule):
            return Saved(step, self.clock.used(), self.schedule.began, share)
        before = saved_state(self.checkpoint) or Saved()
        return Saved(step, before.seconds, before.began, share)


@contextmanager
def without_cudnn_attention() -> Iterator[None]:
    """Attention by other backends than cuDNN's.

    With it a training on an H200 (torch 2.11, cuDNN 9.19) had NaN in its gradients from the start. Others report the
    same of cuDNN's backward pass at some lengths, masks and batch sizes: pytorch/pytorch#196678,
    NVIDIA/cudnn-frontend#160.
    """
    before: bool = torch.backends.cuda.cudnn_sdp_enabled()  # type: ignore[no-untyped-call]
    torch.backends.cuda.enable_cudnn_sdp(False)
    try:
        yield
    finally:
        torch.backends.cuda.enable_cudnn_sdp(before)


@without_cudnn_attention()
def train(
    stage: Stage,
    model: nn.Module,
    optimisers: Sequence[torch.optim.Optimizer],
    clipped: Iterable[nn.Parameter],
    losses: Losses,
) -> int:
    """Train `model` in place up to the end of the stage, from its checkpoint when there is one; return the steps made.

    `losses(step)`: the loss, and figures to print. Nothing here waits for the device but a report. The model is left
    with the moving average of its weights; the caller writes the last checkpoint. Raises DivergedError when the loss is
    no longer finite, and BudgetError when there's no time for the first step; the last checkpoint is from before.
    """
    clipped = list(clipped)
    average = MovingAverage(model, stage.decay)
    step = load_state(stage.checkpoint, model, average.values)
    bases = [(group, group["lr"]) for optimiser in optimisers for group in optimiser.param_groups]
    progress = Progress(stage.name, stage.schedule, step)
    while (share := stage.schedule.share(step)) < 1:
        factor = rate(step, share, stage.warm_up, stage.falls_from)
        for group, base in bases:
            group["lr"] = base * factor
        loss, figures = losses(step)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(clipped, 1.0)
        for optimiser in optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        average.update(step)
        step += 1
        progress.report(step, loss=loss, **figures)
        if progress.due_checkpoint():
            save_state(stage.checkpoint, stage.saved(step), model, average.values)
    progress.end(step)
    if not step and isinstance(stage.schedule, TimeSchedule):
        raise BudgetError.of(stage.name, stage.clock.used(), stage.schedule.seconds)
    model.load_state_dict(average.values)
    return step
