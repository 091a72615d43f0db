"""Six pictures from `Renderer.stream`: how long the GPU is idle, and what waits for it."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from PIL import Image

from brandpress.model import Renderer, RenderRequest
from tests.bench.row import Goal
from tests.gpu.case import KLEIN_4B, Case
from tests.gpu.figure import Figure
from tests.gpu.rig import Rig
from tests.gpu.sections.klein import references_of
from tests.gpu.weights import loaded_of, transformer_of

ABOUT = (
    "klein-4B 1024² with two references and its text encoder at the real sizes; each picture has a prompt of its own."
)
SECONDS = 60
PICTURES = 6


def measure(rig: Rig) -> Iterator[Figure]:
    case = replace(KLEIN_4B, references=2)
    case = case.tiny() if rig.tiny else case
    loaded = loaded_of(case, rig, transformer_of(case, rig))
    renderer = Renderer(loaded, kernels=rig.best_kernels())
    streamed(renderer, requests_of(case, "warm"))
    rig.profile[:], idle = rig.profiled(lambda: streamed(renderer, requests_of(case, "idle")))
    if rig.gpu:
        yield Figure("idle share over six pictures", idle, "", Goal(0.05, at_least=False))
    yield Figure("a picture", rig.seconds(lambda: streamed(renderer, requests_of(case, "time")), 1, 0) / PICTURES, "s")
    yield from synchronisations(rig, renderer, case)


def requests_of(case: Case, words: str) -> list[RenderRequest]:
    """Returns requests with two reference sets, as in a campaign."""
    pictures: Sequence[Image.Image] = references_of(case)
    sets = (tuple(pictures), tuple(reversed(pictures)))
    return [
        RenderRequest(f"{words} {number}", sets[number * 2 // PICTURES], case.side, case.side, number, steps=case.steps)
        for number in range(PICTURES)
    ]


def streamed(renderer: Renderer, requests: Sequence[RenderRequest]) -> list[Image.Image]:
    return [rendered.picture for rendered in renderer.stream(requests)]


def synchronisations(rig: Rig, renderer: Renderer, case: Case) -> Iterator[Figure]:
    """Counts calls that make the CPU wait for the GPU, except for the one before a picture is returned."""
    if not rig.gpu:
        yield Figure("synchronisations a picture, idle share", "need a GPU")
        return
    requests = requests_of(case, "waiting")
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            streamed(renderer, requests)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    places = Counter(f"{warning.filename.rpartition('/')[2]}:{warning.lineno}" for warning in caught)
    note = ", ".join(f"{place} {count}x" for place, count in places.most_common(8))
    yield Figure("synchronisations a picture", sum(places.values()) / PICTURES, "", Goal(0, False), note=note)
