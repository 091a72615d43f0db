"""The Muon optimizer: momentum orthogonalised by Newton-Schulz iterations, for the matrices of a network.

Source: Keller Jordan, "Muon: an optimizer for hidden layers" (2024), with its quintic coefficients. Matrices are cut
into pieces, because a fused projection is several matrices; pieces of equal shape share one batched iteration.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


def orthogonalise(batch: Tensor, dtype: torch.dtype = torch.float32, iterations: int = 5) -> Tensor:
    """Returns approximately the nearest semi-orthogonal matrices of (n, rows, columns).

    dtype: of the products. bfloat16 is exact enough, but takes a hundred times as long as float32 on a CPU without
    instructions for it.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    x = batch.to(dtype)
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.transpose(1, 2)
    norms: Tensor = x.norm(dim=(1, 2), keepdim=True)
    x = x / (norms + 1e-7)
    for _ in range(iterations):
        gram = x @ x.transpose(1, 2)
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.transpose(1, 2) if tall else x).to(batch.dtype)


class Muon(torch.optim.Optimizer):
    """Optimises parameters of two or more dimensions; a convolution is an (out, in * height * width) matrix.

    piece: dimensions that are a multiple of this width are cut into it; None leaves matrices whole. dtype: of the
    orthogonalisation's products.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        lr: float,
        momentum: float = 0.95,
        piece: int | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "piece": piece, "dtype": dtype})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Update all parameters that have a gradient. closure: unused."""
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if not parameters:
                continue
            gradients = [parameter.grad for parameter in parameters]
            for parameter in parameters:
                if not self.state[parameter]:
                    self.state[parameter]["momentum"] = torch.zeros_like(parameter)
            buffers = [self.state[parameter]["momentum"] for parameter in parameters]
            torch._foreach_lerp_(buffers, gradients, 1 - group["momentum"])
            nesterov = torch._foreach_lerp(gradients, buffers, group["momentum"])
            by_shape: dict[tuple[int, int], list[tuple[Tensor, Tensor]]] = defaultdict(list)
            for parameter, update in zip(parameters, nesterov, strict=True):
                if parameter.ndim > 2:
                    cut = [(parameter.data, update.flatten(1))]  # a channels-last weight has no flat view to write to
                else:
                    parts = pieces(parameter.data, group["piece"]), pieces(update, group["piece"])
                    cut = list(zip(*parts, strict=True))
                for weight, part in cut:
                    by_shape[(part.shape[0], part.shape[1])].append((weight, part))
            for (rows, columns), pairs in by_shape.items():
                directions = orthogonalise(torch.stack([part for _, part in pairs]), group["dtype"])
                scale = max(1.0, rows / columns) ** 0.5
                weights = [weight for weight, _ in pairs]
                shaped = [each.reshape(weight.shape) for weight, each in zip(weights, directions, strict=True)]
                torch._foreach_add_(weights, shaped, alpha=-group["lr"] * scale)


def remaining_parameters(model: nn.Module, matrices: Iterable[nn.Parameter]) -> list[nn.Parameter]:
    """Returns the model's parameters that aren't among `matrices`, for another optimizer."""
    ids = {id(matrix) for matrix in matrices}
    return [parameter for parameter in model.parameters() if id(parameter) not in ids]


def pieces(matrix: Tensor, width: int | None) -> list[Tensor]:
    """Returns views of the matrix, cut along dimensions that are larger multiples of `width`."""
    if width is None:
        return [matrix]
    out = [matrix]
    for dimension in (0, 1):
        if matrix.shape[dimension] > width and matrix.shape[dimension] % width == 0:
            out = [part for whole in out for part in torch.split(whole, width, dim=dimension)]
    return out
