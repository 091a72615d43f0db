"""Random checkpoints in the shape of the real ones: the same ratios of widths, heads, layers and vocabulary, scaled.

The text encoder's sizes follow from the family's table. The autoencoder has 32 latent channels as the real one; how
many channels its layers have is said by who asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers import FlowMatchEulerDiscreteScheduler, Flux2Transformer2DModel
from transformers import Mistral3Config, Mistral3ForConditionalGeneration, Qwen3Config, Qwen3ForCausalLM

from brandpress.model.family import HEAD_SIZE, TextEncoderSize
from brandpress.model.nano.tokenizer import train_tokenizer
from tests.model.small import PIPELINES, WORDS, dev_tokenizer, small_autoencoder

WEIGHT_SCALE = 1.6
"""Of the transformer's matrices, over diffusers' start: large enough that every part shows in the pixels."""

VISION: dict[str, Any] = {
    "model_type": "pixtral",
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "head_dim": 16,
    "patch_size": 4,
    "image_size": 64,
}
"""Of dev's language model; nothing of it runs when prompts are encoded."""


@dataclass(frozen=True)
class TextShape:
    """A text encoder scaled to `width` and `depth`, its other sizes in the proportion of `size`'s: the head has the
    same share of all weights."""

    size: TextEncoderSize
    width: int
    depth: int

    @property
    def layers(self) -> tuple[int, ...]:
        """The hidden states that are used, at the same part of the depth."""
        return tuple(layer * self.depth // self.size.depth for layer in self.size.layers)

    def config(self) -> dict[str, Any]:
        """As transformers names the sizes."""
        size, part = self.size, self.width / self.size.width
        heads, kv_heads = max(1, round(size.heads * part)), max(1, round(size.kv_heads * part))
        inner = round(size.inner * part)
        real = size.depth * layer_weights(size.width, size.inner, size.heads, size.kv_heads)
        ours = self.depth * layer_weights(self.width, inner, heads, kv_heads)
        return {
            "hidden_size": self.width,
            "intermediate_size": inner,
            "num_attention_heads": heads,
            "num_key_value_heads": kv_heads,
            "head_dim": HEAD_SIZE,
            "vocab_size": max(len(tokenizer_of(size)), round(size.vocabulary * size.width / real * ours / self.width)),
            "num_hidden_layers": self.depth,
        }

    def __str__(self) -> str:
        config = self.config()
        return (
            f"text encoder {self.width} wide, {self.depth} layers of which {max(self.layers)} are used, "
            f"{config['vocab_size']:,} words"
        )


@dataclass(frozen=True)
class Shape:
    """A checkpoint of `kind` (a key of PIPELINES). heads: of 128 each. double, single: how many blocks of each stream.
    channels: of the autoencoder's four levels."""

    kind: str
    heads: int
    double: int
    single: int
    text: TextShape
    channels: tuple[int, int, int, int]

    def __str__(self) -> str:
        return (
            f"{self.kind}, {self.heads * HEAD_SIZE} wide ({self.heads} heads of {HEAD_SIZE}), {self.double} double and "
            f"{self.single} single blocks, {self.text}, autoencoder of {min(self.channels)} to {max(self.channels)} "
            "channels"
        )


def layer_weights(width: int, inner: int, heads: int, kv_heads: int) -> int:
    """Of the matrices of one layer of a language model."""
    return 2 * width * HEAD_SIZE * (heads + kv_heads) + 3 * width * inner


def tokenizer_of(size: TextEncoderSize) -> Any:
    """One that knows the words of `tests.bench.prompts`."""
    return dev_tokenizer() if size.kind == "mistral3" else train_tokenizer(WORDS)


def save(shape: Shape, folder: Path, seed: int = 0) -> Path:
    """A random checkpoint in diffusers' layout, float32."""
    torch.manual_seed(seed)
    model = Flux2Transformer2DModel(
        num_layers=shape.double,
        num_single_layers=shape.single,
        attention_head_dim=HEAD_SIZE,
        num_attention_heads=shape.heads,
        joint_attention_dim=shape.text.width * len(shape.text.layers),
        guidance_embeds=shape.kind == "dev",
    )
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(WEIGHT_SCALE)
    groups = min(32, shape.channels[0])
    vae = small_autoencoder(
        block_out_channels=shape.channels, layers_per_block=2, latent_channels=32, norm_num_groups=groups
    )
    kind, extra = PIPELINES[shape.kind]
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift=3.0)
    tokenizer = tokenizer_of(shape.text.size)
    text = text_model(shape.text, tokenizer)
    pipeline = kind(scheduler=scheduler, vae=vae, text_encoder=text, tokenizer=tokenizer, transformer=model, **extra)
    pipeline.save_pretrained(folder)
    return folder


def text_model(shape: TextShape, tokenizer: Any) -> Any:
    """The language model, with its head."""
    if shape.size.kind == "qwen3":
        return Qwen3ForCausalLM(Qwen3Config(**shape.config()))
    text = {"model_type": "mistral", "sliding_window": None, **shape.config()}
    config = Mistral3Config(
        text_config=text,
        vision_config=VISION,
        image_token_index=tokenizer.convert_tokens_to_ids("[IMG]"),
        spatial_merge_size=2,
    )
    return Mistral3ForConditionalGeneration(config)


def hush() -> None:
    """Keep diffusers and transformers from telling of every file they load."""
    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()


def load_as(pipeline: str, folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    """A folder's weights in diffusers' pipeline of a class, which need not be the one that the folder names: the
    weights of klein-kv are distilled in `Flux2KleinPipeline`, too, which then has one pass a step."""
    distilled = {"is_distilled": True} if pipeline == "Flux2KleinPipeline" else {}
    model = getattr(diffusers, pipeline).from_pretrained(folder, dtype=dtype, **distilled)
    model.set_progress_bar_config(disable=True)
    return model
