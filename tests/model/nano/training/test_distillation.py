"""Distilling a teacher's guidance, with random weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from brandpress.model.nano.architecture import AUTOENCODER
from brandpress.model.nano.data.batches import Group, gather_batch, group_samples, reference_slots
from brandpress.model.nano.data.dataset import NO_SLOT, LatentShard, PixelShard
from brandpress.model.nano.data.encode import encode
from brandpress.model.nano.tokenizer import tokenise
from brandpress.model.nano.training.distillation import Teacher, distillation_losses, teacher_slots
from brandpress.model.nano.training.nano import Nano
from brandpress.model.network.autoencoder import Autoencoder
from tests.model.layout import randomise
from tests.model.nano.cpu import CPU


@pytest.fixture(scope="module")
def shard(pixel_shard: PixelShard) -> LatentShard:
    return encode(randomise(Autoencoder(AUTOENCODER), spread=0.5), pixel_shard, CPU)


@pytest.fixture(scope="module")
def model() -> Nano:
    return randomise(Nano(), spread=0.3).eval()


def with_order(shard: LatentShard, *, free: bool) -> list[Group]:
    """Returns the groups of a shard whose captions all allow any order of the references, or none of them does."""
    return group_samples([replace(shard, any_order=torch.full_like(shard.any_order, free))])


def with_references(groups: list[Group], count: int) -> Group:
    return next(group for group in groups if group.count == count)


def test_guidance_extrapolates_from_the_velocity_without_prompt_and_references(
    shard: LatentShard, model: Nano, tokenizer: Any
) -> None:
    group = with_references(with_order(shard, free=False), 2)
    batch = gather_batch(group, group.pairs[:2])
    noisy, times = torch.randn(batch.targets.shape), torch.tensor([1.0, 0.7])
    with torch.no_grad():
        conditional, _ = model.velocity(noisy, times, model.embed(batch.tokens), batch)
        empty = tokenise(tokenizer, ["", ""])["input_ids"]
        unconditional, _ = model.velocity(noisy, times, model.embed(empty), replace(batch, count=0))
    assert not torch.allclose(conditional, unconditional, atol=0.05)
    for scale in (1.0, 2.5):
        guided = Teacher(model, scale).velocity(noisy, times, batch)
        assert torch.allclose(guided, unconditional + scale * (conditional - unconditional), atol=1e-4)


def test_the_teacher_sees_references_from_left_to_right(shard: LatentShard) -> None:
    slots = torch.tensor([[1, 0], [0, 4]]).repeat(6, 2, 1)
    reversed_slots = torch.cat((slots, torch.full_like(slots, NO_SLOT)), dim=2).char()
    group = with_references(with_order(replace(shard, slots=reversed_slots), free=True), 2)
    given = reference_slots(group, group.pairs)
    sorted_slots = teacher_slots(group, group.pairs)
    assert given.unique(dim=0).tolist() == [[0, 4], [1, 0]]
    assert sorted_slots.unique(dim=0).tolist() == [[0, 1], [0, 4]]


def test_references_whose_order_matters_keep_it(shard: LatentShard) -> None:
    group = with_references(with_order(shard, free=False), 2)
    given = reference_slots(group, group.pairs)
    assert torch.equal(teacher_slots(group, group.pairs), given)


def test_a_student_that_equals_its_teacher_has_nothing_to_learn(shard: LatentShard, model: Nano) -> None:
    groups = with_order(shard, free=False)
    for guidance, low, high in ((1.0, 0.0, 1e-8), (2.0, 1e-3, 1e3)):
        loss, _ = distillation_losses(model, Teacher(model, guidance), groups, 4, 3, CPU)
        assert low <= loss.item() <= high


def test_only_the_student_learns(shard: LatentShard, model: Nano) -> None:
    student = randomise(Nano(), spread=0.2)
    loss, _ = distillation_losses(student, Teacher(model, 2.0), with_order(shard, free=True), 4, 0, CPU)
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is None for parameter in model.parameters())
    learned = [name for name, parameter in student.named_parameters() if parameter.grad is not None]
    assert any(name.startswith("transformer.") for name in learned)
    assert any(name.startswith("text_encoder.") for name in learned)
