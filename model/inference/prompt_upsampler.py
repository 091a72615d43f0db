"""Prompt upsampling: the vision-language model of FLUX.2 [dev] rewrites a prompt in more detail.

Settings and system messages are BFL's: temperature 0.15, at most 512 new tokens, references side by side on white and
scaled down to 768x768 pixels. Source: black-forest-labs/flux2 `text_encoder.py` and `system_messages.py` (Apache-2.0),
diffusers 0.42.1 `upsample_prompt`. Unlike there, the seed is fixed, so that a prompt is always rewritten the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import nn

from brandpress.model.checkpoint.describe import ModelDescription
from brandpress.model.checkpoint.files import read_json
from brandpress.model.checkpoint.text import load_tokenizer
from brandpress.model.errors import CheckpointError
from brandpress.model.network.chat import IMAGE_TOKEN, mistral_messages
from brandpress.model.network.text_encoder import tokenise_mistral
from brandpress.model.reference_size import fit_area

TEMPERATURE = 0.15
NEW_TOKENS = 512
MAX_INPUT_TOKENS = 2048
PICTURE_PIXELS = 768 * 768
SEED = 0
ROW_END, PICTURE_END = "[IMG_BREAK]", "[IMG_END]"

FROM_TEXT = """\
You are an expert prompt engineer for FLUX.2 by Black Forest Labs. Rewrite user prompts to be more descriptive while \
strictly preserving their core subject and intent.

Guidelines:
1. Structure: Keep structured inputs structured (enhance within fields). Convert natural language to detailed \
paragraphs.
2. Details: Add concrete visual specifics - form, scale, textures, materials, lighting (quality, direction, color), \
shadows, spatial relationships, and environmental context.
3. Text in Images: Put ALL text in quotation marks, matching the prompt's language. Always provide explicit quoted \
text for objects that would contain text in reality (signs, labels, screens, etc.) - without it, the model generates \
gibberish.

Output only the revised prompt and nothing else."""

FROM_PICTURES = """\
You are FLUX.2 by Black Forest Labs, an image-editing expert. You convert editing requests into one concise \
instruction (50-80 words, ~30 for brief requests).

Rules:
- Single instruction only, no commentary
- Use clear, analytical language (avoid "whimsical," "cascading," etc.)
- Specify what changes AND what stays the same (face, lighting, composition)
- Reference actual image elements
- Turn negatives into positives ("don't change X" → "keep X")
- Make abstractions concrete ("futuristic" → "glowing cyan neon, metallic panels")
- Keep content PG-13

Output only the final instruction in plain text and nothing else."""


class Upsampler:
    """A complete Mistral-3: language model, head and vision tower."""

    def __init__(self, model: Any, tokenizer: Any, image_processor: Any, patch: int) -> None:
        """patch: side, in pixels, of the square that becomes one token."""
        self._model, self._tokenizer, self._image_processor, self._patch = model, tokenizer, image_processor, patch

    @property
    def module(self) -> nn.Module:
        """The module that has the weights."""
        module: nn.Module = self._model
        return module

    @torch.inference_mode()
    def rewrite(self, prompt: str, references: Sequence[Image.Image] = ()) -> str:
        """Returns the prompt as the model rewrites it, or unchanged if the model answers nothing."""
        inputs = self.inputs(prompt, references)
        devices = [self._model.device] if self._model.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(SEED)
            ids = self._model.generate(
                **inputs, max_new_tokens=NEW_TOKENS, do_sample=True, temperature=TEMPERATURE, use_cache=True
            )
        new = ids[0, inputs["input_ids"].shape[1] :]
        text: str = self._tokenizer.decode(new, skip_special_tokens=True)
        return text.strip() or prompt

    def inputs(self, prompt: str, references: Sequence[Image.Image]) -> dict[str, Any]:
        """Returns the language model's inputs: token ids, and the references as one picture."""
        system = FROM_PICTURES if references else FROM_TEXT
        chat: str = self._tokenizer.apply_chat_template(
            mistral_messages(prompt, system, pictures=int(bool(references))), tokenize=False, add_generation_prompt=True
        )
        image_inputs: dict[str, Any] = {}
        if references:
            picture = fit_area(side_by_side(references), PICTURE_PIXELS)
            image_inputs = dict(self._image_processor(picture, patch_size=self._patch, return_tensors="pt"))
            height, width = (int(side) // self._patch for side in image_inputs["image_sizes"][0])
            rows = [IMAGE_TOKEN * width + ROW_END] * (height - 1) + [IMAGE_TOKEN * width + PICTURE_END]
            chat = chat.replace(IMAGE_TOKEN, "".join(rows), 1)
            image_inputs["pixel_values"] = image_inputs["pixel_values"].to(self._model.device, self._model.dtype)
        ids = tokenise_mistral(self._tokenizer, chat, MAX_INPUT_TOKENS).to(self._model.device)
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids), **image_inputs}


def side_by_side(pictures: Sequence[Image.Image]) -> Image.Image:
    """Returns the pictures in a row on white, centred vertically."""
    if len(pictures) == 1:
        return pictures[0].copy()
    row = Image.new("RGB", (sum(p.width for p in pictures), max(p.height for p in pictures)), "white")
    left = 0
    for picture in pictures:
        row.paste(picture.convert("RGB"), (left, (row.height - picture.height) // 2))
        left += picture.width
    return row


def load_upsampler(description: ModelDescription, device: torch.device, dtype: torch.dtype) -> Upsampler:
    """Loads the complete language model of [dev]'s text encoder. Raises CheckpointError for other models."""
    from transformers import Mistral3ForConditionalGeneration

    parts = description.parts
    if parts is None or not description.upsamples:
        raise CheckpointError(f"{description.name} can't rewrite prompts; use flux.2-dev")
    folder = parts.text_encoder
    model = Mistral3ForConditionalGeneration.from_pretrained(
        folder, dtype=dtype, local_files_only=True, use_safetensors=True, trust_remote_code=False
    )
    config = read_json(folder / "config.json")
    patch = config.get("vision_config", {}).get("patch_size", 14) * config.get("spatial_merge_size", 2)
    return Upsampler(model.to(device).eval(), load_tokenizer(parts.tokenizer), _image_processor(parts.tokenizer), patch)


def _image_processor(folder: Path) -> Any:
    from transformers.models.pixtral.image_processing_pil_pixtral import PixtralImageProcessorPil

    if (folder / "preprocessor_config.json").is_file():
        return PixtralImageProcessorPil.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    return PixtralImageProcessorPil()
