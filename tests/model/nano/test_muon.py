"""The Muon optimizer."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from brandpress.model.nano.muon import Muon, orthogonalise, pieces


def random_tensor(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def parameter(value: Tensor, gradient: Tensor) -> nn.Parameter:
    result = nn.Parameter(value.clone())
    result.grad = gradient.clone()
    return result


@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 8, 40), (2, 40, 8), (1, 5, 1)], ids=str)
def test_singular_values_are_near_one(shape: tuple[int, int, int]) -> None:
    """The quintic trades exactness for speed: Jordan reports 0.7 to 1.2."""
    values = torch.linalg.svdvals(orthogonalise(random_tensor(*shape) * 30))
    assert values.min() > 0.5 and values.max() < 1.35


def test_singular_vectors_are_preserved() -> None:
    matrix = random_tensor(6, 10)
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    near = orthogonalise(matrix[None])[0]
    assert nn.functional.cosine_similarity(near.flatten(), (u @ v).flatten(), dim=0) > 0.97


def test_a_batch_equals_its_members() -> None:
    batch = random_tensor(4, 12, 20)
    alone = torch.cat([orthogonalise(one[None]) for one in batch])
    torch.testing.assert_close(orthogonalise(batch), alone, rtol=0, atol=0.03)


@pytest.mark.parametrize(
    ("shape", "width", "shapes"),
    [
        ((8, 8), 8, [(8, 8)]),
        ((24, 8), 8, [(8, 8)] * 3),
        ((8, 24), 8, [(8, 8)] * 3),
        ((16, 24), 8, [(8, 8)] * 6),
        ((20, 8), 8, [(20, 8)]),
        ((4, 16), 8, [(4, 8)] * 2),
        ((24, 8), None, [(24, 8)]),
    ],
)
def test_pieces_are_views_that_cover_the_matrix(
    shape: tuple[int, int], width: int | None, shapes: list[tuple[int, int]]
) -> None:
    matrix = torch.zeros(shape)
    cut = pieces(matrix, width)
    assert [tuple(piece.shape) for piece in cut] == shapes
    for piece in cut:
        piece.add_(1)
    assert torch.equal(matrix, torch.ones(shape))


def test_a_fused_projection_is_updated_like_its_parts() -> None:
    value, gradient = random_tensor(24, 8), random_tensor(24, 8, seed=1)
    whole = parameter(value, gradient)
    parts = [parameter(v, g) for v, g in zip(torch.split(value, 8), torch.split(gradient, 8), strict=True)]
    Muon([whole], lr=0.1, piece=8).step()
    Muon(parts, lr=0.1).step()
    torch.testing.assert_close(whole.detach(), torch.cat([part.detach() for part in parts]), rtol=0, atol=0.005)


@pytest.mark.parametrize("shape", [(6, 4, 3, 3), (16, 32, 1, 1)], ids=str)
def test_a_channels_last_convolution_is_updated_like_a_contiguous_one(shape: tuple[int, int, int, int]) -> None:
    """Flattening a channels-last weight copies it, so writing to the result has no effect."""
    value, gradient = random_tensor(*shape), random_tensor(*shape, seed=1)
    plain = parameter(value, gradient)
    last = parameter(
        value.to(memory_format=torch.channels_last),
        gradient.to(memory_format=torch.channels_last),
    )
    for weight in (plain, last):
        Muon([weight], lr=0.1).step()
    assert (last.detach() - value).abs().mean() > 0.01
    assert last.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(plain.detach(), last.detach(), rtol=0, atol=0.005)


def test_parameters_without_gradients_stay_unchanged() -> None:
    weight = nn.Parameter(random_tensor(4, 4))
    Muon([weight], lr=0.1).step()
    assert torch.equal(weight.detach(), random_tensor(4, 4))


def test_training_reduces_the_loss() -> None:
    torch.manual_seed(0)
    layer, target, inputs = nn.Linear(8, 24, bias=False), random_tensor(24, 8, seed=1), random_tensor(64, 8, seed=2)
    optimiser = Muon(layer.parameters(), lr=0.05, piece=8)
    losses = []
    for _ in range(150):
        loss = (layer(inputs) - inputs @ target.T).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.02 * losses[0]
