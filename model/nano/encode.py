"""Compositions through the autoencoder, each once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor

from brandpress.model.nano.dataset import Drawn, Latents
from brandpress.model.nano.place import Place
from brandpress.model.network.autoencoder import Autoencoder

PICTURES, REFERENCES = 64, 256
"""How many go through the autoencoder at a time."""
CPU_PART = 25
"""Compositions that a CPU encodes between two looks at whether it's enough."""


@torch.no_grad()
def encode(autoencoder: Autoencoder, drawn: Drawn, place: Place) -> Latents:
    """Every picture and reference as latents on the device; the empty slots of references are zeros."""
    targets = torch.cat([tokens(autoencoder, part, place) for part in torch.split(drawn.pictures, PICTURES)])
    flat = drawn.references.flatten(0, 1)
    shown = flat.flatten(1).amax(dim=1) > 0
    encoded = torch.cat([tokens(autoencoder, part, place) for part in torch.split(flat[shown], REFERENCES)])
    references = encoded.new_zeros(len(flat), *encoded.shape[1:])
    references[shown.to(place.device)] = encoded
    return Latents(
        items=drawn.items.to(place.device),
        tokens=drawn.tokens.to(place.device),
        slots=drawn.slots.to(place.device),
        targets=targets,
        references=torch.unflatten(references, 0, drawn.references.shape[:2]),
    )


def tokens(autoencoder: Autoencoder, pictures: Tensor, place: Place) -> Tensor:
    """uint8 pictures (B, 3, H, W) -> (B, h, w, C) bfloat16."""
    with place.autocast():
        return autoencoder.encode(as_floats(pictures.to(place.device))).permute(0, 2, 3, 1).bfloat16()


def as_floats(pictures: Tensor) -> Tensor:
    """uint8 -> [-1, 1]; channels last on a CPU, where convolutions are faster so."""
    layout = torch.channels_last if pictures.device.type == "cpu" else torch.contiguous_format
    return (pictures.float() / 127.5 - 1).contiguous(memory_format=layout)


def encode_files(
    autoencoder: Autoencoder, paths: Iterable[Path], place: Place, enough: Callable[[], bool]
) -> Iterator[tuple[Drawn, Latents]]:
    """The compositions of the files with their latents, some at a time and some at least, until it's `enough`."""
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(Drawn.load, path) for path in paths]
        try:
            for future in waiting:
                drawn = future.result()
                for part in drawn.parts(len(drawn.items) if place.on_gpu else CPU_PART):
                    yield part, encode(autoencoder, part, place)
                    if enough():
                        return
        finally:
            for future in waiting:
                future.cancel()
