"""The elementwise operations of `network.kernels` as Triton kernels: one pass over memory each, on NVIDIA GPUs.

What torch.compile makes of these functions was measured on an H200 first: the norm with its rotation in three kernels,
fp8 quantisation with a second read of everything, group norms with divisions for every index; together about a fifth of
a step and half of a decoding (docs/gpu.md). Importing this package needs Triton.
"""

from __future__ import annotations

from brandpress.model.network.fused.fp8 import join_rows, modulate_rows, quantise_rows, swiglu_rows
from brandpress.model.network.fused.pictures import norm_silu, softmax
from brandpress.model.network.fused.rows import add_gated, join, norm_and_rope, swiglu
from brandpress.model.network.kernels import Kernels

FUSED = Kernels(
    name="Triton",
    channels_last=True,
    norm_and_rope=norm_and_rope,
    swiglu=swiglu,
    join=join,
    add_gated=add_gated,
    quantise_rows=quantise_rows,
    modulate_rows=modulate_rows,
    swiglu_rows=swiglu_rows,
    join_rows=join_rows,
    norm_silu=norm_silu,
    softmax=softmax,
)
