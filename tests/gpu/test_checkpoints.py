"""diffusers reads the small checkpoints, which are written without it, and renders the same pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from brandpress.model import Renderer, RenderRequest
from tests.gpu.checkpoints import DEV_LENGTH, KINDS, LAYERS, LENGTH
from tests.model.tokenizers import WORDS


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"dev"}))
def test_diffusers_renders_the_same_pictures(checkpoints: dict[str, Path], kind: str) -> None:
    import diffusers
    from transformers import Qwen3ForCausalLM

    from tests.model.small import judged, noise_picture

    folder = checkpoints[kind]
    name, extra = KINDS[kind]
    # The file holds the language model without its head, which nothing here uses.
    encoder = Qwen3ForCausalLM.from_pretrained(folder / "text_encoder", dtype=torch.float32)
    pipeline = getattr(diffusers, name).from_pretrained(folder, text_encoder=encoder, dtype=torch.float32, **extra)
    pipeline.set_progress_bar_config(disable=True)
    alone = RenderRequest(WORDS[0], (), 64, 96, seed=1, steps=2)
    requests = [alone, replace(alone, references=(noise_picture(96, 80, 1), noise_picture(64, 64, 2)), seed=3)]
    for request, picture in zip(requests, rendered(folder, requests), strict=True):
        expected = judged(pipeline, request, LENGTH, LAYERS)
        assert np.std(expected) > 4
        assert np.abs(np.asarray(picture).astype(int) - expected).max() <= 1


def test_diffusers_reads_devs_networks(checkpoints: dict[str, Path]) -> None:
    """One by one, because [dev]'s pipeline needs torchvision. The text encoder's padding is checked too."""
    import diffusers

    folder = checkpoints["dev"]
    for name, part in (("Flux2Transformer2DModel", "transformer"), ("AutoencoderKLFlux2", "vae")):
        network = getattr(diffusers, name).from_pretrained(folder / part, dtype=torch.float32)
        assert sum(parameter.numel() for parameter in network.parameters()) > 10_000
    renderer = Renderer.load(folder, device="cpu", dtype="float32")
    assert isinstance(renderer, Renderer)
    text = renderer.loaded.text_encoder.get().encode(WORDS[0])[0]
    assert text.shape[0] == DEV_LENGTH
    assert torch.equal(text[0], text[1]) and not torch.equal(text[-1], text[-2])


def rendered(folder: Path, requests: list[RenderRequest]) -> list[Image.Image]:
    return Renderer.load(folder, device="cpu", dtype="float32").render(requests)
