"""The transformer's blocks compiled for training on a GPU: the work between products fused, about twice as fast.

Compiling takes a minute, which a process of its own spends while the autoencoder trains: what it compiles lies in
torch's cache on disk when the transformer's turn comes. Where anything of it fails training goes on uncompiled.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context

import torch
from torch import nn

from brandpress.model.nano.architecture import TEXT_LENGTH, TRANSFORMER
from brandpress.model.nano.batches import Group, batch_of
from brandpress.model.nano.dataset import MOST_REFERENCES, NO_SLOT, SLOTS, Latents
from brandpress.model.nano.flow_loss import batch_losses
from brandpress.model.nano.nano import Nano
from brandpress.model.nano.place import Place

Grids = tuple[tuple[int, int], tuple[int, int]]
"""(height, width) in tokens of the pictures and of their references."""


@contextmanager
def compiled_blocks(model: Nano, groups: Sequence[Group], batch: int, place: Place) -> Iterator[None]:
    """The blocks are compiled within. All kinds of batches are tried first: where one fails, nothing is compiled."""
    began = time.monotonic()
    fuse(model)
    try:
        for group in various(groups):
            probe(model, group, batch, place)
        print(f"compiled the blocks in {time.monotonic() - began:.0f} s", flush=True)
    except Exception as error:  # torch names no common class of what may go wrong
        print(f"training without compilation: {type(error).__name__}: {str(error)[:500]}", flush=True)
        restore(model)
    try:
        yield
    finally:
        restore(model)


def fuse(model: Nano) -> None:
    """Compile what blocks do; shapes may change without compiling again."""
    for block in blocks(model):
        for name in METHODS:
            if hasattr(block, name):
                setattr(block, name, torch.compile(getattr(block, name), dynamic=True))


def restore(model: Nano) -> None:
    """Undo `fuse`."""
    for block in blocks(model):
        for name in METHODS:
            block.__dict__.pop(name, None)


METHODS = ("forward", "reference")


def blocks(model: Nano) -> list[nn.Module]:
    return [*model.transformer.transformer_blocks, *model.transformer.single_transformer_blocks]


def various(groups: Sequence[Group]) -> list[Group]:
    """The first shard's groups, and the largest count of each other shard."""
    first = [group for group in groups if group.shard is groups[0].shard]
    last = {id(group.shard): group for group in groups}
    return first + [group for group in last.values() if group.shard is not groups[0].shard]


def probe(model: Nano, group: Group, batch: int, place: Place) -> None:
    """A step's work on a group's samples, without its effect."""
    pairs = group.pairs[torch.arange(batch, device=place.device) % len(group.pairs)]
    loss, _ = batch_losses(model, batch_of(group, pairs), 0, place)
    loss.backward()  # type: ignore[no-untyped-call]
    model.zero_grad(set_to_none=True)


class BackgroundCompilation:
    """Fills torch's cache of compiled kernels, in a process of its own."""

    def __init__(self, device: str, batch: int, grids: Sequence[Grids]) -> None:
        self._process = get_context("spawn").Process(target=_compile, args=(device, batch, tuple(grids)), daemon=True)
        self._process.start()

    def succeeded(self, seconds: float) -> bool:
        """Whether all is compiled, after at most so many more seconds. What isn't finished by then is given up."""
        self._process.join(max(0.0, seconds))
        if self._process.is_alive():
            print("compilation takes too long: training without it", flush=True)
            self._process.terminate()
            return False
        return self._process.exitcode == 0


def _compile(device: str, batch: int, grids: Sequence[Grids]) -> None:
    place = Place(torch.device(device), torch.bfloat16)
    model = Nano().to(place.device).train()
    fuse(model)
    for index, (grid, reference_grid) in enumerate(grids):
        shard = blank(grid, reference_grid, place.device)
        for count in range(MOST_REFERENCES + 1) if index == 0 else (MOST_REFERENCES,):
            pairs = torch.tensor([[0, count]], device=place.device)
            probe(model, Group(shard, count, pairs), batch, place)
    print("compiled in the background", flush=True)


def blank(grid: tuple[int, int], reference_grid: tuple[int, int], device: torch.device) -> Latents:
    """One composition of zeros, whose caption k has k references."""
    channels = TRANSFORMER.in_channels
    slots = torch.full((1, MOST_REFERENCES + 1, MOST_REFERENCES), NO_SLOT, dtype=torch.int8)
    for count in range(MOST_REFERENCES + 1):
        slots[0, count, :count] = torch.arange(count)
    tokens = torch.zeros(1, MOST_REFERENCES + 1, TEXT_LENGTH, dtype=torch.int16)
    tokens[..., 0] = 1
    return Latents(
        items=torch.zeros(1, *grid, dtype=torch.int8),
        tokens=tokens,
        slots=slots,
        targets=torch.zeros(1, *grid, channels, dtype=torch.bfloat16),
        references=torch.zeros(1, len(SLOTS), *reference_grid, channels, dtype=torch.bfloat16),
    ).to(device)
