"""The render key: a digest of all that decides a picture's pixels, and of nothing else."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class KeyInputs:
    """All that decides a picture. weights: the digest of the model's files. references: the digests of the reference
    files, in order. quantisation: None for weights as they are. sampler: the version of the sampling code."""

    weights: str
    prompt: str
    references: tuple[str, ...]
    width: int
    height: int
    steps: int
    guidance: float
    seed: int
    quantisation: str | None
    sampler: str
    format: str


_FIELDS = tuple(field.name for field in fields(KeyInputs))
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(inputs: KeyInputs) -> str:
    """The one way to write the inputs down: keys sorted, no blanks, UTF-8; guidance is always a float (4 and 4.0 are
    one)."""
    values = {name: getattr(inputs, name) for name in _FIELDS}
    values["guidance"] = float(inputs.guidance) + 0.0  # + 0.0: -0.0 is 0.0
    return _ENCODER.encode(values)


def render_key(inputs: KeyInputs) -> str:
    """sha256 of the canonical JSON, 64 hexadecimal digits: same key, same picture."""
    return hashlib.sha256(canonical_json(inputs).encode()).hexdigest()


def changed_fields(before: KeyInputs, after: KeyInputs) -> tuple[str, ...]:
    """The names of the fields that make two render keys differ, in the order of `KeyInputs`; () for equal keys."""
    old, new = (json.loads(canonical_json(inputs)) for inputs in (before, after))
    return tuple(name for name in _FIELDS if old[name] != new[name])
