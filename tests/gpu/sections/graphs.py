"""Small passes, whose kernels run faster than they are launched: what a CUDA graph would save."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from brandpress.model import Renderer
from brandpress.model.network.transformer import Transformer
from tests.gpu.case import KLEIN_4B, Case
from tests.gpu.figure import Figure
from tests.gpu.rig import Rig
from tests.gpu.sections.dev import Step
from tests.gpu.weights import transformer_of

ABOUT = "One step of nano and of klein-4B at 256², launched kernel by kernel and as a CUDA graph."
SECONDS = 30


def measure(rig: Rig) -> Iterator[Figure]:
    nano = Renderer.load("nano", device=str(rig.device), dtype="bfloat16")
    assert isinstance(nano, Renderer)
    model = nano.loaded.use(nano.loaded.transformer)
    yield from compared(rig, "nano 128²", model, replace(KLEIN_4B, side=128, text=64))
    klein = replace(KLEIN_4B, side=256)
    klein = klein.tiny() if rig.tiny else klein
    yield from compared(rig, "klein-4B 256²", transformer_of(klein, rig), klein)


def compared(rig: Rig, name: str, model: Transformer, case: Case) -> Iterator[Figure]:
    step = Step(rig, model, case)
    plain = rig.seconds(step.run, rounds=10, warm=3)
    yield Figure(f"{name}: a step, kernel by kernel", 1000 * plain, "ms")
    if not rig.gpu:
        yield Figure(f"{name}: a step as a graph", "needs a GPU")
        return
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step.run()
    replayed = rig.seconds(graph.replay, rounds=10, warm=3)
    yield Figure(f"{name}: a step as a graph", 1000 * replayed, "ms", note=f"{plain / replayed:.1f}x as fast")
