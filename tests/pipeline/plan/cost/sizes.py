"""Architectures and records for tests of costs."""

from __future__ import annotations

from typing import Any

from brandpress.model.checkpoint.needed import autoencoder_shapes
from brandpress.model.family import FAMILIES
from brandpress.model.network.config import AutoencoderConfig
from brandpress.pipeline.plan.cost.architecture import Architecture, convolutions, text_encoder_of, transformer_of
from brandpress.pipeline.plan.cost.shape import PictureShape

WEIGHTS = "ab" * 32
"""The digest of `tests.pipeline.plan.keys.model`."""


def architecture(name: str, *, fp8: bool = False) -> Architecture:
    """Returns the architecture of a model of the family, by its table."""
    family = FAMILIES[name]
    assert family.size is not None
    assert family.text_encoder is not None
    encoder, decoder = convolutions(autoencoder_shapes(AutoencoderConfig()))
    transformer, text_encoder = transformer_of(family.size), text_encoder_of(family.text_encoder)
    return Architecture(transformer, text_encoder, encoder, decoder, 512, family.kv, fp8)


def square(side: int, references: int = 0, steps: int = 4, passes: int = 1) -> PictureShape:
    """Returns the shape of a square picture with references of 1024x1024."""
    return PictureShape(side, side, side * side, steps, passes, (4096,) * references)


def record(**changes: Any) -> dict[str, Any]:
    """Returns the parsed record of a picture of 1024x1024 in 20 steps on an H100, with changes."""
    fields: dict[str, Any] = {
        "name": "mug/beach",
        "status": "done",
        "width": 1024,
        "height": 1024,
        "format": "png",
        "bytes": 1_500_000,
        "steps": 20,
        "guidance": 1.0,
        "references": [],
        "model": {"name": "some-model", "weights_digest": WEIGHTS, "licence": "x"},
        "timings": {"prepare": 0.1, "model": 2.0, "text": 0.1, "references": 0.0, "denoise": 1.8, "decode": 0.1},
        "cache": {"text": 1},
        "host": {"device": "NVIDIA H100 80GB HBM3"},
    }
    return fields | changes
