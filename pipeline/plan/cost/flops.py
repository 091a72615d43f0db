"""How many floating-point operations a picture takes. A multiplication with an addition counts as two.

Counted are matrix products, convolutions and attention; the rest is small. Formulas: a product of (m, k) with (k, n)
takes 2mkn; attention of r rows to k keys of width D takes 4rkD, for the scores and for the weighted sum.
"""

from __future__ import annotations

from brandpress.model.sampler_version import LONG_SCHEDULE
from brandpress.pipeline.plan.cost.architecture import Architecture, Convolutions, TextEncoder, Transformer
from brandpress.pipeline.plan.cost.shape import PictureShape

REFRESH_EVERY, FIRST_STEPS, LAST_STEPS = 4, 3, 2
"""Of `reuse: approximate`, as in `model/inference/step_cache.py`, which needs torch."""


def pass_flops(transformer: Transformer, rows: int, keys: int | None = None) -> float:
    """Returns the operations of one pass of `rows` tokens through all blocks. keys: the tokens that they attend to;
    default: themselves."""
    width, blocks = transformer.width, transformer.blocks
    products = 2.0 * rows * blocks * (4 + 3 * transformer.mlp_ratio) * width**2
    attention = 4.0 * rows * (rows if keys is None else keys) * width * blocks
    return products + attention + 2.0 * rows * transformer.channels * width


def step_flops(architecture: Architecture, shape: PictureShape, *, reused: bool = False) -> float:
    """Returns the operations of one sampling step, with both passes if there are two. reused: the keys and values of
    the references come from an earlier step."""
    own = shape.tokens + architecture.text_length
    everything = own + shape.reference_tokens
    rows = own if architecture.kv or reused else everything
    return shape.passes * pass_flops(architecture.transformer, rows, everything)


def step_counts(shape: PictureShape) -> tuple[int, int]:
    """Returns how many steps run in full, and how many with references from an earlier step."""
    if not shape.approximate:
        return shape.steps, 0
    middle = max(0, shape.steps - FIRST_STEPS - LAST_STEPS) if shape.steps >= LONG_SCHEDULE else 0
    computed = shape.steps - (middle + 1) // 2
    full = (computed + REFRESH_EVERY - 1) // REFRESH_EVERY if shape.reference_tokens else computed
    return full, computed - full


def reference_pass_flops(architecture: Architecture, tokens: int) -> float:
    """Returns the operations of the pass over a reference set whose keys and values are kept; 0 for other models."""
    return pass_flops(architecture.transformer, tokens) if architecture.kv and tokens else 0.0


def text_flops(encoder: TextEncoder, length: int) -> float:
    """Returns the operations of encoding a prompt of `length` tokens."""
    weights = 2 * encoder.width * (encoder.queries + encoder.keys) + 3 * encoder.width * encoder.inner
    return 2.0 * length * encoder.layers * weights + 4.0 * length**2 * encoder.queries * encoder.layers


def convolution_flops(side: Convolutions, pixels: int) -> float:
    """Returns the operations of the encoder or the decoder for a picture of `pixels`."""
    products = sum(2.0 * number * pixels / scale**2 for scale, number in side.weights)
    positions, channels = pixels / side.scale**2, side.attention
    return products + 8.0 * positions * channels**2 + 4.0 * positions**2 * channels
