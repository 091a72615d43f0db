"""The autoencoder's decoder at its real size: in which layout, with which kernels, in one piece or in tiles."""

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
    fastest, truth = float("inf"), None
    model.untiled_elements = DECODER_CHANNELS * side**2
    for kernels in rig.kernels().values():
        for last in (False, True) if rig.every else (kernels.channels_last,):
            way = replace(kernels, channels_last=last)
            model.use(way)
            seconds = rig.seconds(lambda: decode(model, latents), rounds=3, warm=2)
            pictures = decode(model, latents)
            truth = pictures if truth is None else truth
            apart = spreads_apart(pictures, truth)
            peak = rig.peak(lambda: decode(model, latents)) / 1e9
            layout = "channels last" if last else "channels first"
            note = f"peak {peak:.1f} GB; {apart:.3f} spreads from the first"
            yield Figure(f"{side}², {layout}, {kernels.name}", seconds, "s", note=note)
            fastest = min(fastest, seconds)
    yield Figure(f"{side}², the fastest", fastest, "s", goal)
    plain, tiled.MAX_UNTILED_ELEMENTS, model.untiled_elements = tiled.MAX_UNTILED_ELEMENTS, 0, 0
    try:
        seconds = rig.seconds(lambda: decode(model, latents), rounds=1)
        peak = rig.peak(lambda: decode(model, latents)) / 1e9
    finally:
        tiled.MAX_UNTILED_ELEMENTS = plain
    yield Figure(f"{side}², in tiles", seconds, "s", note=f"peak {peak:.1f} GB")


def attention(rig: Rig) -> Iterator[Figure]:
    """The middle attention of a picture of 2048²: one head of 512 over 65,536 positions."""
    tokens, width = (64, 64) if rig.tiny else (65_536, 512)
    q, k, v = (torch.randn(1, 1, tokens, width, device=rig.device, dtype=rig.dtype) for _ in range(3))
    ways: dict[str, Callable[[], Tensor]] = {"torch's choice": lambda: F.scaled_dot_product_attention(q, k, v)}
    for name, kernels in rig.kernels().items():
        ways[f"products and softmax, {name}"] = lambda kernels=kernels: tiled.attention_of_wide_heads(q, k, v, kernels)
    with torch.inference_mode():
        for name, way in ways.items():
            yield Figure(f"middle attention of 2048², {name}", rig.seconds(way), "s")


def whole(rig: Rig, model: Autoencoder) -> Iterator[Figure]:
    """The decoder compiled as one: what would be left to gain."""
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
    took = time.perf_counter() - start
    yield Figure("1024², the decoder compiled as one", rig.seconds(run), "s", note=f"compiled in {took:.0f} s")
