"""Correct pictures: small checkpoints of every kind and nano, on the device against the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from brandpress.model import Renderer, RenderRequest
from tests.bench.row import Goal
from tests.gpu.checkpoints import KINDS, save_checkpoint
from tests.gpu.diffusers_pipeline import noise_of
from tests.gpu.figure import Figure
from tests.gpu.pairs import levels_apart, psnr
from tests.gpu.rig import Rig
from tests.gpu.weights import folder_of
from tests.model.tokenizers import WORDS

ABOUT = "Small checkpoints of every kind and nano: on the device against the CPU, in float32 and in bf16."
SECONDS = 80
ONE_LEVEL = Goal(1, at_least=False)
REFERENCES = Path(__file__).parents[3] / "specs" / "northwind" / "references"


def measure(rig: Rig) -> Iterator[Figure]:
    # Otherwise a GPU can round the operands of float32 products and convolutions.
    torch.set_float32_matmul_precision("highest")
    for kind in KINDS:
        folder = save_checkpoint(kind, folder_of(rig, kind))
        requests = requests_of(kind)
        cpu = Renderer.load(folder, device="cpu", dtype="float32").render(requests)
        rendered = Renderer.load(folder, device=str(rig.device), dtype="float32").render(requests)
        worst = max(levels_apart(one, other) for one, other in zip(rendered, cpu, strict=True))
        yield Figure(f"{kind} in float32 against the CPU", worst, "levels", ONE_LEVEL, must=True)
        half = Renderer.load(folder, device=str(rig.device), dtype="bfloat16").render(requests)
        by_diffusers = diffusers_pictures(rig, kind, folder, requests)
        near = min(psnr(one, other) for one, other in zip(half, cpu, strict=True))
        diffusers_near = (
            None
            if by_diffusers is None
            else min(psnr(one, other) for one, other in zip(by_diffusers, cpu, strict=True))
        )
        yield Figure(
            f"{kind} in bf16 against the CPU in float32",
            near,
            "dB",
            Goal(25),
            must=True,
            beside=diffusers_near,
            note="PSNR",
        )
    yield from padding(rig)
    yield from nano(rig)


def requests_of(kind: str) -> list[RenderRequest]:
    picture = Image.open(REFERENCES / "fox.png").convert("RGB")
    second = Image.open(REFERENCES / "mug.png").convert("RGB")
    alone = RenderRequest(WORDS[0], (), 64, 96, seed=1, steps=2)
    referenced = RenderRequest(WORDS[1], (picture, second), 96, 64, seed=2, steps=3, reference_pixels=96 * 96)
    return [alone, referenced]


def diffusers_pictures(rig: Rig, kind: str, folder: Path, requests: list[RenderRequest]) -> list[Image.Image] | None:
    """Returns diffusers' pictures in bf16; None if it isn't installed, and for dev, which needs torchvision."""
    if not rig.diffusers or kind == "dev":
        return None
    import diffusers
    from transformers import Qwen3ForCausalLM

    name, extra = KINDS[kind]
    diffusers.utils.logging.set_verbosity_error()
    encoder = Qwen3ForCausalLM.from_pretrained(folder / "text_encoder", dtype=torch.bfloat16)
    pipeline: Any = getattr(diffusers, name).from_pretrained(
        folder, text_encoder=encoder, torch_dtype=torch.bfloat16, **extra
    )
    pipeline.to(rig.device)
    pipeline.set_progress_bar_config(disable=True)
    rendered = []
    for request in requests:
        references = [picture.resize((96, 96), Image.Resampling.LANCZOS) for picture in request.references]
        rendered.append(
            pipeline(
                prompt=request.prompt,
                image=references or None,
                width=request.width,
                height=request.height,
                num_inference_steps=request.steps,
                latents=noise_of(32, request.width, request.height, request.seed),
                max_sequence_length=32,
                text_encoder_out_layers=(1, 2, 3),
                **({} if kind != "klein-base" else {"guidance_scale": 4.0}),
            ).images[0]
        )
    return rendered


def padding(rig: Rig) -> Iterator[Figure]:
    """[dev]'s padding is a fully masked row of attention, for which some backends return garbage."""
    folder = folder_of(rig, "dev")
    rows = {}
    for device, dtype in {("cpu", "float32"), (str(rig.device), "float32"), (str(rig.device), "bfloat16")}:
        renderer: Any = Renderer.load(folder, device=device, dtype=dtype)
        rows[device, dtype] = renderer.loaded.text_encoder.get().encode(WORDS[0])[0].float().cpu()
    expected = rows["cpu", "float32"]
    for (device, dtype), embedding in rows.items():
        if (device, dtype) != ("cpu", "float32"):
            apart = float((embedding - expected).abs().max() / expected.std())
            bound = Goal(1e-3 if dtype == "float32" else 0.1, at_least=False)
            apart = apart if torch.isfinite(embedding).all() else float("inf")
            yield Figure(f"dev's text with its padding, {dtype}", apart, "spreads", bound, must=True)


def nano(rig: Rig) -> Iterator[Figure]:
    references = tuple(Image.open(REFERENCES / name).convert("RGB") for name in ("mug.png", "fox.png"))
    prompt = "a green mug with a white star on the left, an orange fox on the right, on a beach"
    side, count = (64, 1) if rig.tiny else (128, 4)
    requests = [RenderRequest(prompt, references, side, side, seed=seed) for seed in range(count)]
    cpu = Renderer.load("nano", device="cpu", dtype="float32").render(requests)
    for dtype in ("float32", "bfloat16"):
        renderer = Renderer.load("nano", device=str(rig.device), dtype=dtype)
        rendered = renderer.render(requests)
        if dtype == "float32":
            worst = max(levels_apart(one, other) for one, other in zip(rendered, cpu, strict=True))
            yield Figure("nano in float32 against the CPU", worst, "levels", ONE_LEVEL, must=True)
        else:
            near = min(psnr(one, other) for one, other in zip(rendered, cpu, strict=True))
            yield Figure("nano in bf16 against the CPU in float32", near, "dB", Goal(25), must=True, note="PSNR")
            side_by_side(cpu, rendered).save(rig.folder / "nano.png")
        seconds = rig.seconds(lambda renderer=renderer: renderer.render(requests)) / len(requests)
        yield Figure(f"nano, a picture of a batch in {dtype}", 1000 * seconds, "ms")


def side_by_side(above: list[Image.Image], below: list[Image.Image]) -> Image.Image:
    width, height = above[0].size
    sheet = Image.new("RGB", (width * len(above), 2 * height))
    for row, pictures in enumerate((above, below)):
        for column, picture in enumerate(pictures):
            sheet.paste(picture, (column * width, row * height))
    return sheet
