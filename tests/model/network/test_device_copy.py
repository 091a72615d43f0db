"""Queueing work for a device never waits for its values: it also runs on the meta device, which has none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from brandpress.model.checkpoint.describe import describe
from brandpress.model.checkpoint.text import load_text_encoder
from brandpress.model.inference.caches import ReferenceLatents
from brandpress.model.inference.denoise import Denoiser, Sample, Schedule, layout_freqs_cis, modulations, reference_kv
from brandpress.model.inference.preprocess import to_levels
from brandpress.model.inference.reference_kv import ReferenceKV
from brandpress.model.inference.sampler import sigmas
from brandpress.model.network.autoencoder import Autoencoder
from brandpress.model.network.device_copy import copy_to_device, copy_to_host
from brandpress.model.network.transformer import Transformer, TransformerConfig
from tests.gpu.checkpoints import AUTOENCODER, CONFIG, save_checkpoint
from tests.model.tokenizers import WORDS

META = torch.device("meta")
"""Its tensors have shapes but no values: torch raises an error where it would wait for a GPU."""

TEXT, GRID = 8, (3, 4)


@pytest.mark.parametrize("kind", ["dev", "klein"])
def test_a_text_encoder_does_not_wait_for_the_device(tmp_path: Path, kind: str) -> None:
    folder = save_checkpoint(kind, tmp_path)
    encoder = load_text_encoder(describe(str(folder), folder), torch.device("cpu"), torch.bfloat16)
    embedding = encoder.encode(WORDS[0])
    encoder.to(META)
    if kind == "dev":
        encoder._padding = None
    assert encoder.encode(WORDS[1]).shape == embedding.shape


@torch.inference_mode()
@pytest.mark.parametrize("kv", [False, True])
@pytest.mark.parametrize("guidance", [None, 4.0])
def test_denoising_does_not_wait_for_the_device(kv: bool, guidance: float | None) -> None:
    with META:
        model = Transformer(TransformerConfig(**CONFIG, guidance_embeds=guidance is not None)).bfloat16()
    like = torch.empty(0, dtype=torch.bfloat16, device=META)
    reference = ReferenceLatents(torch.empty(6, 32, dtype=torch.bfloat16, device=META), (2, 3), "digest")
    cached_kv: ReferenceKV | None = None
    if kv:
        cached_kv = reference_kv(model, [reference], modulations(model, torch.zeros(()), guidance, like))
        cached_kv.fit(GRID[0] * GRID[1] + TEXT)
    times = sigmas(GRID[0] * GRID[1], 3)
    mods = [modulations(model, time, guidance, like) for time in times[:-1]]
    running = () if kv else (reference,)
    text = torch.empty(TEXT, model.config.width, dtype=torch.bfloat16, device=META)
    sample = Sample(
        0, layout_freqs_cis(model, GRID, [one.grid for one in running], TEXT, META), text, text, running, cached_kv
    )
    latents_out = Denoiser(model, Schedule(GRID, times, mods, 3.0), [sample, sample]).run()
    assert latents_out.device == META and latents_out.shape == (2, 32, *GRID) and latents_out.dtype == torch.float32


@torch.inference_mode()
def test_encoding_and_decoding_do_not_wait_for_the_device() -> None:
    with META:
        autoencoder = Autoencoder(AUTOENCODER).bfloat16()
    autoencoder.bn.float()
    latents = autoencoder.encode(torch.empty(1, 3, 64, 96, dtype=torch.bfloat16, device=META))
    levels = to_levels(autoencoder.decode(latents)[0])
    assert levels.device == META and levels.shape == (64, 96, 3) and levels.dtype == torch.uint8


def test_nothing_is_copied_on_a_cpu() -> None:
    tensor = torch.arange(3)
    assert copy_to_device(tensor, torch.device("cpu")) is tensor
    assert copy_to_host(tensor) is tensor
