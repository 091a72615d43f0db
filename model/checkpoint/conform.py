"""Compares the tensors of a file with those that a network needs, by the header alone. No torch here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from brandpress.model.checkpoint.bfl import Origin
from brandpress.model.checkpoint.stored import GLOBAL_MARKER, Stored
from brandpress.model.checkpoint.weights import listing
from brandpress.model.errors import CheckpointError

Shapes = dict[str, tuple[int, ...]]
OPTIONAL = ("bn.num_batches_tracked",)


def check_tensors(
    needed: Mapping[str, tuple[int, ...]],
    stored: Stored,
    origin: Callable[[str], Origin] = Origin,
    *,
    partial: bool = False,
) -> None:
    """Raises CheckpointError for wrong shapes, unsupported formats and missing tensors, and for unknown ones.

    needed: shapes by our names. origin: maps a name to where the file stores it. partial: ignore unknown tensors.
    """
    weights, used, missing = stored.weights, {GLOBAL_MARKER}, []
    for name, shape in needed.items():
        source = origin(name)
        if source.name not in weights:
            if name not in OPTIONAL:
                missing.append(source.name)
            continue
        used |= stored.names(source.name)
        _check_shape(stored, source, shape)
        stored.check_format(source.name)
    if missing:
        raise CheckpointError(f"{weights.label}: {len(missing)} missing tensors: {listing(sorted(set(missing)))}")
    unknown = sorted(name for name in weights if name not in used)
    if unknown and not partial:
        raise CheckpointError(f"{weights.label}: {len(unknown)} tensors that FLUX.2 doesn't have: {listing(unknown)}")


def _check_shape(stored: Stored, source: Origin, target: tuple[int, ...]) -> None:
    shape, parts = stored.shape(source.name), 1 if source.third is None else 3
    expected = (target[0] * parts, *target[1:]) if target else ()
    if shape != expected and shape != (*expected, 1, 1):  # BFL's 1x1 convolutions are linear layers here
        file = stored.weights.file(source.name)
        raise CheckpointError(f"{file}: {source.name}: expected shape {expected} by the config, got {shape}")
