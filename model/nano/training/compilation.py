"""Compiles the transformer's blocks for training on a GPU, which about doubles the speed.

Compiling takes a minute. A background process does it while the autoencoder trains and fills torch's on-disk cache
before the transformer's stage begins. If compiling fails, training continues uncompiled.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context

import torch
from torch import nn

from brandpress.model.nano.architecture import TEXT_LENGTH, TRANSFORMER
from brandpress.model.nano.data.batches import Group, gather_batch, samples_of
from brandpress.model.nano.data.dataset import MAX_REFERENCES, NO_SLOT, SLOTS, LatentShard
from brandpress.model.nano.place import Place
from brandpress.model.nano.training.flow_loss import batch_losses
from brandpress.model.nano.training.nano import Nano

Grids = tuple[tuple[int, int], tuple[int, int]]
"""(height, width) in tokens of the pictures and of their references."""
COMPILED_METHODS = ("forward", "forward_references")


@contextmanager
def compiled_blocks(model: Nano, groups: Sequence[Group], batch: int, place: Place) -> Iterator[None]:
    """Compile the blocks while the block runs. If any kind of batch fails, no block is compiled."""
    start = time.monotonic()
    compile_blocks(model)
    try:
        for group in representative_groups(groups):
            run_probe(model, group, batch, place)
        print(f"compiled the blocks in {time.monotonic() - start:.0f} s", flush=True)
    except Exception as error:  # torch has no common base class for compilation errors
        print(f"training without compilation: {type(error).__name__}: {str(error)[:500]}", flush=True)
        restore_blocks(model)
    try:
        yield
    finally:
        restore_blocks(model)


def compile_blocks(model: Nano) -> None:
    """Compile the blocks' methods with dynamic shapes, so that other shapes don't compile again."""
    for block in blocks(model):
        for name in COMPILED_METHODS:
            if hasattr(block, name):
                setattr(block, name, torch.compile(getattr(block, name), dynamic=True))


def restore_blocks(model: Nano) -> None:
    """Undo `compile_blocks`."""
    for block in blocks(model):
        for name in COMPILED_METHODS:
            block.__dict__.pop(name, None)


def blocks(model: Nano) -> list[nn.Module]:
    """Returns the transformer's double and single stream blocks."""
    return [*model.transformer.transformer_blocks, *model.transformer.single_transformer_blocks]


def representative_groups(groups: Sequence[Group]) -> list[Group]:
    """Returns all groups of the first shard, and the one with the most references of each other shard."""
    first = [group for group in groups if group.shard is groups[0].shard]
    last = {id(group.shard): group for group in groups}
    return first + [group for group in last.values() if group.shard is not groups[0].shard]


def run_probe(model: Nano, group: Group, batch: int, place: Place) -> None:
    """Run a forward and backward pass on a group's samples without changing the model."""
    pairs = group.pairs[torch.arange(samples_of(group, batch), device=place.device) % len(group.pairs)]
    loss, _ = batch_losses(model, gather_batch(group, pairs), 0, place)
    loss.backward()  # type: ignore[no-untyped-call]
    model.zero_grad(set_to_none=True)


class BackgroundCompilation:
    """A process that fills torch's cache of compiled kernels."""

    def __init__(self, device: str, batch: int, grids: Sequence[Grids]) -> None:
        self._process = get_context("spawn").Process(target=_compile, args=(device, batch, tuple(grids)), daemon=True)
        self._process.start()

    def succeeded(self, seconds: float) -> bool:
        """Wait at most `seconds` and return whether everything is compiled. An unfinished process is terminated."""
        self._process.join(max(0.0, seconds))
        if self._process.is_alive():
            print("compilation takes too long: training without it", flush=True)
            self._process.terminate()
            return False
        return self._process.exitcode == 0


def _compile(device: str, batch: int, grids: Sequence[Grids]) -> None:
    place = Place(torch.device(device), torch.bfloat16)
    model = Nano().to(place.device).train()
    compile_blocks(model)
    for index, (grid, reference_grid) in enumerate(grids):
        shard = blank_shard(grid, reference_grid, place.device)
        for count in range(MAX_REFERENCES + 1) if index == 0 else (MAX_REFERENCES,):
            pairs = torch.tensor([[0, count]], device=place.device)
            run_probe(model, Group(shard, count, pairs), batch, place)
    print("compiled in the background", flush=True)


def blank_shard(grid: tuple[int, int], reference_grid: tuple[int, int], device: torch.device) -> LatentShard:
    """Returns one composition of zeros, whose caption k has k references."""
    channels = TRANSFORMER.in_channels
    slots = torch.full((1, MAX_REFERENCES + 1, MAX_REFERENCES), NO_SLOT, dtype=torch.int8)
    for count in range(MAX_REFERENCES + 1):
        slots[0, count, :count] = torch.arange(count)
    tokens = torch.zeros(1, MAX_REFERENCES + 1, TEXT_LENGTH, dtype=torch.int16)
    tokens[..., 0] = 1
    return LatentShard(
        items=torch.zeros(1, *grid, dtype=torch.int8),
        tokens=tokens,
        slots=slots,
        any_order=torch.zeros(1, MAX_REFERENCES + 1, dtype=torch.bool),
        targets=torch.zeros(1, *grid, channels, dtype=torch.bfloat16),
        references=torch.zeros(1, len(SLOTS), *reference_grid, channels, dtype=torch.bfloat16),
    ).to(device)
