"""Out of memory: whether a failed picture leaks memory, and whether the next one is correct."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from brandpress.model import Renderer
from tests.bench.row import Goal
from tests.gpu.case import KLEIN_4B
from tests.gpu.figure import Figure
from tests.gpu.pairs import levels_apart
from tests.gpu.rig import Rig
from tests.gpu.sections.klein import request_of
from tests.gpu.weights import loaded_of, transformer_of

ABOUT = "klein-4B 1024² on a card that something else fills: the failure, what it holds, and the picture afterwards."
SECONDS = 40


def measure(rig: Rig) -> Iterator[Figure]:
    case = KLEIN_4B.tiny() if rig.tiny else KLEIN_4B
    renderer = Renderer(loaded_of(case, rig, transformer_of(case, rig)), kernels=rig.best_kernels())
    request = request_of(case, seed=1)
    [before] = renderer.render([request])
    if not rig.gpu:
        yield Figure("a card that is full", "needs a GPU")
        return
    rig.free()
    held = rig.held()
    free, _ = torch.cuda.mem_get_info(rig.device)
    block = torch.empty(free - (200 << 20), dtype=torch.uint8, device=rig.device)
    failed = failure(renderer, request)
    yield Figure(
        "a card that is full", 1.0 if failed else 0.0, "refused", Goal(1), must=True, note=failed or "rendered"
    )
    del block
    rig.free()
    yield Figure("held after the failure, more than before", (rig.held() - held) / 1e6, "MB", Goal(1, False), must=True)
    [after] = renderer.render([request])
    yield Figure("the picture afterwards", levels_apart(after, before), "levels", Goal(0, False), must=True)


def failure(renderer: Renderer, request: object) -> str:
    """Returns the error in one line, or "" if the picture was rendered."""
    try:
        renderer.render([request])  # type: ignore[list-item]
    except torch.OutOfMemoryError as error:
        return str(error).splitlines()[0][:100]
    return ""
