"""Distils guidance into nano's weights, so that it needs no second pass, as klein's distilled checkpoints.

The student learns the velocity that a teacher has with classifier-free guidance: extrapolated from its velocity
without prompt and references. Where the words tell what each reference shows, the teacher sees the references in the
order of the items, from left to right, which helps it to place them; the student sees them in the order of the caption.

Source of guidance distillation: Meng et al., "On Distillation of Guided Diffusion Models" (2023).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from brandpress.model.nano.data.batches import Batch, Group, gather_batch, reference_slots, sample_pairs
from brandpress.model.nano.place import Place
from brandpress.model.nano.tokenizer import empty_prompt
from brandpress.model.nano.training.flow_loss import noised, weighted_error
from brandpress.model.nano.training.nano import Nano

PURE_NOISE = 0.25
"""Share of samples at exactly t = 1, where the sampler decides on the layout."""


@dataclass(frozen=True)
class Teacher:
    """A finished nano and the scale of its guidance; 1 is none."""

    model: Nano
    guidance: float

    @torch.no_grad()
    def velocity(self, noisy: Tensor, time_B: Tensor, batch: Batch) -> Tensor:
        """Returns the guided velocity (B, N, C) for a batch with its references in the teacher's order."""
        model = self.model
        conditional, _ = model.velocity(noisy, time_B, model.embed(batch.tokens), batch)
        text = model.embed(batch.tokens.new_tensor([empty_prompt()])).expand(len(noisy), -1, -1)
        unconditional, _ = model.velocity(noisy, time_B, text, replace(batch, count=0))
        return torch.lerp(unconditional.float(), conditional.float(), self.guidance)


def distillation_losses(
    student: Nano, teacher: Teacher, groups: Sequence[Group], size: int, step: int, place: Place
) -> tuple[Tensor, dict[str, Tensor]]:
    """Returns the loss of a step: the mean squared difference from the teacher's velocity, with items weighted higher.

    size: samples, as for `sample_batch`. Samples, noise and timesteps depend on the step only.
    """
    group, pairs = sample_pairs(groups, size, step, place)
    batch, teacher_batch = gather_batch(group, pairs), gather_batch(group, pairs, teacher_slots(group, pairs))
    noisy, time_B, _ = noised(batch.targets, PURE_NOISE, place.generator(2 * step + 1))
    with place.autocast():
        wanted = teacher.velocity(noisy, time_B, teacher_batch)
        predicted, _ = student.velocity(noisy, time_B, student.embed(batch.tokens), batch)
    return weighted_error(predicted, wanted, batch), {}


def teacher_slots(group: Group, pairs: Tensor) -> Tensor:
    """Returns the references' slots (B, count) in the order for the teacher."""
    slots = reference_slots(group, pairs)
    any_order_B = group.shard.any_order[*pairs.unbind(1)]
    return torch.where(any_order_B[:, None], slots.sort(dim=1).values, slots)
