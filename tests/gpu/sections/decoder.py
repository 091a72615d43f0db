"""The autoencoder's decoder at its real size: memory layouts, kernels, one piece and tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from brandpress.model.memory.plan import DECODER_CHANNELS
from brandpress.model.network import tiled
from brandpress.model.network.autoencoder import Autoencoder
from brandpress.model.network.kernels import EAGER
from tests.bench.row import Goal
from tests.gpu.figure import Figure
from tests.gpu.pairs import spreads_apart
from tests.gpu.rig import Rig
from tests.gpu.weights import autoencoder_of

ABOUT = "FLUX.2's decoder with random weights in bf16, against itself in float32."
SECONDS = 55
SIDES = {1024: None, 2048: Goal(0.25, at_least=False)}


def measure(rig: Rig) -> Iterator[Figure]:
    model = autoencoder_of(rig)
    for side, goal in SIDES.items():
        latents = torch.randn(1, 128, *(2 * (4 if rig.tiny else side // 16,)), device=rig.device)
        yield from decoded(rig, model, latents, side, goal)
        rig.free()
    yield from attention(rig)
    model.use(rig.best_kernels())
    model.untiled_elements = DECODER_CHANNELS * 2048**2
    decode(model, latents)
    rig.profile[:], _ = rig.profiled(lambda: decode(model, latents))
    yield from whole(rig, model)


@torch.inference_mode()
def decode(model: Autoencoder, latents: Tensor) -> Tensor:
    return model.decode(latents)


def decoded(rig: Rig, model: Autoencoder, latents: Tensor, side: int, goal: Goal | None) -> Iterator[Figure]:
    fastest, baseline = float("inf"), None
    model.untiled_elements = DECODER_CHANNELS * side**2
    for kernels in rig.kernels().values():
        for last in (False, True) if rig.every else (kernels.channels_last,):
            variant = replace(kernels, channels_last=last)
            model.use(variant)
            seconds = rig.seconds(lambda: decode(model, latents), rounds=3, warm=2)
            pictures = decode(model, latents)
            baseline = pictures if baseline is None else baseline
            apart = spreads_apart(pictures, baseline)
            peak = rig.peak(lambda: decode(model, latents)) / 1e9
            layout = "channels last" if last else "channels first"
            note = f"peak {peak:.1f} GB; {apart:.3f} spreads from the first"
            yield Figure(f"{side}², {layout}, {kernels.name}", seconds, "s", note=note)
            fastest = min(fastest, seconds)
    yield Figure(f"{side}², the fastest", fastest, "s", goal)
    max_untiled, tiled.MAX_UNTILED_ELEMENTS, model.untiled_elements = tiled.MAX_UNTILED_ELEMENTS, 0, 0
    try:
        seconds = rig.seconds(lambda: decode(model, latents), rounds=1)
        peak = rig.peak(lambda: decode(model, latents)) / 1e9
    finally:
        tiled.MAX_UNTILED_ELEMENTS = max_untiled
    yield Figure(f"{side}², in tiles", seconds, "s", note=f"peak {peak:.1f} GB")


def attention(rig: Rig) -> Iterator[Figure]:
    """The mid block's attention for a picture of 2048²: one head of size 512 over 65,536 positions."""
    tokens, width = (64, 64) if rig.tiny else (65_536, 512)
    q, k, v = (torch.randn(1, 1, tokens, width, device=rig.device, dtype=rig.dtype) for _ in range(3))
    variants: dict[str, Callable[[], Tensor]] = {"torch's choice": lambda: F.scaled_dot_product_attention(q, k, v)}
    for name, kernels in rig.kernels().items():
        variants[f"products and softmax, {name}"] = lambda kernels=kernels: tiled.attention_of_wide_heads(
            q, k, v, kernels
        )
    with torch.inference_mode():
        for name, compute in variants.items():
            yield Figure(f"middle attention of 2048², {name}", rig.seconds(compute), "s")


def whole(rig: Rig, model: Autoencoder) -> Iterator[Figure]:
    """The whole decoder under torch.compile: an upper bound for further gains."""
    if not (rig.gpu and rig.every):
        return
    import time

    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    model.use(EAGER)
    compiled: Any = torch.compile(model.decoder)
    z = torch.randn(1, 32, 128, 128, device=rig.device, dtype=rig.dtype)

    @torch.inference_mode()
    def run() -> object:
        return compiled(z)

    start = time.perf_counter()
    run()
    rig.wait()
    compiling = time.perf_counter() - start
    yield Figure("1024², the decoder compiled as one", rig.seconds(run), "s", note=f"compiled in {compiling:.0f} s")
