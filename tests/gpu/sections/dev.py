"""[dev], 32B: a step with three references in bf16 and in fp8, and what the parts of fp8 cost."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import torch
from torch import Tensor

from brandpress.model.inference.denoise import layout_freqs_cis, modulations
from brandpress.model.inference.packed import PackedPass
from brandpress.model.inference.segments import Segment
from brandpress.model.inference.workspace import Workspace
from brandpress.model.network import fp8 as quantised
from brandpress.model.network.fp8 import Fp8Linear
from brandpress.model.network.kernels import Kernels
from brandpress.model.network.transformer import Transformer
from tests.bench.row import Goal
from tests.gpu.case import DEV, Case
from tests.gpu.figure import Figure
from tests.gpu.rig import Rig
from tests.gpu.weights import quantise_blocks, transformer_of

ABOUT = "One step of [dev] at its real size with random weights; 20 of them make a picture."
SECONDS = 65


class Step:
    """One step of a case. References run with the target, except in KV models."""

    def __init__(self, rig: Rig, model: Transformer, case: Case) -> None:
        self._model, self._kernels = model, rig.best_kernels()
        generator = torch.Generator(rig.device).manual_seed(0)
        running = 0 if case.kv else case.reference_tokens
        rows = (running + case.target_tokens, model.config.in_channels)
        self._image = torch.randn(rows, generator=generator, device=rig.device).to(rig.dtype)
        text = torch.randn((case.text, model.config.width), generator=generator, device=rig.device)
        self._text = text.to(rig.dtype)
        with torch.inference_mode():
            grids = [] if case.kv else [case.reference_grid] * case.references
            table = layout_freqs_cis(model, case.grid, grids, case.text, rig.device)
            scale = 4.0 if model.config.guidance_embeds else None
            self._mods = modulations(model, torch.tensor(0.7), scale, self._text)
        self._segments = [Segment(running, case.target_tokens, case.text, table)]
        self._space = Workspace()

    def run(self, kernels: Kernels | None = None) -> Tensor:
        run = PackedPass(self._model, self._segments, self._mods, self._space, kernels or self._kernels)
        return run.velocity(self._image, self._text)


def measure(rig: Rig) -> Iterator[Figure]:
    case = DEV.tiny() if rig.tiny else DEV
    if rig.gpu and torch.cuda.get_device_properties(rig.device).total_memory < 72e9:
        yield Figure("[dev] in bf16", "not measured: its weights take 64 GB")
        return
    model = transformer_of(case, rig)
    step = Step(rig, model, case)
    floor = case.floor(rig.products) / case.steps
    dense = yield from timed(rig, step, "bf16")
    yield Figure("bf16: floor ÷ time of a step", floor / dense, "", Goal(0.75), note=f"floor {floor:.3f} s")
    exact = step.run()
    quantise_blocks(model)
    rig.free()
    yield from in_fp8(rig, model, step, case, dense, exact)


def timed(rig: Rig, step: Step, form: str) -> Generator[Figure, None, float]:
    """Measures a step with each kind of kernels. Returns the seconds of the fastest."""
    fastest = float("inf")
    for name, kernels in (rig.kernels() if rig.every else rig.best()).items():
        seconds = rig.seconds(lambda kernels=kernels: step.run(kernels), rounds=2)
        fastest = min(fastest, seconds)
        yield Figure(f"{form}, a step, {name}", seconds, "s")
    return fastest


def in_fp8(rig: Rig, model: Transformer, step: Step, case: Case, dense: float, exact: Tensor) -> Iterator[Figure]:
    floor = case.floor(rig.products, fp8=True) / case.steps
    fp8 = yield from timed(rig, step, "fp8")
    yield Figure("fp8: times as fast as bf16", dense / fp8, "x", Goal(1.3), note=f"floor {floor:.3f} s")
    error = float((step.run().float() - exact.float()).norm() / exact.float().norm())
    yield Figure("fp8: velocity against bf16's", error, "", note="norm of the difference over the norm")
    rig.profile[:], _ = rig.profiled(step.run)
    if not (rig.every or rig.tiny):
        return
    fast = quantised.scaled_product
    try:
        quantised.scaled_product = slow_accumulation
        yield Figure("fp8, a step, sums in float32 throughout", rig.seconds(step.run, rounds=1), "s")
    finally:
        quantised.scaled_product = fast
    for layer in model.modules():
        if isinstance(layer, Fp8Linear):
            layer.fp8_product = False
    yield Figure("fp8 weights, products in bf16", rig.seconds(step.run, rounds=1), "s")


def slow_accumulation(x: quantised.Fp8Rows, weight: Tensor, columns: Tensor, out: Tensor | None = None) -> Tensor:
    product: Tensor = torch._scaled_mm(
        x.values, weight.t(), scale_a=x.scale, scale_b=columns, out_dtype=torch.bfloat16, use_fast_accum=False
    )
    return product if out is None else out.copy_(product)
