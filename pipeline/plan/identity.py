"""The render key: a digest of everything that decides a picture's pixels, and of nothing else."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields

from brandpress.model.sampling_params import ALWAYS_WRITTEN, SamplingParams


@dataclass(frozen=True, slots=True)
class KeyInputs(SamplingParams):
    """Everything that decides a picture's pixels.

    weights: digest of the model's files. references: digests of the reference files, in order; that of a transparent
    file is followed by the colour that it's flattened onto. steps, guidance: None where a hosted model chooses them.
    quantisation: None for unquantised weights. sampler: version of the sampling code. reuse: "exact", or the version of
    the approximation.
    """

    weights: str
    prompt: str
    references: tuple[str, ...]
    width: int
    height: int
    seed: int
    quantisation: str | None
    sampler: str
    format: str


_FIELDS = fields(KeyInputs)
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical_json(inputs: KeyInputs) -> str:
    """Returns the inputs as JSON in the only form that keys are made of: sorted keys, no spaces, guidance as a float.

    Sampling parameters that were added later are left out at their defaults, so that older keys stay the same."""
    values = {
        field.name: value
        for field in _FIELDS
        if (value := getattr(inputs, field.name)) != field.default or field.name in ALWAYS_WRITTEN
    }
    if inputs.guidance is not None:
        values["guidance"] = float(inputs.guidance) + 0.0  # + 0.0: -0.0 is 0.0
    return _ENCODER.encode(values)


def render_key(inputs: KeyInputs) -> str:
    """Returns the sha256 of the canonical JSON, as 64 hexadecimal digits. The same key means the same picture."""
    return hashlib.sha256(canonical_json(inputs).encode()).hexdigest()
