"""The text encoders: embeddings of eight prompts, which a campaign computes once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from brandpress.model.checkpoint.describe import describe
from brandpress.model.checkpoint.text import load_text_encoder
from brandpress.model.family import MISTRAL, QWEN3_4B
from tests.bench.alternate import Comparison, compare
from tests.bench.bench import Bench
from tests.bench.checkpoint import CheckpointShape, TextShape, load_as, save
from tests.bench.prompts import prompts
from tests.bench.row import Difference, Goal, Row

LENGTH = 512
COUNT, QUICK_COUNT = 8, 2
SHAPES = {"text-klein": TextShape(QWEN3_4B, 640, 12), "text-dev": TextShape(MISTRAL, 640, 8)}
QUICK_WIDTH, QUICK_DEPTH = 128, 4
PIPELINES = {"text-klein": ("klein", "Flux2KleinPipeline"), "text-dev": ("dev", "Flux2Pipeline")}
GOALS = {"text-klein": Goal(1.25), "text-dev": Goal(3)}
ALLOWED = 1e-3
"""The largest allowed difference, in standard deviations of the embeddings."""


def text(bench: Bench) -> Iterator[Row]:
    """Yields the selected rows."""
    for key in SHAPES:
        if key in bench.selected:
            yield measure_encoder(key, bench)


def measure_encoder(key: str, bench: Bench) -> Row:
    """Returns the row of an encoder. Ours encodes one prompt at a time, diffusers all prompts as one batch."""
    shape = SHAPES[key]
    if bench.quick:
        shape = TextShape(shape.size, QUICK_WIDTH, QUICK_DEPTH)
    kind, pipeline = PIPELINES[key]
    folder = save(CheckpointShape(kind, 1, 1, 1, shape, (8, 16, 32, 32)), bench.folder / key)
    texts = prompts(QUICK_COUNT if bench.quick else COUNT)
    result = compare(
        make_comparison(folder, pipeline, texts, shape.layers), bench.rounds, lambda line: bench.log(f"{key}: {line}")
    )
    about = (
        f"{len(texts)} prompts of 20 to 80 words; {shape}, with the proportions of {shape.size.name}. diffusers "
        f"encodes them as one batch, through all layers and the output head, padded to {LENGTH} tokens each."
    )
    return Row(
        key,
        f"text encoder, {len(texts)} prompts, {kind}",
        about,
        result.ours,
        result.theirs,
        goal=GOALS[key],
        difference=Difference(result.difference, "std", result.allowed),
    )


def make_comparison(folder: Path, pipeline: str, texts: list[str], layers: tuple[int, ...]) -> Comparison[Tensor]:
    """Returns the comparison of our embeddings with those of a diffusers pipeline."""
    cpu = torch.device("cpu")
    ours = load_text_encoder(describe(str(folder), folder), cpu, torch.float32)
    theirs: Any = load_as(pipeline, folder)

    @torch.inference_mode()
    def encode() -> Tensor:
        return torch.cat([ours.encode(prompt) for prompt in texts])

    @torch.inference_mode()
    def encode_with_diffusers() -> Tensor:
        options = {"max_sequence_length": LENGTH, "hidden_states_layers": layers}
        arguments = (theirs.text_encoder, theirs.tokenizer, texts)
        if pipeline == "Flux2Pipeline":
            embeddings: Tensor = theirs._get_mistral_3_small_prompt_embeds(*arguments, **options)
        else:
            embeddings = theirs._get_qwen3_prompt_embeds(*arguments, **options)
        return embeddings

    def difference(one: Tensor, other: Tensor) -> float:
        return float((one - other).abs().max() / other.std())

    return Comparison(pipeline, encode, encode_with_diffusers, difference, ALLOWED)
