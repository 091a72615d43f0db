"""What this GPU can do: products, copies, and attention with each backend."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import torch
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from brandpress.model.network.fp8 import quantise_rows, scaled_product
from tests.gpu.figure import Figure
from tests.gpu.rig import Rig

ABOUT = "Versions, and the ceilings that the other sections are measured against."
SECONDS = 40
BACKENDS = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "cuDNN": SDPBackend.CUDNN_ATTENTION,
    "memory efficient": SDPBackend.EFFICIENT_ATTENTION,
}


def measure(rig: Rig) -> Iterator[Figure]:
    size = 128 if rig.tiny else 8192
    a, b = (torch.randn(size, size, device=rig.device, dtype=rig.dtype) for _ in range(2))
    operations = 2.0 * size**3
    seconds = rig.seconds(lambda: a @ b, rounds=5, warm=3)
    rig.products = operations / seconds
    yield Figure(f"product of {size}² in bf16", rig.products / 1e12, "TFLOP/s")
    yield from fp8(rig, a, b, operations)
    big = torch.empty(1 << (16 if rig.tiny else 31), dtype=torch.uint8, device=rig.device)
    seconds = rig.seconds(functools.partial(torch.empty_like(big).copy_, big), rounds=5)
    yield Figure("copy on the device, read and written", 2 * big.numel() / seconds / 1e12, "TB/s")
    del big
    yield from attention(rig)


def fp8(rig: Rig, a: torch.Tensor, b: torch.Tensor, operations: float) -> Iterator[Figure]:
    rows, weight = quantise_rows(a), b.to(torch.float8_e4m3fn)
    columns = torch.ones(1, len(b), device=rig.device)
    by_row = rig.seconds(lambda: scaled_product(rows, weight, columns), rounds=5, warm=3)
    yield Figure("the same in fp8, a scale a row", operations / by_row / 1e12, "TFLOP/s")
    one = torch.ones((), device=rig.device)
    for fast in (False, True):

        def multiply(fast: bool = fast) -> object:
            return torch._scaled_mm(
                rows.values, weight.t(), scale_a=one, scale_b=one, out_dtype=torch.bfloat16, use_fast_accum=fast
            )

        name_of_product = "the same in fp8, one scale" + (", fast accumulation" if fast else "")
        yield Figure(name_of_product, operations / rig.seconds(multiply, rounds=5, warm=3) / 1e12, "TFLOP/s")


def attention(rig: Rig) -> Iterator[Figure]:
    """The attention of klein-9B-KV at 2048² with 4 references."""
    heads, queries, keys = (1, 64, 96) if rig.tiny else (32, 16_896, 33_280)
    q = torch.randn(queries, heads, 128, device=rig.device, dtype=rig.dtype)
    k, v = (torch.randn(keys, heads, 128, device=rig.device, dtype=rig.dtype) for _ in range(2))
    q, k, v = (x.transpose(0, 1)[None] for x in (q, k, v))
    operations = 4.0 * queries * keys * heads * 128
    seconds = rig.seconds(lambda: F.scaled_dot_product_attention(q, k, v))
    yield Figure("attention, torch's choice of a backend", operations / seconds / 1e12, "TFLOP/s")
    for name, backend in BACKENDS.items() if rig.gpu else ():
        try:
            with sdpa_kernel(backend):
                seconds = rig.seconds(lambda: F.scaled_dot_product_attention(q, k, v))
        except RuntimeError as error:
            yield Figure(f"attention, {name}", f"can't be run: {str(error).splitlines()[0][:80]}")
            continue
        yield Figure(f"attention, {name}", operations / seconds / 1e12, "TFLOP/s")
