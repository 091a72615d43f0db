"""klein at its real sizes with random weights: time against the floor and diffusers, memory against the plan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from PIL import Image

from brandpress.model import Renderer, RenderRequest
from brandpress.model.inference.components import LoadedModel
from tests.bench.row import Goal
from tests.gpu.case import KLEIN_4B, KLEIN_9B_KV, Case
from tests.gpu.diffusers_pipeline import picture_of, pipeline_of
from tests.gpu.figure import Figure
from tests.gpu.pairs import psnr
from tests.gpu.plan import need
from tests.gpu.rig import Rig
from tests.gpu.weights import folder_of, loaded_of, transformer_of

ABOUT = (
    "A further picture of a prompt and a reference set, whose embeddings, latents, keys and values are there already; "
    "diffusers is given the prompt's embeddings, too."
)
SECONDS = 130
GOALS = {KLEIN_4B: (Goal(0.60), Goal(1.5)), KLEIN_9B_KV: (Goal(0.70), Goal(1.8))}


def measure(rig: Rig) -> Iterator[Figure]:
    for case in GOALS:
        yield from measured(rig, case)
        rig.free()


def measured(rig: Rig, case: Case) -> Iterator[Figure]:
    floor_goal, diffusers_goal = GOALS[case]
    case = case.tiny() if rig.tiny else case
    before = rig.held()
    loaded = loaded_of(case, rig, transformer_of(case, rig))
    best: tuple[float, float] | None = None
    for name, kernels in (rig.best() if case.kv and not rig.every else rig.kernels()).items():
        renderer = Renderer(loaded, kernels=kernels)
        renderer.render([request_of(case, seed=1)])
        renderer = Renderer(loaded, kernels=kernels)
        [first], [further] = (list(renderer.stream([request_of(case, seed)])) for seed in (1, 2))
        whole = rig.seconds(lambda renderer=renderer: renderer.render([request_of(case, seed=3)]), rounds=2, warm=0)
        for what in ("denoise", "decode"):
            yield Figure(f"{case}, {name}: {what}", further.timings[what], "s")
        yield Figure(f"{case}, {name}: the whole picture", whole, "s")
        if case.references:
            seconds = first.timings["denoise"] - further.timings["denoise"]
            yield Figure(f"{case}, {name}: keys and values of the references, once a set", seconds, "s")
            yield Figure(f"{case}, {name}: references to latents, once a set", first.timings["references"], "s")
        del renderer
        best = min(best or (further.timings["denoise"], whole), (further.timings["denoise"], whole))
    assert best is not None
    floor = case.floor(rig.products)
    multiply, attend = case.operations()
    note = f"floor {floor:.3f} s; {(multiply + attend) * case.steps / best[0] / 1e12:.0f} TFLOP/s"
    yield Figure(f"{case}: floor ÷ time of denoising", floor / best[0], "", floor_goal, note=note)
    yield from memory(rig, loaded, case, before)
    yield from backends(rig, loaded, case)
    if rig.diffusers:
        yield from compared_with_diffusers(rig, loaded, case, best[1], diffusers_goal)
    renderer = Renderer(loaded, kernels=rig.best_kernels())
    renderer.render([request_of(case, seed=1)])
    rig.profile[:], _ = rig.profiled(lambda: renderer.render([request_of(case, seed=2)]))


def request_of(case: Case, seed: int, prompt: str = "a green mug") -> RenderRequest:
    return RenderRequest(prompt, references_of(case), case.side, case.side, seed=seed, steps=case.steps)


_PICTURES: dict[tuple[int, int], tuple[Image.Image, ...]] = {}


def references_of(case: Case) -> tuple[Image.Image, ...]:
    """Returns the same objects in each call, as in a worker."""
    key = (case.references, case.reference_side)
    if key not in _PICTURES:
        generator = torch.Generator().manual_seed(0)
        drawn = (torch.rand(case.references, 8, 8, 3, generator=generator) * 255).to(torch.uint8)
        sides = (case.reference_side, case.reference_side)
        _PICTURES[key] = tuple(Image.fromarray(one.numpy()).resize(sides) for one in drawn)
    return _PICTURES[key]


def stage(renderer: Renderer, case: Case, name: str) -> float:
    """Returns the seconds that a stage of a further picture takes on the device."""
    [rendered] = renderer.stream([request_of(case, seed=3)])
    return rendered.timings[name]


def memory(rig: Rig, loaded: LoadedModel, case: Case, before: int) -> Iterator[Figure]:
    """The peak of a picture against the plan, both without the text encoder: here it has no file to plan from."""
    planned = need(case, rig, folder_of(rig, "plan"))
    if not rig.gpu:
        return
    text: Any = loaded.text_encoder.get()
    other = sum(p.numel() * p.element_size() for p in text.parameters())
    renderer = Renderer(loaded, kernels=rig.best_kernels())
    peak = rig.peak(lambda: renderer.render([request_of(case, seed=1), request_of(case, seed=2)])) - before - other
    share = peak / planned.resident
    note = f"peak {peak / 1e9:.1f} GB, planned {planned.resident / 1e9:.1f} GB, of it {planned.work / 1e9:.1f} GB work"
    yield Figure(f"{case}: peak memory ÷ what plan says", share, "", Goal(1.0, at_least=False), note=note)
    yield Figure(f"{case}: the same, from below", share, "", Goal(0.95))


def backends(rig: Rig, loaded: LoadedModel, case: Case) -> Iterator[Figure]:
    """Denoising with each backend of attention."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    choices = {"flash": SDPBackend.FLASH_ATTENTION, "cuDNN": SDPBackend.CUDNN_ATTENTION}
    for name, backend in choices.items() if rig.gpu and rig.every else ():
        renderer = Renderer(loaded, kernels=rig.best_kernels())
        try:
            with sdpa_kernel([backend, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH], set_priority=True):
                renderer.render([request_of(case, seed=1)])
                yield Figure(f"{case}: denoising, attention by {name}", stage(renderer, case, "denoise"), "s")
        except RuntimeError as error:
            yield Figure(f"{case}: denoising, attention by {name}", f"failed: {str(error).splitlines()[0][:80]}")


def compared_with_diffusers(rig: Rig, loaded: LoadedModel, case: Case, seconds: float, goal: Goal) -> Iterator[Figure]:
    text = loaded.text_encoder.get().encode("a green mug")
    pipeline = pipeline_of(case, loaded.transformer.get(), loaded.autoencoder)
    render = picture_of(pipeline, case, text, references_of(case))
    pictures = []
    diffusers_seconds = rig.seconds(lambda: pictures.append(render()), rounds=1)
    note = f"ours {seconds:.3f} s, diffusers {diffusers_seconds:.3f} s"
    yield Figure(f"{case}: times as fast as diffusers", diffusers_seconds / seconds, "x", goal, note=note)
    # With the same tensors, both render the same picture within the precision of bf16.
    [picture] = Renderer(loaded, kernels=rig.best_kernels()).render([request_of(case, seed=0)])
    yield Figure(
        f"{case}: our picture against diffusers'", psnr(picture, pictures[-1]), "dB", note="PSNR, random weights"
    )
