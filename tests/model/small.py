"""Small random FLUX.2 checkpoints, created and saved by diffusers: the real classes with few weights."""

from __future__ import annotations

import gc
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
from diffusers import (
    AutoencoderKLFlux2,
    FlowMatchEulerDiscreteScheduler,
    Flux2KleinKVPipeline,
    Flux2KleinPipeline,
    Flux2Pipeline,
    Flux2Transformer2DModel,
)
from numpy.typing import NDArray
from PIL import Image
from transformers import Mistral3Config, Mistral3ForConditionalGeneration, Qwen3Config, Qwen3ForCausalLM

from brandpress.model import Renderer, RenderRequest
from brandpress.model.nano.tokenizer import train_tokenizer
from tests.model.tokenizers import WORDS, dev_tokenizer

Pixels = NDArray[np.int64]
LENGTH = 24
DEV_LENGTH = 96
DEPTH = 4
PIPELINES: dict[str, tuple[Any, dict[str, bool]]] = {
    "dev": (Flux2Pipeline, {}),
    "klein": (Flux2KleinPipeline, {"is_distilled": True}),
    "klein-base": (Flux2KleinPipeline, {"is_distilled": False}),
    "klein-kv": (Flux2KleinKVPipeline, {"is_distilled": True}),
}


def save_small(kind: str, folder: Path, seed: int = 0, depth: int = DEPTH, shard: str | None = None) -> Path:
    """Save a checkpoint of `kind` with weights large enough for every part to affect the pixels. Returns `folder`."""
    torch.manual_seed(seed)
    dev = kind == "dev"
    text, tokenizer = (small_mistral(depth), dev_tokenizer()) if dev else (small_qwen(depth), train_tokenizer(WORDS))
    transformer = Flux2Transformer2DModel(
        in_channels=32,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=32,
        num_attention_heads=2,
        joint_attention_dim=96,
        axes_dims_rope=(8, 8, 8, 8),
        guidance_embeds=dev,
    )
    vae = small_autoencoder()
    with torch.no_grad():
        for parameter in transformer.parameters():
            if parameter.ndim == 2:
                parameter.mul_(1.6)
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift=3.0)
    pipeline_class, extra = PIPELINES[kind]
    pipeline = pipeline_class(
        scheduler=scheduler, vae=vae, text_encoder=text, tokenizer=tokenizer, transformer=transformer, **extra
    )
    pipeline.save_pretrained(folder, **({"max_shard_size": shard} if shard else {}))
    index = folder / "model_index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"max_sequence_length": length_of(kind)}))
    return folder


def small_autoencoder(**changes: Any) -> Any:
    vae = AutoencoderKLFlux2(
        **{"block_out_channels": (8, 16, 16, 16), "layers_per_block": 1, "latent_channels": 8, "norm_num_groups": 4}
        | changes
    )
    with torch.no_grad():
        vae.bn.running_mean.normal_(0, 0.1)
        vae.bn.running_var.uniform_(0.5, 1.5)
        vae.decoder.conv_out.weight.mul_(4.0)
    return vae


TEXT: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "vocab_size": 512,
}


def small_qwen(depth: int) -> Any:
    return Qwen3ForCausalLM(Qwen3Config(**TEXT, num_hidden_layers=depth))


def small_mistral(depth: int) -> Any:
    """Mistral with a vision tower. Its padding token has a nonzero embedding, as the real one may."""
    vision = {"model_type": "pixtral", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1}
    vision |= {"num_attention_heads": 1, "head_dim": 16, "patch_size": 4, "image_size": 64}
    config = Mistral3Config(
        text_config={"model_type": "mistral", "num_hidden_layers": depth, "sliding_window": None, **TEXT},
        vision_config=vision,
        image_token_index=dev_tokenizer().convert_tokens_to_ids("[IMG]"),
        spatial_merge_size=2,
    )
    return Mistral3ForConditionalGeneration(config)


def length_of(kind: str) -> int:
    return DEV_LENGTH if kind == "dev" else LENGTH


@dataclass(frozen=True)
class Small:
    """A checkpoint loaded by us (`renderer`) and by diffusers (`pipeline`)."""

    kind: str
    folder: Path
    renderer: Renderer
    pipeline: Any

    def fresh(self) -> Renderer:
        return fresh(self.renderer)

    def judge(self, request: RenderRequest) -> Pixels:
        """diffusers' picture of a request."""
        return judged(self.pipeline, request, length_of(self.kind), text_layers(DEPTH))


def fresh(renderer: Renderer) -> Renderer:
    """A renderer with the same weights and empty caches."""
    return Renderer(renderer.loaded)


def load_small(kind: str, folder: Path) -> Small:
    """Saves a checkpoint of `kind` to `folder`, and loads it with both, in float32 on the CPU."""
    save_small(kind, folder)
    return Small(kind, folder, Renderer.load(str(folder), device="cpu", dtype="float32"), load_pipeline(folder))


def load_pipeline(folder: Path) -> Any:
    """diffusers' pipeline of the class that the folder names, in float32."""
    name = json.loads((folder / "model_index.json").read_text())["_class_name"]
    pipeline = getattr(diffusers, name).from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def judged(pipeline: Any, request: RenderRequest, length: int, layers: tuple[int, ...], **options: Any) -> Pixels:
    """A pipeline's picture of a request, as levels of 255."""
    klein = isinstance(pipeline, Flux2KleinPipeline)
    guided = isinstance(pipeline, Flux2Pipeline) or (klein and not pipeline.config.is_distilled)
    result = pipeline(
        prompt=request.prompt,
        image=list(request.references) or None,
        width=request.width,
        height=request.height,
        num_inference_steps=request.steps or 4,
        generator=torch.Generator("cpu").manual_seed(request.seed),
        max_sequence_length=length,
        text_encoder_out_layers=layers,
        **({"guidance_scale": request.guidance or 4.0} if guided else {}),
        **options,
    )
    return levels_of(result.images[0])


def levels_of(picture: Image.Image) -> Pixels:
    return np.asarray(picture).astype(int)


def text_layers(depth: int) -> tuple[int, ...]:
    return tuple(depth * quarter // 4 for quarter in (1, 2, 3))


def living_kv_rows() -> int:
    """Returns the rows of all living tensors that have the shape of a small model's keys or values (rows, 2, 32).

    Rows of keys and of values count once for each layer.
    """
    gc.collect()
    tensors = [each for each in gc.get_objects() if type(each) is torch.Tensor]
    return sum(each.shape[0] for each in tensors if each.ndim == 3 and each.shape[1:] == (2, 32) and each._base is None)


KV_PER_ROW = 2 * 4
"""Keys and values, in each of a small model's four blocks."""


def noise_picture(width: int, height: int, seed: int, mode: str = "RGB") -> Image.Image:
    """A picture of smooth noise: unlike white noise it survives scaling, so that a wrong resize shows."""
    channels = {"L": 1, "RGB": 3, "RGBA": 4}[mode]
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, channels), dtype=np.uint8)
    return Image.fromarray(coarse.squeeze() if channels == 1 else coarse).resize(
        (width, height), Image.Resampling.BICUBIC
    )
