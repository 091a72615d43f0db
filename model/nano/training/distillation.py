"""Distils guidance into nano's weights, so that it needs no second pass, as klein's distilled checkpoints.

The student learns the velocity that a teacher has with classifier-free guidance: extrapolated from its velocity without
prompt and references. The teacher also sees references in the order of the items, from left to right, which helps it to
place them. The student sees them in any order, where the words tell what they show. So it learns to follow the words.

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
SHUFFLED = 0.5
"""Share of samples whose references the student sees in random order, where the words allow it."""


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

    size: samples, as for `sample_batch`. Samples, noise, timesteps and orders depend on the step only.
    """
    group, pairs = sample_pairs(groups, size, step, place)
    generator = place.generator(2 * step + 1)
    for_student, for_teacher = orders(group, pairs, generator)
    shown, sorted_ = gather_batch(group, pairs, for_student), gather_batch(group, pairs, for_teacher)
    noisy, time_B, _ = noised(shown.targets, PURE_NOISE, generator)
    with place.autocast():
        wanted = teacher.velocity(noisy, time_B, sorted_)
        predicted, _ = student.velocity(noisy, time_B, student.embed(shown.tokens), shown)
    return weighted_error(predicted, wanted, shown), {}


def orders(group: Group, pairs: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Returns the references' slots (B, count) in the order for the student and in that for the teacher."""
    slots = reference_slots(group, pairs)
    free_B = group.shard.any_order[*pairs.unbind(1)]
    shuffled_B = free_B & (torch.rand(len(slots), generator=generator, device=slots.device) < SHUFFLED)
    order = torch.rand(slots.shape, generator=generator, device=slots.device).argsort(dim=1)
    for_student = torch.where(shuffled_B[:, None], slots.gather(1, order), slots)
    return for_student, torch.where(free_B[:, None], slots.sort(dim=1).values, slots)
