"""The render key: a digest of all that decides a picture's pixels, and of nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class KeyInputs:
    """All that decides a picture. weights: the digest of the model's files. references: the digests of the reference
    files, in order, each of a transparent one with the colour that it's laid on. steps, guidance: None where the
    service chooses. quantisation: None for weights as they are. sampler: the version of the sampling code. reuse:
    "exact", or the version of the approximation.

    The fields with defaults came later: at their defaults they aren't written, so that older keys stay what they are.
    """

    weights: str
    prompt: str
    references: tuple[str, ...]
    width: int
    height: int
    steps: int | None
    guidance: float | None
    seed: int
    quantisation: str | None
    sampler: str
    format: str
    negative_prompt: str = ""
    reference_pixels: int | None = None
    upsample: bool = False
    reuse: str = "exact"


_FIELDS = fields(KeyInputs)
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(inputs: KeyInputs) -> str:
    """The one way to write the inputs down: keys sorted, no blanks, UTF-8; guidance is a float (4 and 4.0 are one)."""
    values = {field.name: value for field in _FIELDS if (value := getattr(inputs, field.name)) != field.default}
    if inputs.guidance is not None:
        values["guidance"] = float(inputs.guidance) + 0.0  # + 0.0: -0.0 is 0.0
    return _ENCODER.encode(values)


def render_key(inputs: KeyInputs) -> str:
    """sha256 of the canonical JSON, 64 hexadecimal digits: same key, same picture."""
    return hashlib.sha256(canonical_json(inputs).encode()).hexdigest()


def keys_by_seed(inputs: KeyInputs) -> Callable[[int], str]:
    """Gives the render key of the inputs with another seed, much quicker than one by one."""
    mark = '"seed":0,'  # in no text of the inputs: there the quotes are escaped
    before, after = canonical_json(replace(inputs, seed=0)).split(mark)
    head, tail = hashlib.sha256(f'{before}"seed":'.encode()), f",{after}"

    def key(seed: int) -> str:
        digest = head.copy()
        digest.update(f"{seed}{tail}".encode())
        return digest.hexdigest()

    return key


def changed_fields(before: KeyInputs, after: KeyInputs) -> tuple[str, ...]:
    """The names of the fields that make two render keys differ, in the order of `KeyInputs`; () for equal keys."""
    old, new = (json.loads(canonical_json(inputs)) for inputs in (before, after))
    return tuple(field.name for field in _FIELDS if old.get(field.name) != new.get(field.name))
