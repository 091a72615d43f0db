"""Encodes rendered compositions into latents."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor

from brandpress.model.nano.data.dataset import LatentShard, PixelShard
from brandpress.model.nano.place import Place
from brandpress.model.network.autoencoder import Autoencoder

PICTURES, REFERENCES = 64, 256
"""Batch sizes of the encoder."""
CPU_PART = 25
"""Compositions that a CPU encodes between two checks of the stop condition."""
AHEAD = 4
"""Files that are read in advance."""


@torch.no_grad()
def encode(autoencoder: Autoencoder, shard: PixelShard, place: Place) -> LatentShard:
    """Returns the latents of all pictures and references, on the device; empty reference slots are zeros."""
    targets = torch.cat([encode_tokens(autoencoder, part, place) for part in torch.split(shard.pictures, PICTURES)])
    flat = shard.references.flatten(0, 1)
    filled = flat.flatten(1).amax(dim=1) > 0
    encoded = torch.cat([encode_tokens(autoencoder, part, place) for part in torch.split(flat[filled], REFERENCES)])
    references = encoded.new_zeros(len(flat), *encoded.shape[1:])
    references[filled.to(place.device)] = encoded
    return LatentShard(
        items=shard.items.to(place.device),
        tokens=shard.tokens.to(place.device),
        slots=shard.slots.to(place.device),
        any_order=shard.any_order.to(place.device),
        targets=targets,
        references=torch.unflatten(references, 0, shard.references.shape[:2]),
    )


def encode_tokens(autoencoder: Autoencoder, pictures: Tensor, place: Place) -> Tensor:
    """Returns the latents (B, h, w, C), bfloat16, of uint8 pictures (B, 3, H, W)."""
    with place.autocast():
        return autoencoder.encode(to_floats(pictures.to(place.device))).permute(0, 2, 3, 1).bfloat16()


def to_floats(pictures: Tensor) -> Tensor:
    """Returns uint8 pixels scaled to [-1, 1]; channels-last on a CPU, where convolutions are faster that way."""
    layout = torch.channels_last if pictures.device.type == "cpu" else torch.contiguous_format
    return (pictures.float() / 127.5 - 1).contiguous(memory_format=layout)


def encode_files(
    autoencoder: Autoencoder, paths: Iterable[Path], place: Place, enough: Callable[[], bool]
) -> Iterator[tuple[PixelShard, LatentShard]]:
    """Yields parts of the files' compositions with their latents until `enough` returns true; at least one part."""
    for shard in load_ahead(paths):
        for part in shard.split(len(shard.items) if place.on_gpu else CPU_PART):
            yield part, encode(autoencoder, part, place)
            if enough():
                return


def load_ahead(paths: Iterable[Path]) -> Iterator[PixelShard]:
    """Yields the files' shards in order; threads read up to AHEAD files in advance."""
    with ThreadPoolExecutor(AHEAD) as pool:
        loads: deque[Future[PixelShard]] = deque()
        try:
            for path in paths:
                loads.append(pool.submit(PixelShard.load, path))
                if len(loads) > AHEAD:
                    yield loads.popleft().result()
            while loads:
                yield loads.popleft().result()
        finally:
            for future in loads:
                future.cancel()
