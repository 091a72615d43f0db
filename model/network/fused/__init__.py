"""The elementwise operations of `network.kernels` as Triton kernels for NVIDIA GPUs: one pass over memory each.

torch.compile was measured first, on an H200: it makes three kernels of the norm with RoPE, reads everything twice for
fp8 quantisation, and divides for every index of a group norm. Together that took about a fifth of a step and half of a
decode (docs/gpu.md). Importing this package requires Triton.
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
