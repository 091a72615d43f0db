"""diffusers' pipelines over the same tensors as our models."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from brandpress.model.inference.sampler import initial_noise
from brandpress.model.network.autoencoder import Autoencoder
from brandpress.model.network.transformer import Transformer
from brandpress.model.request import SIZE_MULTIPLE
from tests.gpu.case import Case


def pipeline_of(case: Case, transformer: Transformer, autoencoder: Autoencoder) -> Any:
    """[klein]'s pipeline, or its KV variant. Copies no weights."""
    import diffusers

    diffusers.utils.logging.set_verbosity_error()
    with torch.device("meta"):
        blocks = diffusers.Flux2Transformer2DModel(**_fields(transformer))
        vae = diffusers.AutoencoderKLFlux2(**_fields(autoencoder))
    blocks.load_state_dict(transformer.state_dict(), assign=True)
    vae.load_state_dict(autoencoder.state_dict(), assign=True)
    vae.bn.to(next(autoencoder.parameters()).dtype)
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift=3.0)
    kind = diffusers.Flux2KleinKVPipeline if case.kv else diffusers.Flux2KleinPipeline
    pipeline: Any = kind(
        scheduler=scheduler,
        vae=vae.eval(),
        text_encoder=None,
        tokenizer=None,
        transformer=blocks.eval(),
        is_distilled=True,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def noise_of(channels: int, width: int, height: int, seed: int) -> Tensor:
    """The noise of a seed, drawn in float32: torch versions draw different bfloat16 numbers from one generator."""
    return initial_noise(channels, height // SIZE_MULTIPLE, width // SIZE_MULTIPLE, seed)


def picture_of(pipeline: Any, case: Case, text: Tensor, references: Sequence[Image.Image]) -> Callable[[], Image.Image]:
    """Returns a function that renders one picture. The prompt is already encoded, as in our caches."""
    transformer = pipeline.transformer

    def render() -> Image.Image:
        picture: Image.Image = pipeline(
            prompt_embeds=text,
            image=list(references) or None,
            width=case.side,
            height=case.side,
            num_inference_steps=case.steps,
            latents=noise_of(transformer.config.in_channels, case.side, case.side, seed=0),
        ).images[0]
        return picture

    return render


def _fields(module: Transformer | Autoencoder) -> dict[str, Any]:
    fields = dataclasses.asdict(module.config)
    if isinstance(module, Autoencoder):
        levels = len(module.config.block_out_channels)
        fields |= {"down_block_types": ["DownEncoderBlock2D"] * levels, "up_block_types": ["UpDecoderBlock2D"] * levels}
    return fields
