"""How long a picture takes on a device, by its operations (see `flops` and `device`)."""

from __future__ import annotations

from brandpress.pipeline.plan.cost.architecture import Architecture
from brandpress.pipeline.plan.cost.device import Device
from brandpress.pipeline.plan.cost.flops import (
    convolution_flops,
    reference_pass_flops,
    step_counts,
    step_flops,
    text_flops,
)
from brandpress.pipeline.plan.cost.shape import TOKEN_PIXELS, PictureShape
from brandpress.pipeline.plan.cost.spread import Spread

PROGRAM_SECONDS, WEIGHT_BYTES_PER_SECOND = 4.0, 1e9
"""Loading a model: a worker imports torch and the model's code, which took 4 s on two cores of a cloud server whose
disk cache had the files (November 2026). Then it reads the weights and moves them to the device, at a rate that is an
assumption, since disks and caches differ by ten times."""
LOAD_RANGE = (0.2, 4.0)


def load_seconds(weight_bytes: int) -> Spread:
    """Returns the seconds of loading a model with weights of this size once."""
    return Spread.around(PROGRAM_SECONDS + weight_bytes / WEIGHT_BYTES_PER_SECOND, *LOAD_RANGE)


def picture_seconds(architecture: Architecture, shape: PictureShape, device: Device) -> float:
    """Returns the seconds of a picture whose reference set is prepared: text, denoising, decoding.

    Text is counted for each picture, although pictures of the same prompt share it: it takes little.
    """
    full, reused = step_counts(shape)
    text = text_flops(architecture.text_encoder, architecture.text_length) / device.products
    denoising = full * _step(architecture, shape, device) + reused * _step(architecture, shape, device, reused=True)
    decoding = convolution_flops(architecture.decoder, shape.sampled_pixels) / device.decoding
    return text + denoising + decoding


def set_seconds(architecture: Architecture, shape: PictureShape, device: Device) -> float:
    """Returns the seconds of preparing a reference set: encoding it, and its own pass in models that keep its keys and
    values. The encoder's attention takes each reference as one of equal size."""
    if not shape.references:
        return 0.0
    pixels = shape.reference_tokens * TOKEN_PIXELS // shape.references
    encoding = shape.references * convolution_flops(architecture.encoder, pixels) / device.encoding
    return encoding + reference_pass_flops(architecture, shape.reference_tokens) / _rate(architecture, device)


def _step(architecture: Architecture, shape: PictureShape, device: Device, *, reused: bool = False) -> float:
    launching = shape.passes * architecture.transformer.blocks * device.block_seconds
    return max(step_flops(architecture, shape, reused=reused) / _rate(architecture, device), launching)


def _rate(architecture: Architecture, device: Device) -> float:
    return device.fp8_products if architecture.fp8 else device.products
