"""Training nano's transformer and text encoder together: straight paths, references in klein-kv's way."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import torch
from torch import Tensor

from brandpress.model.nano.architecture import TRANSFORMER
from brandpress.model.nano.batches import Group, sample_batch
from brandpress.model.nano.checkpoints import save_state
from brandpress.model.nano.compilation import compiled_blocks
from brandpress.model.nano.flow_loss import batch_losses
from brandpress.model.nano.loop import Stage, train
from brandpress.model.nano.muon import Muon
from brandpress.model.nano.nano import Nano
from brandpress.model.nano.place import Place

MUON_LR, ADAM_LR, LR_BATCH = 4e-3, 2e-3, 32
BATCH, GPU_BATCH = 32, 512
WARM_UP, FALLS_FROM, DECAY = 60, 0.5, 0.998


def learning_rates(batch: int) -> tuple[float, float]:
    """Muon's and AdamW's for batches of a size: both were found at LR_BATCH, and grow slowly with larger ones.

    Sixteen times the batch raises Muon's rate by 1.4 and AdamW's by 1.2.
    """
    growth = (batch / LR_BATCH) ** 0.125
    return MUON_LR * growth, ADAM_LR * growth**0.5


def fit_transformer(groups: Sequence[Group], stage: Stage, place: Place, batch: int, fuse: bool = False) -> Nano:
    """Resumes from the stage's checkpoint; returns the moving average of the weights.

    batch: samples of a step. fuse: with the blocks compiled, where that works.
    """
    torch.manual_seed(0)
    model = Nano().to(place.device)
    matrices = [p for n, p in model.transformer.named_parameters() if "blocks" in n and p.ndim == 2]
    chosen = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in chosen]
    muon_lr, adam_lr = learning_rates(batch)
    optimisers = (
        Muon(matrices, lr=muon_lr, piece=TRANSFORMER.width),
        torch.optim.AdamW(others, lr=adam_lr, betas=(0.9, 0.98), weight_decay=0.01, fused=True),
    )

    def losses(step: int) -> tuple[Tensor, dict[str, Tensor]]:
        return batch_losses(model, sample_batch(groups, batch, step, place), step, place)

    model.train()
    with compiled_blocks(model, groups, batch, place) if fuse else nullcontext():
        step = train(stage, model, optimisers, others, losses)
    save_state(stage.checkpoint, stage.saved(step, finished=True), model, model.state_dict())
    return model.eval()
