"""Trains nano's transformer and text encoder together; references as in klein-kv.

With flow matching on the rendered compositions, or from a teacher (`distillation.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import torch
from torch import Tensor

from brandpress.model.nano.architecture import TRANSFORMER
from brandpress.model.nano.data.batches import Group, sample_batch
from brandpress.model.nano.place import Place
from brandpress.model.nano.training.checkpoints import save_checkpoint
from brandpress.model.nano.training.compilation import compiled_blocks
from brandpress.model.nano.training.distillation import Teacher, distillation_losses
from brandpress.model.nano.training.flow_loss import batch_losses
from brandpress.model.nano.training.loop import Recipe, Stage, train
from brandpress.model.nano.training.muon import Muon, remaining_parameters
from brandpress.model.nano.training.nano import Nano

MUON_LR, ADAM_LR, LR_BATCH = 4e-3, 2e-3, 32
"""Peak learning rates, tuned for batches of LR_BATCH samples."""
RECIPE = Recipe(warm_up=60, decay_from=0.5, ema_decay=0.998)


def learning_rates(batch: int, rate: float = 1.0) -> tuple[float, float]:
    """Returns Muon's and AdamW's peak learning rates for a batch size. rate: a factor of both.

    They grow slowly with the batch: 16 times the batch raises Muon's rate by a factor of 1.4 and AdamW's by 1.2.
    """
    growth = (batch / LR_BATCH) ** 0.125
    return rate * MUON_LR * growth, rate * ADAM_LR * growth**0.5


def fit_transformer(
    groups: Sequence[Group],
    stage: Stage,
    place: Place,
    batch: int,
    *,
    rate: float = 1.0,
    compile_blocks: bool = False,
    teacher: Teacher | None = None,
) -> Nano:
    """Returns the trained model with its EMA weights; resumes from the stage's checkpoint.

    batch: samples per step. rate: a factor of the learning rates. compile_blocks: compile the blocks if that works.
    teacher: what to learn from instead of the pictures.
    """
    torch.manual_seed(0)
    model = Nano().to(place.device)
    matrices = [p for n, p in model.transformer.named_parameters() if "blocks" in n and p.ndim == 2]
    others = remaining_parameters(model, matrices)
    muon_lr, adam_lr = learning_rates(batch, rate)
    optimisers = (
        Muon(matrices, lr=muon_lr, piece=TRANSFORMER.width, dtype=place.dtype),
        torch.optim.AdamW(others, lr=adam_lr, betas=(0.9, 0.98), weight_decay=0.01, fused=True),
    )

    def losses(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        if teacher is not None:
            return distillation_losses(model, teacher, groups, batch, step, place)
        return batch_losses(model, sample_batch(groups, batch, step, place), step, place)

    model.train()
    with compiled_blocks(model, groups, batch, place) if compile_blocks else nullcontext():
        step = train(stage, model, optimisers, others, losses)
    save_checkpoint(stage.checkpoint, stage.state(step, finished=True), model, model.state_dict())
    return model.eval()
